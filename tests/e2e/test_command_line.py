"""The command line as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.cli import main
from parley.client.word_errors import rate
from tests.conftest import UNDERSTOOD, Clip, RunningServer, silence


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
    assert UNDERSTOOD.search(turn["transcript"])
    assert turn["reply"]
    assert turn["heard"] == turn["reply"]
    assert turn["status"] in ("completed", "incomplete")
    assert 100 < turn["voice_to_voice_ms"] < 5000
    assert sum(v for k, v in turn["server_ms"].items() if k != "total_ms") == turn["server_ms"]["total_ms"]
    assert {"capture", "network"} < turn["server_ms"].keys()
    assert summary["summary"]["errors"] == []
    heard = parley("transcribe", str(answer))
    assert rate(turn["reply"], heard) <= 0.5, (turn["reply"], heard)


def test_two_utterances_far_apart_are_two_turns(server: RunningServer, question: Clip, tmp_path: Path) -> None:
    rate_hz = 24000
    both = np.concatenate([question.samples(rate_hz), silence(3.5, rate_hz), question.samples(rate_hz)])
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
        (("talk", "ws://127.0.0.1:9"), 3, "parley serve"),
        (("serve", "--no-such-option"), 2, "no-such-option"),
        (("say", "Hi.", "-o", "/nowhere/x.wav"), 2, "/nowhere does not exist"),
        (("say", "Hi.", "-o", "/tmp"), 2, "/tmp is a folder"),
        (("say", "Hi.", "-o", "x.doc"), 2, "cannot write '.doc'"),
        (("talk", "--input", __file__), 2, "not readable as audio"),
        (("talk", "--input", "/usr/share"), 2, "contains no recordings"),
        (("talk", "ftp://somewhere"), 2, "is no server's address"),
        (("talk", "::"), 2, "is no server's address"),
        (("talk", "wss://127.0.0.1:9", "--ca", __file__), 2, "not a certificate"),
        (("transcribe", __file__, "/etc/hostname"), 2, "2 of 2 recordings could not be read"),
        (("workers", "--redis-url", "redis://127.0.0.1:9"), 3, "Redis does not answer"),
        (("workers", "--redis-url", "localhost"), 2, "redis_url: Value error, must begin with redis://"),
        (("worker", "--model", "espeak", "--redis-url", "localhost"), 2, "must begin with redis://"),
        (("serve", "--config", "/tmp"), 2, "/tmp: Is a directory"),
        (("replay", __file__), 2, "not an event of an evidence log"),
    ],
)
def test_mistakes_are_named_with_their_mend(
    arguments: tuple[str, ...],
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["parley", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == code
    assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("variable", "words"),
    [("PARLEY_PROT", "did you mean 'PARLEY_PORT'?"), ("PARLEY_XYZZY", "PARLEY_XYZZY in the environment is no setting")],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_nearest_name(variable: str, words: str) -> None:
    assert words in " ".join(parley("config", code=2, **{variable: "1"}).split())


def test_a_recording_that_cannot_be_read_keeps_no_other_from_being_transcribed(tmp_path: Path, question: Clip) -> None:
    shutil.copy(question.path, tmp_path / "good.wav")
    (tmp_path / "broken.wav").write_bytes(b"RIFF, but nothing more")
    told = parley("transcribe", str(tmp_path), "-q", code=2)
    assert "broken.wav" in told
    assert "1 of 2 recordings could not be read" in " ".join(told.split())
    assert UNDERSTOOD.search(told)


def test_config_shows_what_counts_and_hides_secrets(tmp_path: Path) -> None:
    path = tmp_path / "parley.yaml"
    path.write_text("port: 9001\nasr: whisper-base\n")
    out = json.loads(
        parley("config", "--config", str(path), "--json", PARLEY_API_KEY="hush-hush", WHISPER_MODEL="base")
    )
    assert out["port"] == {"value": 9001, "from": str(path)}
    assert out["asr"] == {"value": "base", "from": "environment, WHISPER_MODEL"}
    assert out["host"]["from"] == "default"
    assert "hush-hush" not in str(out)
    assert f"port: 9001  # {path}" in parley("config", "--config", str(path)).splitlines()
    path.write_text("prot: 9001\n")
    assert "'prot' is no setting; did you mean 'port'?" in " ".join(
        parley("config", "--config", str(path), code=2).split()
    )


def test_models_list_names_licences() -> None:
    entries = {m["id"]: m for m in json.loads(parley("models", "list", "--json"))}
    assert entries["piper-en-us-joe"]["runtime_licence"] == "GPL-3.0-or-later"


def test_doctor_finds_a_working_machine() -> None:
    assert "Python" in parley("doctor")
