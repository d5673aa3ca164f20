"""Conversations of two, one party said to a server whose delays are known, and the files that scorers take."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Int16, to_float
from parley.bench import dialogue, labelled
from parley.bench.dialogue import Answered, Side, answers_s, predictions, sides, write_words
from parley.bench.labelled import Entry, Heard, manifest
from parley.errors import AudioError, UsageError
from parley.models.fakes import tone
from parley.models.interfaces import TimedText
from tests.bench.known_server import KnownServer

RATE = 24000


def quiet(seconds: float) -> Int16:
    return np.zeros(round(seconds * RATE), np.int16)


def write_two(path: Path, *channels: Int16) -> None:
    """A recording with so many channels of one length."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack(channels, axis=1).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = RATE
        out.mux([*stream.encode(frame), *stream.encode(None)])


def two_who_talk() -> tuple[Int16, Int16]:
    """The first says something for a second, a second later the other does."""
    first = np.concatenate([quiet(0.5), tone(1.0, RATE), quiet(2.5)])
    other = np.concatenate([quiet(2.5), tone(1.0, RATE), quiet(0.5)])
    return first, other


MANIFEST = {
    "file": "call.wav", "kind": "dialogue", "channels": ["ann", "ben"], "turns": [[0.5, 1.5], [2.5, 3.5]],
    "turn_channels": [0, 1], "pauses": [[1.0, 1.3], [2.8, 3.1]], "pause_kinds": ["mid", "list"],
    "pause_channels": [0, 1], "speech": [[[0.5, 1.5], [3.8, 3.9]], [[2.5, 3.5]]],
}  # fmt: skip


def with_manifest(folder: Path, **changes: Any) -> Path:
    write_two(folder / "call.wav", *two_who_talk())
    entries = [{**MANIFEST, **changes}, {"file": "other.wav", "kind": "story", "turns": [[0, 1]]}]
    (folder / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


async def said(folder: Path, into: Path, server: KnownServer) -> list[Answered]:
    async with server.run() as url:
        return await dialogue.run(
            sides(folder), folder, into, url, "auto", callers=2, api_key=None, on_result=lambda: None
        )


async def test_each_party_is_said_and_answered_on_one_time_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "LATE_LIMIT_MS", 10_000)  # a busy test machine is late
    folder = tmp_path / "calls"
    folder.mkdir()
    found = await said(with_manifest(folder), tmp_path / "out", KnownServer(answer_after=20, answer_frames=30))
    first, other = found
    assert (first.heard.speaker, other.heard.speaker) == ("ann", "ben")
    assert first.seconds == pytest.approx(4.0)
    assert first.heard.committed_s == [pytest.approx(1.9, abs=0.06)]
    assert other.heard.committed_s == [pytest.approx(3.9, abs=0.06)]
    assert first.answers_s[0] == pytest.approx((1.9, 2.5), abs=0.15)
    place = tmp_path / "out" / "call" / "speaker_1"
    sent, played = (files.read(place / f"{name}.wav")[0] for name in ("input", "output"))
    assert len(sent) == len(played)
    assert np.abs(sent[RATE : RATE + 100]).max() > 1000
    assert np.abs(sent[3 * RATE : 3 * RATE + 100]).max() < 1000, "the other party is not heard"


async def test_a_scorers_own_files_lie_beside_what_it_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "LATE_LIMIT_MS", 10_000)
    sample = tmp_path / "v1" / "7"
    sample.mkdir(parents=True)
    for name in ("input", "clean_input"):
        files.write(sample / f"{name}.wav", two_who_talk()[0], RATE)
    (sample / "pause.json").write_text("[]")
    found = await said(tmp_path / "v1", tmp_path / "out", KnownServer())
    for answered in found:
        write_words(answered.side, tmp_path / "out", [TimedText("Hi.", 1.23456, 2.0)])
    assert sorted(p.name for p in (tmp_path / "out" / "7").iterdir()) == [
        "clean_input.wav", "clean_output.json", "clean_output.wav", "input.wav", "output.json", "output.wav",
        "pause.json",
    ]  # fmt: skip
    told = json.loads((tmp_path / "out" / "7" / "output.json").read_text())
    assert told == {"text": "Hi.", "chunks": [{"text": "Hi.", "timestamp": [1.235, 2.0]}]}
    assert predictions(found)["predictions"] == [], "nobody's second channel is there"


