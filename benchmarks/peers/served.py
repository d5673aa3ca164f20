"""What the peers' servers have in common. Needs nothing but uvicorn: each runs in an environment of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import uvicorn

RATE_HZ, INPUT_RATE_HZ = 24000, 16000  # of the protocol, of Silero and Moonshine
INSTRUCTIONS = (
    "You are a friendly voice assistant. Your words are spoken aloud: answer in one or two short, plain "
    "sentences, without lists, mark-up or emoji."
)


def options(about: str | None, port: int) -> tuple[argparse.Namespace, dict[str, str]]:
    """The command line, and the files that `--models` names."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--silence", type=float, help="seconds that end a turn; else its own way of ending turns")
    parser.add_argument("--answer-tokens", type=int, default=24)
    given = parser.parse_args()
    return given, json.loads(given.models.read_text(encoding="utf-8"))


def message(item: dict[str, Any]) -> dict[str, str]:
    """An item of the protocol as chat servers take it."""
    return {"role": item["role"], "content": "".join(part["text"] for part in item["content"])}


def serve(app: Any, port: int) -> None:
    """Until it is interrupted."""
    asyncio.run(uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", ws="websockets")).serve())
