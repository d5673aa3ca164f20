"""The steps, in order: each takes a clip, or all of them, and gives the clips that follow.

A step looks at nothing but its clips, its section of the settings and its models, so its result can be kept under a
digest of the three. Whoever changes what a step does counts its `version` up.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from parley.audio import files
from parley.audio.pcm import Float32, rms_dbfs
from parley.client.word_errors import character_distance, words
from parley.conversation.input.utterances import utterances
from parley.conversation.offline import at_once, transcribe_utterance
from parley.errors import AudioError, UsageError
from parley.models.catalogue import Kind
from parley.models.interfaces import MODEL_RATE_HZ, Aligner, Caller
from parley.models.store import sha256_of
from parley.train.clips import Clip
from parley.train.duplicates import dedupe
from parley.train.settings import Settings
from parley.train.sound import sound_of
from parley.train.speakers import embed, speakers

_CALLER = Caller("train")
_FRAME = 512
_PAUSE_SHARE = 0.5
"""The median level of what is no speech is taken for the noise."""
_LEAST_PAUSE = 10
"""Frames of 32 ms: with fewer, nothing can be said of the noise."""
_LEAST_FIT = -99.0
"""No text at all fits as badly as this, or is none."""
_LEAST_DBFS = -90.0
"""Digital silence counts as this level: a ratio to nothing would be infinite."""

Load = Callable[[Kind, str], Awaitable[Any]]
"""Gives a model by its kind and id; the same one each time."""
OfClip = Callable[[Clip, Any, Load], AsyncGenerator[Clip, None]]
Run = Callable[[Sequence[Clip], Any, Load], AsyncGenerator[Clip, None]]


def each(of_clip: OfClip) -> Run:
    """The run of a step that looks at one clip at a time."""

    async def run(shard: Sequence[Clip], settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
        for clip in shard:
            async with aclosing(of_clip(clip, settings, load)) as stream:
                async for after in stream:
                    yield after

    return run


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `run` gets the clips of a shard, the step's section of the settings, and what loads models."""

    name: str
    run: Run
    whole: bool = False
    """Whether it has to see all clips at once: they are one shard then."""
    models: Callable[[Settings], Sequence[tuple[Kind, str]]] = lambda _: ()
    version: int = 1

    def section(self, settings: Settings) -> BaseModel | None:
        """The settings that its result depends on; None: it has none."""
        found: BaseModel | None = getattr(settings, self.name, None)
        return found


