"""Voices judged by what they say of a data set: as understood, as whose, how it sounds to listeners, how soon.

What each voice makes of the same texts is heard by a recogniser (errors of words and letters), placed among voices
(likeness to the speaker, by d-vectors) and scored by DNSMOS P.808 (Reddy et al., 2021), which reckons what listeners
would give a recording, 1 to 5.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np

from parley.audio.pcm import Float32, to_float
from parley.audio.resample import resample
from parley.client.word_errors import character_distance, distance
from parley.conversation.offline import transcribe_utterance
from parley.conversation.output.text_normalizer import made_speakable
from parley.errors import UsageError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, Recognizer, SpeakerEncoder, SpeakingStyle, Synthesizer
from parley.train.clips import Clip
from parley.train.sound import sound_of

_CALLER = Caller("judge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Of one voice, or of the speaker's own clips."""

    voice: str
    texts: int
    word_errors: float
    """Share of the words that are heard otherwise."""
    letter_errors: float
    likeness: float
    """Mean cosine between what is said and the speaker's clips of other texts."""
    opinion: float | None
    """DNSMOS P.808 by the package speechmos; None without it."""
    first_sound_ms: float | None = None
    """Median, from the text to the first sound; None of recordings."""
    real_time: float | None = None
    """Seconds of work for a second of sound."""


@dataclass(frozen=True, slots=True)
class Judges:
    """What judges, and what the speaker's clips are like."""

    recognizer: Recognizer
    encoder: SpeakerEncoder
    opinion: Callable[[Float32], float] | None

    async def directions(self, clips: Sequence[Clip]) -> Float32:
        """Where the voice of each clip lies among voices, shape (clips, values)."""
        return np.stack([await self.encoder.embed(sound_of(clip), _CALLER) for clip in clips])

    async def of_clips(self, clips: Sequence[Clip], others: Sequence[Clip]) -> tuple[Judgement, float | None]:
        """The speaker's own, as a ceiling; and how alike others are to the speaker, as a floor (None: nobody is).

        Raises `UsageError` for fewer than two clips.
        """
        if len(clips) < 2:
            raise UsageError(f"--speaker: {len(clips)} clips are too few to judge by; it takes two")
        sounds, voices = [sound_of(clip) for clip in clips], await self.directions(clips)
        alike = voices @ voices.T
        ceiling = float(alike[~np.eye(len(clips), dtype=bool)].mean())
        floor = float((await self.directions(others) @ voices.T).mean()) if others else None
        said = await self._judged(f"{clips[0].speaker}, recorded", clips, sounds, ceiling)
        return said, floor

    async def of_voice(self, name: str, voice: Synthesizer, clips: Sequence[Clip], speaker: Float32) -> Judgement:
        """One that says the texts of the speaker's clips, two at least; `speaker`: their `directions`. Raises
        `ModelError`."""
        sounds, first_ms, took_s, lasts_s, alike = list[Float32](), list[float](), 0.0, 0.0, list[float]()
        for number, clip in enumerate(clips):
            sound, first_s, whole_s = await _said(voice, clip)
            sounds.append(sound)
            first_ms.append(1000 * first_s)
            took_s, lasts_s = took_s + whole_s, lasts_s + len(sound) / MODEL_RATE_HZ
            to_each = speaker @ await self.encoder.embed(sound, _CALLER)
            alike.append(float(np.delete(to_each, number).mean()))
        judged = await self._judged(name, clips, sounds, float(np.mean(alike)))
        return replace(judged, first_sound_ms=float(np.median(first_ms)), real_time=took_s / lasts_s)

    async def _judged(self, name: str, clips: Sequence[Clip], sounds: Sequence[Float32], likeness: float) -> Judgement:
        words = letters = np.zeros(2, int)
        for clip, sound in zip(clips, sounds, strict=True):
            heard = (await transcribe_utterance(self.recognizer, sound, clip.language, _CALLER)).text
            words, letters = words + distance(clip.text, heard), letters + character_distance(clip.text, heard)
        return Judgement(
            voice=name, texts=len(clips), word_errors=float(words[0] / words[1]), likeness=likeness,
            letter_errors=float(letters[0] / letters[1]),
            opinion=float(np.mean([self.opinion(sound) for sound in sounds])) if self.opinion else None,
        )  # fmt: skip


async def _said(voice: Synthesizer, clip: Clip) -> tuple[Float32, float, float]:
    """What a voice makes of a clip's text, at the models' rate; seconds until the first sound, and until the last."""
    style = SpeakingStyle(language=clip.language)
    text = (await made_speakable(clip.text, style, voice)).text
    began, first_s, parts = time.monotonic(), 0.0, []
    async with aclosing(voice.synthesize(text, style, _CALLER)) as chunks:
        async for chunk in chunks:
            first_s = first_s or time.monotonic() - began
            parts.append(chunk.samples)
    whole_s = time.monotonic() - began
    return resample(to_float(np.concatenate(parts)), voice.rate_hz, MODEL_RATE_HZ), first_s, whole_s


def opinions() -> Callable[[Float32], float] | None:
    """DNSMOS P.808 of a sound at the models' rate, where the package speechmos is here."""
    try:
        from speechmos import dnsmos
    except ImportError:
        return None
    return lambda sound: float(dnsmos.run(np.clip(sound, -1.0, 1.0), MODEL_RATE_HZ)["p808_mos"])


def chosen(found: Sequence[Clip], speaker: str, count: int) -> tuple[list[Clip], list[Clip]]:
    """The speaker's last clips, which a training does not hear, and as many of others; raises `UsageError`."""
    mine = [clip for clip in found if clip.speaker == speaker]
    if not mine:
        names = ", ".join(sorted({clip.speaker for clip in found})) or "nobody"
        raise UsageError(f"--speaker: '{speaker}' is not in the data set; it has {names}")
    return mine[-count:], [clip for clip in found if clip.speaker != speaker][:count]
