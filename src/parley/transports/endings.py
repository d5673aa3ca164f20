"""Why a connection ends, in words; and the code of the ``error`` event by which its client is told, where it is."""

from __future__ import annotations

CLIENT_LEFT = "client left"
TIME_OVER = "session time is over"
BROKE = "internal error"
TOO_MANY_ERRORS = "too many faulty messages"
NOT_READING = "client does not read"
SERVER_STOPS = "the server stops"
SENT_AWAY = "the host of the conversation has sent you away"
CAME_BACK = "the client came back by another connection"

CODES = {
    SERVER_STOPS: "server_stopping",
    TIME_OVER: "session_expired",
    BROKE: "internal_error",
    TOO_MANY_ERRORS: "too_many_errors",
    NOT_READING: "slow_client",
    SENT_AWAY: "removed",
}
"""Of those for which the server ends it."""
