"""Interruptions of real answers through a real socket, by exact and by blind clients, judged as `parley bench` does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from parley.audio.pcm import Float32
from parley.bench import scenario as scenarios
from parley.bench.corpus import Materials
from parley.bench.score import score, score_words
from parley.bench.script import hold
from parley.cli import local
from parley.conversation.offline import transcribe_utterance
from parley.models.interfaces import Caller
from tests.conftest import Clip, RunningServer

COUNT = int(os.environ.get("TEST_INTERRUPTIONS", "2"))
INTERRUPTION = """
- name: interruption
  title: Interruption
  about: ''
  steps:
    - {say: clip}
    - {say: other, begin: audible, after_s: [0.8, 1.1, 1.4, 1.7, 2.0], meant: interruption}
"""


@pytest.fixture
def materials(question: Clip, interruption: Clip, tmp_path: Path) -> Materials:
    """The question and what interrupts its answer."""
    entries = []
    for name, clip in (("question.wav", question), ("interruption.wav", interruption)):
        shutil.copy(clip.path, tmp_path / name)
        entries.append({"file": name, "transcript": clip.transcript, "language": "en"})
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return Materials(tmp_path, scenarios.manifest(tmp_path), None)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "blind"])
async def test_the_answer_stops_and_history_is_what_was_played(
    server: RunningServer, materials: Materials, exact: bool
) -> None:
    recognizer = await local.load_model("moonshine-tiny-en", "asr", quiet=True)

    async def understand(sound: Float32) -> str:
        return (await transcribe_utterance(recognizer, sound, "en", Caller("test"))).text

    question = [(materials.entries[0], materials.seconds(materials.entries[0]))]
    right: list[bool] = []
    stops: list[float] = []
    for case in scenarios.cases(scenarios.parse(INTERRUPTION, "test"), question, rounds=4 * COUNT):
        call = await hold(case, materials, server.url, exact=exact, api_key=None, answer_tokens=48)
        if call.void:  # the answer was over too soon
            continue
        result = score(call)
        await score_words(call, result, understand)
        assert not call.talk.errors
        assert call.talk.responses[0].text.startswith((call.talk.responses[0].heard or "").strip())
        stops += result.stop_ms
        right += result.history_right
        if len(stops) >= COUNT:
            break
    recognizer.close()
    assert len(stops) >= COUNT
    assert max(stops) < 1500
    assert sum(right) >= 0.5 * COUNT  # this recogniser errs too; `parley bench` measures it with a better one
