"""What reaches a microphone besides the speaker, and what may be done to a recording. All from a seed.

Arrays are float32 mono in -1 to 1; a level is RMS in dBFS over the sounding parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from parley.audio.pcm import Float32
from parley.audio.resample import resample

NoiseKind = Literal["room", "street", "babble", "keyboard", "cough"]

_SHORTEST_GAP_S = 0.06
_GAP_BELOW_DB = 25.0
_EDGE_FADE_S = 0.01


def noise(
    kind: NoiseKind, seconds: float, rate_hz: int, rng: np.random.Generator, voices: Sequence[Float32]
) -> Float32:
    """`seconds` of noise at an RMS of about -20 dBFS. Babble is made of `voices` (at `rate_hz`)."""
    count = round(seconds * rate_hz)
    if kind == "room":
        return _levelled(_coloured(count, rate_hz, rng, slope=1.0, lowest_hz=60))
    if kind == "street":
        marks = np.arange(0, count + rate_hz, rate_hz)
        slow = np.interp(np.arange(count), marks, rng.uniform(0.3, 1.0, len(marks)))
        return _levelled(_coloured(count, rate_hz, rng, slope=2.0, lowest_hz=40) * slow.astype(np.float32))
    if kind == "babble":
        return _babble(count, rng, voices)
    return _events(kind, count, rate_hz, rng)


def _coloured(count: int, rate_hz: int, rng: np.random.Generator, *, slope: float, lowest_hz: float) -> Float32:
    """Noise whose power falls with frequency to the power of `slope`."""
    size = 1 << max(1, (count - 1).bit_length())
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / rate_hz), lowest_hz)
    shaped: Float32 = np.fft.irfft(spectrum * hz ** (-slope / 2))[:count].astype(np.float32)
    return shaped


def _babble(count: int, rng: np.random.Generator, voices: Sequence[Float32]) -> Float32:
    """Six voices at once, each from a random place on, over and over."""
    if not voices:
        raise ValueError("babble needs recordings of voices")
    total = np.zeros(count, np.float32)
    for index in rng.integers(0, len(voices), 6):
        voice = np.resize(np.roll(voices[index], int(rng.integers(0, len(voices[index])))), count)
        total += _levelled(voice)
    return _levelled(total)


def _events(kind: NoiseKind, count: int, rate_hz: int, rng: np.random.Generator) -> Float32:
    """Single sounds with silence between them: key strokes 3 to 8 a second, coughs every 1.5 to 3 s."""
    total = np.zeros(count, np.float32)
    at = int(0.1 * rate_hz)
    while at < count:
        sound = _key(rate_hz, rng) if kind == "keyboard" else _cough(rate_hz, rng)
        part = sound[: count - at]
        total[at : at + len(part)] += part
        pause = rng.uniform(0.12, 0.33) if kind == "keyboard" else rng.uniform(1.5, 3.0)
        at += int(pause * rate_hz)
    return _levelled(total)


def _key(rate_hz: int, rng: np.random.Generator) -> Float32:
    """Two clicks, down and up: short bursts of high noise over a thump."""
    click = np.zeros(int(0.09 * rate_hz), np.float32)
    for start_s, level in ((0.0, 1.0), (rng.uniform(0.05, 0.07), 0.4)):
        begin, length = int(start_s * rate_hz), int(0.012 * rate_hz)
        burst = np.diff(rng.standard_normal(length + 1)) * np.exp(-np.arange(length) / (0.002 * rate_hz))
        click[begin : begin + length] += (level * burst).astype(np.float32)
    return click


def _cough(rate_hz: int, rng: np.random.Generator) -> Float32:
    """A burst, then a voiced tail: broad noise with a falling envelope, 0.3 to 0.45 s."""
    count = int(rng.uniform(0.3, 0.45) * rate_hz)
    t = np.arange(count) / rate_hz
    rough = _coloured(count, rate_hz, rng, slope=0.6, lowest_hz=300)
    hum = np.sin(2 * np.pi * rng.uniform(140, 220) * t * (1 - 0.3 * t))
    envelope = np.minimum(1, t / 0.01) * np.exp(-t / 0.09)
    cough: Float32 = ((rough / (np.std(rough) + 1e-9) + 0.5 * hum * (t > 0.08)) * envelope).astype(np.float32)
    return cough


def _levelled(samples: Float32, dbfs: float = -20.0) -> Float32:
    return at_level(samples, dbfs)


def _power(samples: Float32, hop: int) -> Float32:
    """Mean square of each `hop` samples; what is left over is left out."""
    power: Float32 = np.square(samples[: len(samples) // hop * hop]).reshape(-1, hop).mean(axis=1)
    return power


def level_dbfs(samples: Float32) -> float:
    """RMS of the parts within 30 dB of the loudest 20 ms, dBFS; -120 for silence."""
    hop = max(1, min(len(samples), 480))
    power = _power(samples, hop) if len(samples) else np.zeros(1, np.float32)
    loud = power[power > power.max() / 1000]
    return float(10 * np.log10(loud.mean())) if len(loud) and power.max() > 1e-12 else -120.0


def at_level(samples: Float32, dbfs: float) -> Float32:
    """Scaled to a level."""
    now = level_dbfs(samples)
    scaled: Float32 = (samples * np.float32(10 ** ((dbfs - now) / 20))).astype(np.float32)
    return samples if now <= -119 else scaled


def faster(samples: Float32, rate_hz: int, factor: float) -> Float32:
    """Played faster by `factor`, pitch included (a tape's way; 0.9 to 1.1 sounds like another person)."""
    return resample(samples, round(rate_hz * factor), rate_hz) if factor != 1.0 else samples


def phrase_borders_s(samples: Float32, rate_hz: int) -> list[float]:
    """Middles of the gaps inside an utterance at which a pause sounds natural, the longest gap first."""
    hop = rate_hz // 100
    power = _power(samples, hop)
    levels = 10 * np.log10(power + 1e-12)
    if not len(levels):
        return []
    voiced = np.flatnonzero(levels > np.percentile(levels, 95) - _GAP_BELOW_DB)
    gaps = [(b - a, (a + b + 1) / 200) for a, b in pairwise(voiced)]
    long_enough = [(length, at) for length, at in gaps if length * 0.01 >= _SHORTEST_GAP_S]
    return [float(at) for _, at in sorted(long_enough, reverse=True)]


def with_pause(samples: Float32, rate_hz: int, at_s: float, pause_s: float) -> Float32:
    """`pause_s` of the recording's own silence put in at `at_s`, faded on both sides."""
    at, fade = int(at_s * rate_hz), int(_EDGE_FADE_S * rate_hz)
    before, after = samples[:at].copy(), samples[at:].copy()
    ramp = np.linspace(1, 0, min(fade, len(before), len(after)), dtype=np.float32)
    if len(ramp):
        before[-len(ramp) :] *= ramp
        after[: len(ramp)] *= ramp[::-1]
    return np.concatenate([before, _quiet_like(samples, rate_hz, round(pause_s * rate_hz)), after])


def _quiet_like(samples: Float32, rate_hz: int, count: int) -> Float32:
    """Noise as loud as the recording's quietest tenth: digital silence would give the pause away."""
    hop = rate_hz // 100
    power = _power(samples, hop)
    floor = float(np.sqrt(np.percentile(power, 5))) if len(power) else 0.0
    quiet: Float32 = (np.random.default_rng(count).standard_normal(count) * min(floor, 0.003)).astype(np.float32)
    return quiet


def echo(played: Float32, gain_db: float, delay_s: float, rate_hz: int) -> Float32:
    """What a microphone picks up of a loudspeaker: later and quieter."""
    late = np.concatenate([np.zeros(round(delay_s * rate_hz), np.float32), played])[: len(played)]
    return (late * np.float32(10 ** (gain_db / 20))).astype(np.float32)
