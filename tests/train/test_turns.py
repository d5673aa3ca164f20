"""Which turns are taken from labels and from a data set, and what of them a turn model is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.audio.pcm import Float32, to_int16
from parley.models.interfaces import MODEL_RATE_HZ
from parley.train.clips import Clip
from parley.train.speakers import HELD_OUT, TRAIN
from parley.train.turns import LOOKS_S, Span, of_clips, of_labels, silences

CLIP = Clip(
    id="", source="s", audio="a.wav", digest="sha256:a", licence="CC0-1.0", consent="given", language="te", split=TRAIN
)


def voiced(*stretches: tuple[float, float], seconds: float) -> Float32:
    """Noise where somebody speaks, next to nothing elsewhere."""
    random = np.random.default_rng(1)
    sound = random.normal(0, 1e-4, round(seconds * MODEL_RATE_HZ))
    for begin, end in stretches:
        place = slice(round(begin * MODEL_RATE_HZ), round(end * MODEL_RATE_HZ))
        sound[place] += random.normal(0, 0.1, place.stop - place.start)
    return sound.astype(np.float32)


def write(folder: Path, sound: Float32) -> Path:
    files.write(folder / "a.wav", to_int16(sound), MODEL_RATE_HZ)
    return folder / "a.wav"


def labelled(folder: Path, **entry: object) -> list[Span]:
    given = {"file": "a.wav", "kind": "question", "speaker": "ann", "language": "te", **entry}
    (folder / "manifest.json").write_text(json.dumps([given]))
    return of_labels(folder)


def test_labelled_turns_have_their_own_pauses(tmp_path: Path) -> None:
    found = labelled(tmp_path, turns=[(1, 4), (6, 9)], pauses=[(2, 3), (7, 7.5)])
    assert [(s.begin_s, s.end_s, s.pauses, s.finished) for s in found] == [
        (1, 4, ((2.0, 3.0),), True), (6, 9, ((7.0, 7.5),), True),
    ]  # fmt: skip
    assert {(s.audio, s.speaker, s.language, s.held_out) for s in found} == {(tmp_path / "a.wav", "ann", "te", False)}


def test_pauses_of_a_turn_that_never_ends_are_learnt_from_and_unknown_ones_are_not(tmp_path: Path) -> None:
    found = labelled(
        tmp_path, turns=[(1, 2)], pauses=[(3, 3.5), (4, 4.5), (5, 6)], pause_kinds=["mid", "unknown", "list"]
    )
    assert [(s.begin_s, s.end_s, s.pauses, s.finished) for s in found] == [
        (1, 2, (), True), (2, 6, ((3.0, 3.5), (5.0, 6.0)), False),
    ]  # fmt: skip


def clips_of(speakers: str, **change: object) -> list[Clip]:
    """A clip of one second for each letter, half a second apart."""
    return [
        replace(CLIP, id=f"{n}", speaker=who, start_s=1.0 + 1.5 * n, end_s=2.0 + 1.5 * n, **change)  # type: ignore[arg-type]
        for n, who in enumerate(speakers)
    ]


def told(found: Sequence[Span]) -> list[tuple[str, float, float, bool]]:
    return [(span.speaker, span.begin_s, span.end_s, span.finished) for span in found]


def test_in_a_data_set_a_turn_is_over_where_somebody_else_speaks_next() -> None:
    assert told(of_clips(clips_of("aab"))) == [("a", 1.0, 3.5, True), ("b", 4.0, 5.0, False)]
    assert told(of_clips(clips_of("a"))) == [("a", 1.0, 2.0, False)]


def test_where_a_clip_is_refused_nobody_knows_whether_the_turn_went_on() -> None:
    first, second, third = clips_of("aba")
    found = of_clips([first, replace(second, refused=("too noisy",)), third])
    assert told(found) == [("a", 1.0, 2.0, False), ("a", 4.0, 5.0, False)]


def test_the_turns_of_a_held_out_speaker_are_held_out() -> None:
    first, second = clips_of("ab")
    found = of_clips([first, replace(second, split=HELD_OUT)])
    assert [span.held_out for span in found] == [False, True]


class Eye:
    """Sees how long a sound is, and how loud its last tenth of a second."""

    def look(self, samples: Float32) -> Float32:
        tail = samples[-MODEL_RATE_HZ // 10 :]
        return np.array([len(samples) / MODEL_RATE_HZ, np.sqrt(np.mean(np.square(tail)))], np.float32)


def test_a_model_is_asked_in_silences_as_the_server_asks_it(tmp_path: Path) -> None:
    audio = write(tmp_path, voiced((1, 2), (2.5, 4), (4.3, 5), seconds=5.4))
    span = Span(audio, 1.0, 5.0, ((2.0, 2.5), (4.0, 4.3)), True, "ann", "te")
    found = list(silences(span, Eye().look))
    first, second, end, *cuts = found
    begins = 0.7  # shortly before the first word
    assert [round(s.seconds, 3) for s in (first, second)] == [0.5, 0.3]
    assert first.seen[:2, 0] == pytest.approx([2.0 - begins + at for at in LOOKS_S[:2]], abs=0.01)
    assert np.isnan(first.seen[2]).all(), "he has gone on by then"
    assert np.isnan(second.seen[1:]).all()
    assert end.finished
    assert end.seen[:, 0] == pytest.approx([5.0 - begins + at for at in LOOKS_S], abs=0.01)
    assert (end.seen[:, 1] < 0.01).all(), "behind the end is the noise of the room"
    assert len(cuts) == 2
    for cut in cuts:
        assert cut.cut
        assert not cut.finished
        assert (cut.seen[:, 1] < 0.01).all(), "nobody goes on behind a cut"
        at = float(cut.seen[0, 0]) - LOOKS_S[0] + begins
        assert not 1.75 <= at <= 2.8, "a pause is no cut"


def test_without_labels_the_pauses_are_where_nothing_is_voiced(tmp_path: Path) -> None:
    audio = write(tmp_path, voiced((1, 2), (2.5, 4), seconds=6.0))
    found = [s for s in silences(Span(audio, 0.8, 4.4, None, True, "ann", "te"), Eye().look) if not s.cut]
    assert [s.finished for s in found] == [False, True]
    assert found[0].seconds == pytest.approx(0.5, abs=0.05)
    assert float(found[1].seen[0, 0]) == pytest.approx(4.0 - 0.5 + LOOKS_S[0], abs=0.05)
    over = Span(audio, 0.8, 4.4, None, False, "ann", "te")
    assert not any(s.finished for s in silences(over, Eye().look))


def test_the_same_turn_has_the_same_name_until_it_or_its_file_changes(tmp_path: Path) -> None:
    audio = write(tmp_path, voiced((1, 2), seconds=3.0))
    span = Span(audio, 1.0, 2.0, (), True, "ann", "te")
    first = span.id
    assert replace(span, speaker="bob").id == first
    assert replace(span, end_s=2.1).id != first
    write(tmp_path, voiced((1, 2), seconds=4.0))
    assert span.id != first
