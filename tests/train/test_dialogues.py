"""Which turns make a dialogue, and what is written of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from parley.audio import files
from parley.errors import UsageError
from parley.models.fakes import FakeRecognizer, tone
from parley.models.interfaces import TimedText
from parley.train.clips import Clip
from parley.train.dialogues import RATE_HZ, Dialogue, dialogues, words_by, write, write_lists, written
from parley.train.speakers import HELD_OUT, TRAIN

CLIP = Clip(
    id="", source="s", audio="a.wav", digest="sha256:a", licence="CC0-1.0", consent="given", language="en", split=TRAIN
)


def turns(speakers: str, **change: object) -> list[Clip]:
    """A turn of one second for each letter, half a second apart."""
    return [
        replace(CLIP, id=f"{n}", speaker=who, start_s=1.0 + 1.5 * n, end_s=2.0 + 1.5 * n, **change)  # type: ignore[arg-type]
        for n, who in enumerate(speakers)
    ]


def told(found: Sequence[Clip], main: str = "") -> list[tuple[str, str]]:
    """The turns, and whom the model is to be."""
    return [("".join(turn.speaker for turn in made.turns), made.main) for made in dialogues(found, main)]


@pytest.mark.parametrize(
    ("speakers", "expected"),
    [
        ("aba", ["aba"]),
        ("aabbab", ["aabbab"]),
        ("ab", []),
        ("aaaa", []),
        ("abacaca", ["aba", "caca"]),
        ("abcabc", []),
        ("ababcbaba", ["abab", "aba"]),
    ],
)
def test_two_who_take_turns_more_than_once_make_a_dialogue(speakers: str, expected: list[str]) -> None:
    found = told(turns(speakers))
    assert [made for made, _ in found] == [one for made in expected for one in (made, made)]
    assert all({first, second} == set(made) for (made, first), (_, second) in zip(found[::2], found[1::2], strict=True))


def test_with_a_name_the_model_is_always_that_speaker() -> None:
    assert told(turns("ababa"), "b") == [("ababa", "b")]
    assert told(turns("ababa"), "c") == []


@pytest.mark.parametrize(
    "change", [{"refused": ("too noisy",)}, {"digest": "sha256:b"}], ids=["refused", "another recording"]
)
def test_a_dialogue_breaks_off_where_a_turn_is_missing(change: dict[str, object]) -> None:
    first, second, third, *rest = turns("ababab")
    found = [first, second, replace(third, **change), *rest]  # type: ignore[arg-type]
    assert told(found) == [("bab", "b"), ("bab", "a")]


def test_a_dialogue_ends_where_nobody_speaks_for_long() -> None:
    later = [replace(turn, start_s=turn.start_s + 5.0, end_s=turn.end_s + 5.0) for turn in turns("ababa")]
    assert told([*turns("ababa")[:2], *later[2:]]) == [("aba", "a"), ("aba", "b")]


def test_one_of_whom_either_is_held_out_is_held_out() -> None:
    mine, others = turns("aba")[::2], [replace(turns("aba")[1], split=HELD_OUT)]
    made = dialogues(sorted([*mine, *others], key=lambda turn: turn.start_s))
    assert {one.split for one in made} == {HELD_OUT}


@pytest.fixture
def dialogue(tmp_path: Path) -> Dialogue:
    """Two tones of a second each, and the first one again, half a second apart; something is heard between, too."""
    samples = tone(6.0, RATE_HZ, hz=1000.0)
    for n, hz in enumerate((200.0, 400.0, 200.0)):
        at = round((1.0 + 1.5 * n) * RATE_HZ)
        samples[at : at + RATE_HZ] = tone(1.0, RATE_HZ, hz=hz)
    files.write(tmp_path / "a.wav", samples, RATE_HZ)
    (one, _) = dialogues(turns("aba", audio=str(tmp_path / "a.wav")))
    return one


async def words(clip: Clip) -> list[TimedText]:
    return [TimedText(f"word{clip.id}", 0.25, 0.5)]


async def test_each_is_heard_on_a_channel_of_its_own_when_it_spoke(dialogue: Dialogue, tmp_path: Path) -> None:
    await write(dialogue, tmp_path / "sounds", words)
    with av.open(str(tmp_path / "sounds" / f"{dialogue.id}.wav")) as sound:
        both = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in sound.decode(audio=0)])
    assert len(both) / RATE_HZ == pytest.approx(dialogue.seconds, abs=0.001) == pytest.approx(4.4, abs=0.001)

    def pitch(channel: int, at_s: float) -> float:
        """Of half a second; 0 where there is nothing."""
        part = both[round(at_s * RATE_HZ) :, channel][: RATE_HZ // 2].astype(float)
        return float(np.argmax(np.abs(np.fft.rfft(part)))) * 2 if part.any() else 0.0

    left, right = ([pitch(channel, at_s) for at_s in (0.4, 1.9, 3.4)] for channel in (0, 1))
    assert (left, right) == ([200.0, 0.0, 200.0], [0.0, 400.0, 0.0])
    assert not both[round(1.25 * RATE_HZ) : round(1.65 * RATE_HZ)].any(), "what is between belongs to nobody"


async def test_the_words_of_the_model_have_their_times_in_the_dialogue(dialogue: Dialogue, tmp_path: Path) -> None:
    await write(dialogue, tmp_path, words)
    told = msgspec.json.decode((tmp_path / f"{dialogue.id}.json").read_bytes())
    assert told == {"alignments": [["word0", [0.45, 0.7], "SPEAKER_MAIN"], ["word2", [3.45, 3.7], "SPEAKER_MAIN"]]}


async def test_what_is_there_is_not_made_again(dialogue: Dialogue, tmp_path: Path) -> None:
    await write(dialogue, tmp_path, words)

    async def never(_: Clip) -> list[TimedText]:
        raise AssertionError

    await write(dialogue, tmp_path, never)
    (tmp_path / f"{dialogue.id}.json").unlink()
    with pytest.raises(AssertionError):
        await write(dialogue, tmp_path, never)


def test_the_lists_name_the_files_and_their_lengths(dialogue: Dialogue, tmp_path: Path) -> None:
    held_out = replace(dialogue, turns=tuple(replace(turn, split=HELD_OUT) for turn in dialogue.turns))
    assert write_lists([dialogue, held_out], tmp_path, "sounds") == {TRAIN: 1, HELD_OUT: 1}
    for name, one in (("train.jsonl", dialogue), ("held-out.jsonl", held_out)):
        (line,) = (tmp_path / name).read_text().splitlines()
        assert msgspec.json.decode(line) == {"path": f"sounds/{one.id}.wav", "duration": 4.4}


async def test_words_that_were_aligned_are_taken_as_they_are() -> None:
    listening = words_by(FakeRecognizer([]))
    assert await listening(replace(CLIP, words=(("hello", 0.1, 0.4),))) == [TimedText("hello", 0.1, 0.4)]


async def test_what_was_written_is_read_again(dialogue: Dialogue, tmp_path: Path) -> None:
    await write(dialogue, tmp_path / "sounds", words)
    write_lists([dialogue], tmp_path, "sounds")
    assert written(tmp_path, HELD_OUT) == []
    (one,) = written(tmp_path, TRAIN)
    assert one.words() == [TimedText("word0", 0.45, 0.7), TimedText("word2", 3.45, 3.7)]
    model, other = (one.channel(number)[round(1.9 * RATE_HZ) :][: RATE_HZ // 2] for number in (0, 1))
    assert not model.any()
    assert np.abs(other).max() > 0.1


def test_words_of_others_and_without_length_are_not_the_models(tmp_path: Path) -> None:
    said = [
        ["b", [2, 3], "SPEAKER_MAIN"],
        ["a", [1, 2], "SPEAKER_MAIN"],
        ["c", [0, 1], "OTHER"],
        ["d", [4, 4], "SPEAKER_MAIN"],
    ]
    (tmp_path / "a.json").write_bytes(msgspec.json.encode({"alignments": said}))
    (tmp_path / "train.jsonl").write_text('{"path": "a.wav", "duration": 5, "more": 1}\n')
    (one,) = written(tmp_path, TRAIN)
    assert [word.text for word in one.words()] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train.jsonl", '{"path": "a.wav", "duration": 1}\n{"path": 1}\n', r"train\.jsonl:2: "),
        ("a.json", '{"alignments": [["a", [0]]]}', r"a\.json: the words of a\.wav cannot be read"),
    ],
)
def test_what_is_wrong_with_what_is_written_is_said(name: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"path": "a.wav", "duration": 1}\n')
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=said):
        written(tmp_path, TRAIN)[0].words()
