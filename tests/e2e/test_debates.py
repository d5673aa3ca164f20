"""A debate through a real server, as somebody hears it from the terminal."""

from __future__ import annotations

import json
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import RunningServer
from tests.e2e.test_command_line import parley

SHORT = """\
name: short
title: Short
about: For a test.
sides: [for, against]
gap_ms: 250
rounds:
  - {name: Statements, order: [each], task: Say what you think., seconds: 5}
"""


@pytest.mark.timeout(240)
def test_a_debate_is_heard_in_stereo_and_written_down(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT)
    sound, script = tmp_path / "d.wav", tmp_path / "d.json"
    out = parley(
        "debate", "The library is open from nine to five", "--format", str(tmp_path / "short.yaml"), "--spectate",
        "--url", server.url, "--output", str(sound), "--transcript", str(script), "--json",
    )  # fmt: skip
    *spoken, summary = [json.loads(line) for line in out.splitlines()]
    assert [line["speaker"] for line in spoken] == ["Mona", "Mona", "Ada", "Ben", "Mona"]
    assert spoken[0]["heard"].startswith("Welcome. Our topic today: The library is open from nine to five.")
    assert spoken[2]["heard"].startswith("I am for it.")
    assert spoken[3]["heard"].startswith("Ada, I am against it.")
    debate = json.loads(script.read_text())
    assert [s["heard"] for s in debate["speeches"]] == [line["heard"] for line in spoken]
    times = [(s["began_s"], s["ended_s"]) for s in debate["speeches"]]
    assert all(begin >= end for (_, end), (begin, _) in pairwise(times)), "nobody speaks over another"
    assert summary["summary"]["gaps_ms"]["n"] == 4
    assert "library" in parley("transcribe", str(sound)).lower()
    left, right = levels(sound)
    loud = np.maximum(left, right) > 300
    leaning = np.log2(left[loud] / right[loud])
    for place in (leaning > 1, np.abs(leaning) < 0.3, leaning < -1):  # Ada, Mona, Ben
        assert place.sum() > 20, "each is heard at a place of its own"


def levels(path: Path) -> tuple[Any, Any]:
    """Of both channels, for each 20 ms."""
    with wave.open(str(path)) as sound:
        assert sound.getnchannels() == 2
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).reshape(-1, 2).astype(np.float64)
    frames = samples[: len(samples) // 480 * 480].reshape(-1, 480, 2)
    left, right = np.sqrt((frames**2).mean(axis=1)).T + 1e-3
    return left, right
