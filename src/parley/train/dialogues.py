"""Two-channel dialogues out of a data set, for models that listen while they speak: a channel for each speaker.

The form is that of Kyutai's trainer (https://github.com/kyutai-labs/moshi-finetune): a stereo file, left what the model
is to say and right what it is to hear, beside it the words of the left one with their times, and a list of the files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from parley.audio import files
from parley.audio.pcm import Float32, Int16, fade, to_bytes, to_int16
from parley.conversation.offline import transcribe_utterance
from parley.errors import UsageError
from parley.models.interfaces import Caller, Guidance, Recognizer, TimedText
from parley.train import clips
from parley.train.clips import Clip, digest_of
from parley.train.sound import sound_of
from parley.train.speakers import HELD_OUT, TRAIN

RATE_HZ = 24000
"""Of Mimi, Moshi's codec."""
LISTS = {TRAIN: "train.jsonl", HELD_OUT: "held-out.jsonl"}
_LONGEST_PAUSE_S = 4.0
"""Between two turns of one dialogue."""
_LEAST_CHANGES = 2
"""Of the speaker: what has fewer is a question with an answer, or less."""
_AROUND_S = 0.2
_FADE = RATE_HZ // 100
_MAIN = "SPEAKER_MAIN"
_CALLER = Caller("train")
Words = Callable[[Clip], Awaitable[Sequence[TimedText]]]
"""When each word of a clip is said, seconds from its beginning."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns of two speakers, in order, nothing of which is missing."""

    turns: tuple[Clip, ...]
    main: str
    """Whom the model is to be."""

    @property
    def id(self) -> str:
        """The same for the same turns."""
        return digest_of(self.main.encode(), clips.as_lines(self.turns))[:16]

    @property
    def begin_s(self) -> float:
        """Where it begins in the recording."""
        return max(0.0, self.turns[0].start_s - _AROUND_S)

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.turns[-1].end_s + _AROUND_S - self.begin_s

    @property
    def split(self) -> str:
        """Held out where one of the two is."""
        return HELD_OUT if any(turn.split == HELD_OUT for turn in self.turns) else TRAIN


def dialogues(found: Sequence[Clip], main: str = "") -> list[Dialogue]:
    """Those in recordings whose clips (refused ones among them, where a dialogue breaks off) are in order.

    Each is there twice, with either of the two as the model; with `main` only as that speaker, where he is one of them.
    """
    made = []
    for turns in stretches(found):
        names = dict.fromkeys(turn.speaker for turn in turns)
        changes = sum(a.speaker != b.speaker for a, b in pairwise(turns))
        if len(names) == 2 and changes >= _LEAST_CHANGES:
            made += [Dialogue(tuple(turns), name) for name in names if main in ("", name)]
    return made


def stretches(found: Sequence[Clip]) -> Iterator[list[Clip]]:
    """Clips that follow each other, of at most two speakers."""
    stretch: list[Clip] = []
    for clip in found:
        if stretch and not _goes_on(stretch, clip):
            yield stretch
            stretch = []
        if not clip.refused:
            stretch.append(clip)
    if stretch:
        yield stretch


def _goes_on(stretch: Sequence[Clip], clip: Clip) -> bool:
    last, speakers = stretch[-1], {turn.speaker for turn in stretch} | {clip.speaker}
    near = clip.digest == last.digest and clip.start_s - last.end_s <= _LONGEST_PAUSE_S
    return near and len(speakers) <= 2 and not clip.refused


async def write(dialogue: Dialogue, folder: Path, words: Words) -> None:
    """Write its sound and its words, unless both are there."""
    sound, text = folder / f"{dialogue.id}.wav", folder / f"{dialogue.id}.json"
    if sound.exists() and text.exists():
        return
    head = files.wav_header(len(channels := _channels(dialogue)), RATE_HZ, channels=2)
    clips.replace(sound, head + to_bytes(channels))
    said = [
        [word.text, [round(at + word.start_s, 3), round(at + word.end_s, 3)], _MAIN]
        for turn in dialogue.turns if turn.speaker == dialogue.main
        for at in [turn.start_s - dialogue.begin_s] for word in await words(turn)
    ]  # fmt: skip
    clips.replace(text, msgspec.json.encode({"alignments": said}))


def write_lists(made: Sequence[Dialogue], folder: Path, sounds: str) -> dict[str, int]:
    """Write which files there are, by what they are for; returns how many. `sounds`: their folder in this one."""
    counts = {}
    for split, name in LISTS.items():
        lines = [
            msgspec.json.encode({"path": f"{sounds}/{one.id}.wav", "duration": round(one.seconds, 3)}) + b"\n"
            for one in made if one.split == split
        ]  # fmt: skip
        clips.replace(folder / name, b"".join(lines))
        counts[split] = len(lines)
    return counts


@dataclass(frozen=True, slots=True)
class Written:
    """A dialogue that is written: by `write`, or by whoever has the same form."""

    sound: Path
    seconds: float

    def channel(self, number: int) -> Float32:
        """What the model is to say (0) or to hear (1), at `RATE_HZ`; raises `AudioError`."""
        return files.read_float(self.sound, RATE_HZ, channel=number)

    def words(self) -> list[TimedText]:
        """The words of the model, in the order of their beginnings; raises `UsageError` that names the file."""
        path = self.sound.with_suffix(".json")
        try:
            found = msgspec.json.decode(path.read_bytes(), type=_Words).alignments
        except (OSError, msgspec.MsgspecError) as fault:
            raise UsageError(f"{path}: the words of {self.sound.name} cannot be read ({fault})") from None
        said = [TimedText(text, begin, end) for text, (begin, end), who in found if who == _MAIN and end > begin]
        return sorted(said, key=lambda word: word.start_s)


class _Words(msgspec.Struct):
    alignments: list[tuple[str, tuple[float, float], str]]


class _Line(msgspec.Struct):
    path: str
    duration: float


def written(folder: Path, split: str) -> list[Written]:
    """The dialogues of a list, whose paths count from its folder; none where there is no list.

    Raises `UsageError` that names the line at fault.
    """
    path, found = folder / LISTS[split], []
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            told = msgspec.json.decode(line, type=_Line)
        except msgspec.MsgspecError as fault:
            raise UsageError(f"{path}:{number}: {fault}") from None
        found.append(Written(folder / told.path, told.duration))
    return found


def words_by(recognizer: Recognizer) -> Words:
    """The words of a clip where they were aligned, else those that a recogniser hears, which is one that tells their
    times."""

    async def words(clip: Clip) -> Sequence[TimedText]:
        if clip.words:
            return [TimedText(*word) for word in clip.words]
        guidance = Guidance(word_times=True)
        return (await transcribe_utterance(recognizer, sound_of(clip), clip.language, _CALLER, guidance)).words

    return words


def _channels(dialogue: Dialogue) -> Int16:
    """Left the model, right the other, shape (samples, 2): each clip where it was said, and silence between."""
    both = np.zeros((round(dialogue.seconds * RATE_HZ), 2), np.int16)
    for turn in dialogue.turns:
        whole = _recording(turn.audio, turn.digest)
        said = to_int16(whole[round(turn.start_s * RATE_HZ) : round(turn.end_s * RATE_HZ)])
        at = round((turn.start_s - dialogue.begin_s) * RATE_HZ)
        channel = both[at : at + len(said), int(turn.speaker != dialogue.main)]
        channel[:] = fade(said, fade_in=_FADE, fade_out=_FADE)[: len(channel)]
    return both


@lru_cache(maxsize=1)
def _recording(audio: str, digest: str) -> Float32:
    return files.read_float(Path(audio), RATE_HZ)
