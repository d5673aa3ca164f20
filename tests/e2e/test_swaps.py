"""Another recogniser and language model in mid-conversation: real recognisers and voice, answers that say whose."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from parley.client.caller import RecordedCaller, load_clip
from parley.client.connection import Connection
from parley.client.word_errors import rate
from tests.conftest import SHARED, UNDERSTOOD, Clip, RunningServer, start_server, stop_server


class _LanguageModels(BaseHTTPRequestHandler):
    """They say what they are told to, else their names."""

    texts: dict[str, str] = {}  # noqa: RUF012 - of the class, which is made for one server

    def do_POST(self) -> None:
        wanted = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
        text = self.texts.get(wanted["model"]) or f"This is the {wanted['model']} model."
        delta = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: " + msgspec.json.encode(delta) + b"\n\ndata: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def language_models(**texts: str) -> Iterator[str]:
    """Their server's address; `texts`: what each says."""
    handler = type("Handler", (_LanguageModels,), {"texts": texts})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Speech in a language of only one recogniser: real Telugu where the recordings are, else a robot's German.

    Of a robot's Telugu Whisper base writes dashes, other scripts or nothing, each time otherwise.
    """
    real = SHARED / "te-common-voice-43371458.wav"
    if real.exists():
        return real, "te"
    made = tmp_path_factory.mktemp("speech") / "german.wav"
    command = [
        sys.executable,
        "-m",
        "parley.cli",
        "say",
        "Guten Morgen, ich möchte zwei Fahrkarten nach Berlin kaufen.",
    ]
    subprocess.run([*command, "-o", str(made), "-q", "--voice", "espeak", "--language", "de"], check=True)
    return made, "de"


async def transcribed(server: RunningServer, path: Path, model: str) -> str:
    form = {"model": model}
    async with httpx.AsyncClient(timeout=60) as client:
        told = await client.post(
            f"{server.url}/v1/audio/transcriptions", data=form, files={"file": await asyncio.to_thread(path.read_bytes)}
        )
    return str(told.json()["text"])


async def converse(server: RunningServer, question: Clip, foreign: Path, language: str) -> None:
    async with Connection(server.url) as connection, RecordedCaller(connection) as caller:
        events: list[dict[str, Any]] = []
        connection.on_event = events.append

        async def ask(path: Path) -> tuple[str, str]:
            """What was understood and what was answered."""
            count = len(connection.talk.responses)
            caller.speak(load_clip(path))
            responses = connection.talk.responses
            assert await caller.wait_for(lambda: len(responses) > count and responses[-1].heard is not None, 60)
            return connection.talk.turns[-1].transcript, responses[-1].heard or ""

        async def update(session: dict[str, Any]) -> dict[str, Any]:
            before = len(events)
            await connection.send({"type": "session.update", "session": session})

            def told() -> list[dict[str, Any]]:
                return [e for e in events[before:] if e["type"] in ("session.updated", "error")]

            assert await caller.wait_for(told, 60)
            return told()[0]

        understood, answered = await ask(question.path)
        assert UNDERSTOOD.search(understood)
        assert answered == "This is the first model."
        transcription = {"model": "whisper-base", "language": language}
        changed = await update({"model": "second", "audio": {"input": {"transcription": transcription}}})
        assert changed["session"]["model"] == "second"
        understood, answered = await ask(foreign)
        by_the_other = await transcribed(server, foreign, "moonshine-tiny-en")
        assert rate(by_the_other, understood) > 0.3, (understood, by_the_other)  # Whisper says something else each time
        assert answered == "This is the second model."
        for wrong, field in (
            ({"model": "third"}, "session.model"),
            ({"audio": {"input": {"transcription": {"model": "ears"}}}}, "session.audio.input.transcription.model"),
        ):
            assert (await update(wrong))["error"]["param"] == field
        unheard = await update({"audio": {"input": {"transcription": {"model": "whisper-1"}}}})  # which hears English
        assert unheard["error"]["code"] == "language_not_supported"
        back = await update(
            {"model": "gpt-realtime", "audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}}}
        )
        assert back["type"] == "session.updated"


@pytest.mark.timeout(240)
def test_a_conversation_goes_on_with_another_recogniser_and_language_model(
    question: Clip, foreign: tuple[Path, str], tmp_path: Path
) -> None:
    with language_models() as address, ExitStack() as stack:
        process, server = start_server(
            tmp_path / "serve.log", PARLEY_LLM_BASE_URL=address, PARLEY_LLM="first", PARLEY_LLMS='["second"]',
            PARLEY_RECOGNIZERS='["whisper-base"]',
        )  # fmt: skip
        stack.callback(stop_server, process, server)
        asyncio.run(converse(server, question, *foreign))