async def collect(clip: Clip, settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
    """Read a recording: its length and SHA-256. One that cannot be read is refused, with what is wrong."""
    path = Path(clip.audio)
    try:
        samples, rate_hz = files.read(path)
    except AudioError as fault:
        why = str(fault).removeprefix(f"{path}: ")
        yield replace(clip, digest="", refused=(*clip.refused, f"cannot be read: {why}"))
        return
    yield replace(clip, digest=f"sha256:{sha256_of(path)}", end_s=round(len(samples) / rate_hz, 3))


async def segment(clip: Clip, settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
    """Cut a recording into utterances, and tell how far each is above the noise of the pauses (`snr_db`)."""
    if clip.refused:
        yield clip
        return
    vad = await load("vad", settings.vad)
    sound = files.read_float(Path(clip.audio), MODEL_RATE_HZ)
    async with aclosing(utterances(vad, at_once(sound))) as stream:
        found = [(utterance.begin, utterance.end) async for utterance in stream]
    noise_dbfs = _noise_dbfs(sound, found)
    for number, (begin, end) in enumerate(found):
        start_s, end_s = round(begin / MODEL_RATE_HZ, 3), round(end / MODEL_RATE_HZ, 3)
        scores = {}
        if noise_dbfs is not None:
            level = max(_LEAST_DBFS, rms_dbfs(sound[begin:end]))
            scores["snr_db"] = round(level - noise_dbfs, 2)
        yield replace(clip, id=f"{clip.id}-{number:04}", start_s=start_s, end_s=end_s, scores=scores)


def _noise_dbfs(sound: Float32, speech: Sequence[tuple[int, int]]) -> float | None:
    """Level of what is no speech; None where there is hardly any."""
    silent = np.ones(len(sound) // _FRAME, bool)
    for begin, end in speech:
        silent[begin // _FRAME : -(-end // _FRAME)] = False
    if silent.sum() < _LEAST_PAUSE:
        return None
    levels = [rms_dbfs(sound[i * _FRAME : (i + 1) * _FRAME]) for i in np.flatnonzero(silent)]
    return max(_LEAST_DBFS, float(np.quantile(levels, _PAUSE_SHARE)))


async def transcribe(clip: Clip, settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
    """Write a clip down with each recogniser; `agreement` is how far the others support the first, at the least."""
    if clip.refused:
        yield clip
        return
    sound = sound_of(clip)
    heard: dict[str, str] = {}
    for name in settings.models:
        recognizer = await load("asr", name)
        heard[name] = (await transcribe_utterance(recognizer, sound, clip.language, _CALLER)).text.strip()
    text, *others = (heard[name] for name in settings.models)
    scores = dict(clip.scores)
    if others:
        scores["agreement"] = round(min(agreement(text, other) for other in others), 4)
    yield replace(clip, text=text, heard=heard, scores=scores)


def agreement(text: str, other: str) -> float:
    """1 minus the character error rate of `other` against `text`, as words are compared (0 to 1)."""
    if not words(text):
        return float(not words(other))
    wrong, count = character_distance(text, other)
    return max(0.0, 1 - wrong / count)


async def align(clip: Clip, settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
    """Tell when each word of a clip is said, and how well the text fits the sound (`fit`); without a model that was
    named, nothing."""
    if clip.refused or not settings.model or not words(clip.text):
        yield clip
        return
    aligner = await load("asr", settings.model)
    if not isinstance(aligner, Aligner):
        raise UsageError(f"align.model: '{settings.model}' cannot tell when the words of a text are said")
    found = await aligner.align(sound_of(clip), clip.text, _CALLER)
    if found is None:
        yield replace(clip, refused=(*clip.refused, "more words than there is time for"))
        return
    timed = tuple((word.text, word.start_s, word.end_s) for word in found.words)
    yield replace(clip, words=timed, scores={**clip.scores, "fit": round(max(_LEAST_FIT, found.mean_logprob), 4)})


async def filtered(clip: Clip, settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
    """Refuse what does not suit, with every reason; the clip stays in the manifest."""
    if clip.refused:
        yield clip
        return
    reasons: list[str] = []
    if not words(clip.text):
        reasons.append("no words")
    if clip.seconds < settings.shortest_s:
        reasons.append("too short")
    if clip.seconds > settings.longest_s:
        reasons.append("too long")
    if clip.scores.get("snr_db", settings.least_snr_db) < settings.least_snr_db:
        reasons.append("too noisy")
    if clip.scores.get("agreement", 1.0) < settings.least_agreement:
        reasons.append("recognisers disagree")
    if clip.scores.get("fit", settings.least_fit) < settings.least_fit:
        reasons.append("text does not fit the sound")
    yield replace(clip, refused=tuple(reasons))


async def manifest(clip: Clip, settings: Any, load: Load) -> AsyncGenerator[Clip, None]:
    """Leave out what is refused: the data set."""
    if not clip.refused:
        yield clip


STEPS = (
    Step("collect", each(collect)),
    Step("segment", each(segment), models=lambda settings: [("vad", settings.segment.vad)]),
    Step(
        "transcribe",
        each(transcribe),
        models=lambda settings: [("asr", name) for name in settings.transcribe.models],
    ),
    Step(
        "align",
        each(align),
        models=lambda settings: [("asr", settings.align.model)] if settings.align.model else [],
    ),
    Step("filter", each(filtered), version=2),
    Step("dedupe", dedupe, whole=True),
    Step("embed", each(embed), models=lambda settings: [("speaker", settings.embed.encoder)]),
    Step("speakers", speakers, whole=True),
    Step("manifest", each(manifest)),
)
