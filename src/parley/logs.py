"""Logging: readable lines on a terminal, JSON elsewhere, and a file for each of a few topics.

Static messages, facts as fields. Never words, sound, keys or addresses of people.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path

import structlog

TOPICS = ("audio", "model", "webrtc", "server")
_TOPIC_OF = {"conversation": "audio", "websocket": "audio", "model": "model", "worker": "model", "webrtc": "webrtc"}
_MAX_BYTES, _FILES = 2_000_000, 3
_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def keep_from_output() -> None:
    """Of a command whose output is its own: warnings and worse alone, on standard error; `set_up` counts more."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level, structlog.stdlib.add_log_level, structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )  # fmt: skip


def set_up(level: str, folder: Path | None) -> None:
    """Send all logging through one set of handlers."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    handlers: list[logging.Handler] = [_handler(logging.StreamHandler(), renderer)]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        handlers += [_topic_handler(folder, topic) for topic in TOPICS]
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level.upper())
    for name in (
        "uvicorn.error",
        "httpx",
        "httpcore",
        "faster_whisper",
        "websockets",
        "asyncio",
        "aioice",
        "aiortc",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)


def _handler(handler: logging.Handler, renderer: structlog.types.Processor) -> logging.Handler:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    return handler


class _TopicFile(logging.handlers.RotatingFileHandler):
    """A log file whose loss is told once: on a full disk each line would else write a trace to the terminal."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:
        """A line could not be written."""
        fault = sys.exc_info()[1]
        if not isinstance(fault, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            structlog.get_logger("server").warning("a log file lacks lines", file=self.baseFilename, error=str(fault))


def _topic_handler(folder: Path, topic: str) -> logging.Handler:
    handler = _TopicFile(folder / f"{topic}.log", maxBytes=_MAX_BYTES, backupCount=_FILES, delay=True)
    handler.addFilter(lambda record: _TOPIC_OF.get(record.name, "server") == topic)
    return _handler(handler, structlog.processors.JSONRenderer())
