"""The command line as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.client.word_errors import rate
from tests.conftest import Clip, RunningServer, silence


def parley(*arguments: str, code: int = 0, **environment: str) -> str:
    env = {**os.environ, "COLUMNS": "200", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "parley.cli", *arguments], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout + (done.stderr if code else "")


def test_talk_with_a_recording_gives_transcript_answer_and_latency(
    server: RunningServer, question: Clip, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.wav"
    out = parley("talk", server.url, "--input", str(question.path), "--output", str(answer), "--json")
    turn, summary = [json.loads(line) for line in out.splitlines()]
    assert "bridge" in turn["transcript"].lower()
    assert turn["reply"]
    assert turn["heard"] == turn["reply"]
    assert turn["status"] in ("completed", "incomplete")
    assert 100 < turn["voice_to_voice_ms"] < 5000
    assert sum(v for k, v in turn["server_ms"].items() if k != "total_ms") == turn["server_ms"]["total_ms"]
    assert {"capture", "network"} < turn["server_ms"].keys()
    assert summary["summary"]["errors"] == []
    heard = parley("transcribe", str(answer))
    assert rate(turn["reply"], heard) <= 0.5, (turn["reply"], heard)


def test_two_utterances_two_seconds_apart_are_two_turns(server: RunningServer, question: Clip, tmp_path: Path) -> None:
    rate_hz = 24000
    both = np.concatenate([question.samples(rate_hz), silence(2.0, rate_hz), question.samples(rate_hz)])
    files.write(tmp_path / "two.wav", both, rate_hz)
    out = parley("talk", server.url, "--input", str(tmp_path / "two.wav"), "--json", "--stock")
    assert len(out.splitlines()) == 3


def test_say_and_transcribe_agree(tmp_path: Path) -> None:
    text = "The library is open from nine to five."
    parley("say", text, "-o", str(tmp_path / "said.flac"), "-q")
    assert rate(text, parley("transcribe", str(tmp_path / "said.flac"))) <= 0.25
    assert "-->" in parley("transcribe", str(tmp_path / "said.flac"), "--format", "srt")


def test_telugu_is_said_by_espeak(tmp_path: Path) -> None:
    parley("say", "ఈ అమ్మాయి బాగా పాడుతుంది.", "-o", str(tmp_path / "te.wav"), "--voice", "espeak", "--language", "te", "-q")
    samples, rate_hz = files.read(tmp_path / "te.wav")
    assert len(samples) / rate_hz > 1.0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("talk", "--input", "nowhere.wav"), 2, "nowhere.wav"),
        (("transcribe", "nowhere.wav"), 2, "nowhere.wav"),
        (("say", " ", "-o", "x.wav"), 2, "nothing to say"),
        (("models", "info", "no-such-model"), 3, "no-such-model"),
        (("models", "pull", "qwen2.5-3b"), 3, "--accept-licence Qwen-Research"),
        (("serve", "--host", "0.0.0.0"), 2, "PARLEY_API_KEY"),
        (("talk", "ws://127.0.0.1:9", "--input", __file__), 3, "parley serve"),
        (("serve", "--no-such-option"), 2, "no-such-option"),
    ],
)
def test_mistakes_are_named_with_their_mend(arguments: tuple[str, ...], code: int, words: str) -> None:
    assert words in parley(*arguments, code=code)


def test_config_shows_what_counts_and_hides_secrets(tmp_path: Path) -> None:
    path = tmp_path / "parley.yaml"
    path.write_text("port: 9001\nasr: whisper-base\n")
    out = json.loads(
        parley("config", "--config", str(path), "--json", PARLEY_API_KEY="hush-hush", WHISPER_MODEL="base")
    )
    assert (out["port"], out["asr"]) == (9001, "base")
    assert "hush-hush" not in str(out)
    path.write_text("prot: 9001\n")
    assert "prot" in parley("config", "--config", str(path), code=2)


def test_models_list_names_licences() -> None:
    entries = {m["id"]: m for m in json.loads(parley("models", "list", "--json"))}
    assert entries["piper-en-us-joe"]["runtime_licence"] == "GPL-3.0-or-later"


def test_doctor_finds_a_working_machine() -> None:
    assert "Python" in parley("doctor")
