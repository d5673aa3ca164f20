"""The web protocol of Kyutai's Moshi server: binary messages whose first byte says what they are.

The server greets with a handshake; from then on sound goes both ways, each as one endless stream of Opus in Ogg, and
the words of what is said come as they are begun. Moshi's clients tell their delay by how much sound they got, so it
never pauses: where nothing is said, silence is sent. There is no way to take back what was sent, so nothing is sent
ahead, as on a media track.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from parley.audio.ogg_opus import RATE_HZ, OpusStreamReader, OpusStreamWriter, PacketEncoder
from parley.audio.pcm import FRAME_MS
from parley.conversation import notifications as nt
from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.conversation.listener import Outlet
from parley.conversation.output.playout import PlayoutFrame
from parley.errors import AudioError, Overloaded, ParleyError
from parley.realtime.session_object import RealtimeSession
from parley.transports import opus
from parley.transports.conversation_socket import (
    CLOSE_S,
    POLICY_VIOLATION,
    TRY_AGAIN,
    ConversationSocket,
    SocketLimits,
    closing_reason,
)
from parley.transports.endings import CLIENT_LEFT
from parley.transports.mapping import AvailableModels, settings_of
from parley.transports.pacing import Pacer, Ticker
from parley.transports.sound_line import SoundLine
from parley.transports.websocket import accept

log = structlog.get_logger("websocket")

HANDSHAKE, SOUND, TEXT, ERROR, PING = b"\x00", b"\x01", b"\x02", b"\x05", b"\x06"
_SILENT_TOO = (HANDSHAKE, PING)
"""What a client may send without a meaning here."""
_NOT_READABLE = 1007
_MOST_SOUND_BYTES = 64 * 1024
"""Of one message: clients send some hundred, and a page of Ogg has no more."""
_FRAME_S = FRAME_MS / 1000
_LATENCY_S = 0.12  # network, and the 80 ms for which Moshi's clients wait before they play
_MOST_BEHIND = 25  # frames that are sent at once after the machine stood still; beyond, their time is left out
_FADE_FRAMES = 10  # of silence that are encoded; then the codec rests, and one packet is sent again and again


class MoshiSocket(ConversationSocket):
    """One connection, from accept to close; it is its pacer's `Carrier`."""

    def __init__(
        self,
        socket: WebSocket,
        conversation: Conversation,
        place: Place,
        shown: RealtimeSession,
        available: AvailableModels,
        *,
        ticker: Ticker,
        limits: SocketLimits,
        unused: Sequence[str] = (),
    ) -> None:
        """Joins the conversation at once, see `Connection`; `unused`: wishes of the client that nothing comes of.

        Raises `ProtocolError`.
        """
        super().__init__(socket, conversation, place, settings_of(shown, conversation.settings, available), limits)
        self.shown = shown
        """The session object, which does not change."""
        self._ticker = ticker
        self._unused = unused
        self._reader = OpusStreamReader()
        self._writer = OpusStreamWriter()
        self._encoder = opus.ResilientEncoder() if opus.can_encode else PacketEncoder(RATE_HZ)
        self._line = SoundLine(RATE_HZ)
        self._began: float | None = None
        self._frames = 0
        self._silent_frames = 0
        self._packet = b""
        self._refused_sound = False
        self._response: str | None = None
        self._said = ""
        """Of its text, what was sent."""
        self._pacer = self._connection.listen(self._made_pacer)
        conversation.ears[place.name] = self._line.overhear
        if (detection := shown.turn_detection) is not None:
            self._connection.set_vad(detection.threshold, detection.prefix_padding_ms / 1000)

    def _made_pacer(self, outlet: Outlet) -> Pacer:
        self._outlet = outlet
        return Pacer(outlet, self, lead_s=_FRAME_S, latency_s=_LATENCY_S)

    async def serve(self) -> None:
        """Run until either side closes, then leave; a client that cannot enter the conversation is told why."""
        bound = log.bind(session=self.conversation.id)
        try:
            async with self._connection:
                self._greet()
                reason = await self._race()
        except ParleyError as fault:
            bound.warning("cannot enter", error=str(fault))
            await turn_away(self._socket, str(fault), busy=isinstance(fault, Overloaded))
            return
        finally:
            self._ticker.remove(self._tick)
        await self._close(*reason)
        bound.info("closed", reason=reason[1])

    def _greet(self) -> None:
        """The model listens: say so, and begin to send sound."""
        self._outbox.put(HANDSHAKE)
        if self._unused:
            names = ", ".join(self._unused)
            self._outbox.put(ERROR + f"nothing comes of {names}: the server's configuration says that".encode())
        self._outbox.put(SOUND + self._writer.begin())
        self._ticker.add(self._tick, self._ticking_broke)

    # -- in -------------------------------------------------------------------------------------------

    async def _take(self, text: str | None, data: bytes | None) -> None:
        kind, content = (data or b"")[:1], (data or b"")[1:]
        if text is not None:
            self._complain("a text message came; messages are binary here, and their first byte says what they are")
        elif kind == SOUND:
            await self._hear(content)
        elif kind not in _SILENT_TOO:
            self._complain(f"a message of kind {kind.hex() or 'nothing'} came; only sound is taken, its kind is 01")

    async def _hear(self, stream: bytes) -> None:
        if not self.place.speaks:
            if not self._refused_sound:  # once is enough: an open microphone goes on and on
                self._complain("this connection only listens: its sound is not taken")
            self._refused_sound = True
            return
        if len(stream) > _MOST_SOUND_BYTES:
            self._end(POLICY_VIOLATION, f"a message has more than {_MOST_SOUND_BYTES // 1024} kB of sound")
            return
        try:
            for samples in self._reader.push(stream):
                self._connection.append_audio(samples, RATE_HZ)
                await asyncio.sleep(0)  # each packet is work
        except AudioError as fault:
            self._end(_NOT_READABLE, str(fault))
        except Overloaded as fault:
            self._end(TRY_AGAIN, str(fault))

    def _complain(self, message: str) -> None:
        """The client did something wrong, and the conversation goes on."""
        self._count_error()
        self._outbox.put(ERROR + message.encode())

    # -- out ------------------------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        """Send the frames whose time has come."""
        if self._began is None:
            self._began = now
        due = int((now - self._began) / _FRAME_S + 0.5) + 1 - self._frames
        if due > _MOST_BEHIND:
            self._began += (due - 1) * _FRAME_S
            due = 1
        for _ in range(due):
            self._pacer.tick(self._began + self._frames * _FRAME_S)
            self._frames += 1
            self._outbox.put(SOUND + self._writer.write(self._next_packet()))

    def _next_packet(self) -> bytes:
        samples = self._line.take()
        self._silent_frames = 0 if samples.any() else self._silent_frames + 1
        if self._silent_frames <= _FADE_FRAMES:
            self._packet = self._encoder.encode(samples)
        return self._packet

    def _ticking_broke(self, fault: Exception) -> None:
        self._connection.break_down("its sound cannot be delivered", fault)

    def _tell(self, notification: nt.Notification) -> None:
        """Nothing of it is in this protocol: words go with their sound."""

    def deliver(self, frame: PlayoutFrame) -> None:
        """See `Carrier`, as with the following three."""
        self._line.push(frame)
        self._say(frame.response, self._outlet.begun_chars(frame.response, frame.end_s))

    def all_sent(self, response: str) -> None:
        """What has no sound behind the last word is said now."""
        self._say(response, None)

    def finished(self, response: str) -> None:
        """Nobody has to be told."""

    def flushed(self, response: str) -> None:
        """What was not sent is not."""
        self._line.clear()

    def _say(self, key: str, chars: int | None) -> None:
        """Send what is new of an answer's text, up to a length."""
        response = self.conversation.response(key)
        if response is None or response.message is None:
            return
        text, apart = response.message.text[:chars], ""
        if self._response != key:
            apart = " " if self._response is not None else ""
            self._response, self._said = key, ""
        elif not text.startswith(self._said):
            if self._said.startswith(text):
                return
            self._said = ""  # it was taken back
        if piece := text[len(self._said) :]:
            self._outbox.put(TEXT + (piece if piece[0].isspace() else apart + piece).encode())
            self._said = text

    async def _say_why(self, reason: str) -> None:
        if reason != CLIENT_LEFT:
            await _tell_why(self._socket, reason)


async def turn_away(socket: WebSocket, why: str, *, busy: bool = False) -> None:
    """Accept, say why not, close; `busy`: it may be let in later."""
    try:
        async with asyncio.timeout(CLOSE_S):
            if socket.application_state is WebSocketState.CONNECTING:
                await accept(socket)
            await _tell_why(socket, why)
            await socket.close(TRY_AGAIN if busy else POLICY_VIOLATION, closing_reason(why))
    except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        log.debug("a refusal was not read")


async def _tell_why(socket: WebSocket, why: str) -> None:
    """As an error, which programs look for, and as text: Moshi's own clients show nothing else."""
    await socket.send_bytes(ERROR + why.encode())
    await socket.send_bytes(TEXT + f" [{why}]".encode())