def test_labels_go_to_the_channel_that_they_are_of(tmp_path: Path) -> None:
    first, other = sides(with_manifest(tmp_path))
    assert list(first.entry.silences) == [("mid", 1.0, 1.3), ("end", 1.5, 3.8)]
    assert list(other.entry.silences) == [("list", 2.8, 3.1), ("end", 3.5, None)]
    assert (first.entry.channel, other.entry.channel) == (0, 1)
    assert (first.speaker, other.speaker) == (1, 2)
    assert [e.file for e in manifest(tmp_path)] == ["other.wav"], "the same folder serves both"


def test_folders_of_conversations_and_recordings_without_labels_are_read(tmp_path: Path) -> None:
    conversation = tmp_path / "one" / "20"
    conversation.mkdir(parents=True)
    for name in ("speaker_1_audio", "speaker_2_audio", "combined_audio"):
        files.write(conversation / f"{name}.wav", tone(0.1, RATE), RATE)
    assert [(s.conversation, s.speaker, s.entry.channel) for s in sides(tmp_path / "one")] == [
        ("20", 1, None), ("20", 2, None),
    ]  # fmt: skip
    (tmp_path / "two").mkdir()
    write_two(tmp_path / "two" / "a.wav", *two_who_talk())
    files.write(tmp_path / "two" / "b.wav", tone(0.1, RATE), RATE)
    assert [(s.conversation, s.speaker, s.entry.channel) for s in sides(tmp_path / "two")] == [("a", 1, 0), ("a", 2, 1)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"turn_channels": [0]}, "turns and turn_channels of call.wav differ in length"),
        ({"pause_channels": []}, "pauses and pause_channels of call.wav differ in length"),
        ({"kind": "story"}, "holds no conversation"),
        ({"turns": "x"}, "is broken"),
    ],
)
def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        sides(with_manifest(tmp_path, **changes))


def test_one_channel_is_read_and_a_missing_one_is_said(tmp_path: Path) -> None:
    first, other = two_who_talk()
    write_two(tmp_path / "two.wav", first, other)
    read = partial(files.read_float, tmp_path / "two.wav", RATE)
    assert np.array_equal(read(channel=1), to_float(other))
    assert np.allclose(read(), (to_float(first) + to_float(other)) / 2, atol=1e-3)
    with pytest.raises(AudioError, match=r"two.wav: has 2 channel\(s\), none with the number 2"):
        read(channel=2)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        sides(tmp_path / "none")


def test_an_answer_lasts_over_short_silences() -> None:
    played = np.concatenate([quiet(0.5), tone(0.5, RATE), quiet(0.2), tone(0.5, RATE), quiet(1.0), tone(0.2, RATE)])
    first, other = answers_s(played)
    assert first == pytest.approx((0.5, 1.7), abs=0.02)
    assert other == pytest.approx((2.7, 2.9), abs=0.02)
    assert answers_s(quiet(1.0)) == []


def answered(conversation: str, speaker: int, committed: list[float], interrupted: list[float]) -> Answered:
    heard = Heard("f", "dialogue", "ann", committed_s=committed, interrupted_s=interrupted)
    return Answered(Side(Entry("f", "dialogue"), conversation, speaker, Path("x")), heard, 4.0, [])


def test_predictions_have_both_speakers_and_rising_times_inside_the_recording() -> None:
    found = predictions([
        answered("20", 1, [3.0, 1.0, 1.0, -0.2, 4.1], [2.0]),
        answered("20", 2, [], []),
        answered("21", 2, [0.5], []),
    ])  # fmt: skip
    nothing: dict[str, list[float]] = {"eot": [], "interruption": []}
    assert found == {"schema_version": 1, "predictions": [
        {"conversation_id": "20", "speaker_1": {"eot": [1.0, 3.0], "interruption": [2.0]}, "speaker_2": nothing},
        {"conversation_id": "21", "speaker_1": nothing, "speaker_2": {"eot": [0.5], "interruption": []}},
    ]}  # fmt: skip
