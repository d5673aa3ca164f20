"""``parley train judge`` with real models: a voice is most like its own recordings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from parley.audio import files
from parley.cli import app, local
from parley.conversation.offline import say_text
from parley.models.interfaces import Caller, SpeakingStyle
from parley.train.clips import Clip
from tests.cli.test_train import ended

TEXTS = ("The library is open until six.", "The next train leaves from platform four.")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves of one speaker, who is espeak."""
    folder = tmp_path_factory.mktemp("judged")
    ended(folder, found=tuple(asyncio.run(recorded(folder))))
    return folder


async def recorded(folder: Path) -> list[Clip]:
    voice, found = await local.load_model("espeak", "tts", quiet=True), []
    for number, text in enumerate(TEXTS):
        chunks = [chunk async for chunk in say_text(voice, text, SpeakingStyle(), Caller("test"))]
        files.write(path := folder / f"{number}.wav", sound := np.concatenate(chunks), voice.rate_hz)
        found.append(
            Clip(id=f"{number}", source="s", audio=str(path), digest=f"{number}", licence="CC0-1.0", consent="given",
                 language="en", text=text, speaker="robot", end_s=len(sound) / voice.rate_hz)
        )  # fmt: skip
    return found


def judged(work: Path, *more: str) -> str:
    arguments = ["train", "judge", str(work), "espeak", "hibari-heart", "--speaker", "robot"]
    recognizer = ["--recognizer", "moonshine-tiny-en"]
    result = CliRunner().invoke(app, [*arguments, *recognizer, *more], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_voice_is_most_like_its_own_recordings(work: Path) -> None:
    recordings, robot, heart = [json.loads(line) for line in judged(work, "--json", "--quiet").splitlines()]
    assert (recordings["voice"], robot["voice"], heart["voice"]) == ("robot, recorded", "espeak", "hibari-heart")
    assert robot["likeness"] > heart["likeness"] + 0.1
    assert heart["word_errors"] <= 0.2
    assert recordings["first_sound_ms"] is None
    assert robot["real_time"] > 0
    assert heart["real_time"] > 0


def test_people_get_a_table(work: Path) -> None:
    shown = judged(work, "--quiet")
    assert [word in shown for word in ("robot, recorded", "hibari-heart", "likeness", "2 texts")] == [True] * 4
