"""From what a caller sent, played and was told to figures. Nothing is believed that can be heard.

Sound counts as audible by the one measure of `client.audibility`. Times in milliseconds unless they end in `_s`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parley.audio.pcm import Float32, Int16, to_float
from parley.audio.resample import resample
from parley.bench.caller import EARLIEST_S, Call, Said
from parley.bench.scenario import options_of
from parley.client.audibility import AUDIBLE_DBFS, first_audible_s, hops_dbfs, stretches
from parley.client.connection import RATE_HZ
from parley.client.word_errors import distance, words_reached

RECOGNISER_RATE_HZ = 16000
_STOPS = ("interruption", "stop")
_FRAME_S = 0.02
LATE_LIMIT_MS = 5
_ANSWER_WITHIN_S = 8.0
_STOPPED_AFTER_S = 3.0
_HOLE_WITHIN_S = 2.5
_SILENT_RUN_S = 0.25

Understand = Callable[[Float32], Awaitable[str]]
"""A recogniser (16 kHz in) that writes down what a caller played."""


@dataclass(slots=True)
class Result:
    """The figures of one call; lists have an entry for each occasion."""

    case: str
    scenario: str
    options: dict[str, Any]
    void: str = ""
    at_s: float = 0.0
    """When it was over, since the run began."""
    voice_to_voice_ms: list[float] = field(default_factory=list)
    missed: int = 0
    answers_due: int = 0
    pauses: int = 0
    taken_over: int = 0
    """Answers that became audible inside a pause that was put in."""
    stop_ms: list[float] = field(default_factory=list)
    not_stopped: int = 0
    history_right: list[bool] = field(default_factory=list)
    history_wrong: list[dict[str, str]] = field(default_factory=list)
    """What was written, what of it the server says was heard, and what was: where they differ."""
    overlaps: int = 0
    resumed: int = 0
    hole_ms: list[float] = field(default_factory=list)
    pauses_begun: int = 0
    """Holes inside answers that nobody talked into."""
    spoken_s: float = 0.0
    underrun_ms: float = 0.0
    spurious: int = 0
    """Answers to nothing."""
    understood: tuple[int, int] = (0, 0)
    """Word errors and words of the turns."""
    spoken: tuple[int, int] = (0, 0)
    """Word errors and words of the answers, as heard."""
    waterfalls: list[dict[str, Any]] = field(default_factory=list)
    prepared_ms: list[tuple[bool, int]] = field(default_factory=list)
    """Answers begun before their turn was over: whether used, time spent on them; as the server tells."""
    errors: list[str] = field(default_factory=list)
    late_p99_ms: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {name: getattr(self, name) for name in self.__slots__}


def score(call: Call) -> Result:
    """Judge one call by its sound and events; `score_words` adds what needs a recogniser."""
    result = Result(call.case.name, call.case.scenario.name, options_of(call.case), call.void)
    result.errors = list(call.talk.errors)
    if call.late_s:
        result.late_p99_ms = float(np.percentile(call.late_s, 99)) * 1000
        if round(result.late_p99_ms) > LATE_LIMIT_MS and not call.void:  # loops keep time to the millisecond
            result.void = f"the caller's own frames were late (p99 {result.late_p99_ms:.1f} ms)"
    if call.void or not len(call.played):
        return result
    result.waterfalls = [r.waterfall for r in call.talk.responses if r.waterfall]
    result.prepared_ms = call.talk.prepared_ms
    cancelled = any(s.cancel for s in call.case.scenario.steps)
    for index, said in enumerate(call.said):
        following = call.said[index + 1] if index + 1 < len(call.said) else None
        _judge(call, said, following, result)
    if call.asked_s is not None:
        _judge_answer(call, call.asked_s, len(call.played) / RATE_HZ, result)
    elif not call.said:
        result.spurious += first_audible_s(call.played, RATE_HZ) is not None
    _judge_flow(call, result, interrupted=cancelled or any(s.meant in _STOPS for s in call.said))
    result.understood = _understood(call)
    return result


def _judge(call: Call, said: Said, following: Said | None, result: Result) -> None:
    if said.meant in _STOPS:
        _judge_stop(call, said, result)
    if said.meant == "stop":
        return
    if said.meant == "nothing":
        _judge_resumption(call, said, result)
        return
    if said.pause is not None:
        result.pauses += 1
        inside = first_audible_s(call.played, RATE_HZ, said.pause[0])
        result.taken_over += inside is not None and inside < said.pause[1] + 0.1
    if following is not None and following.goes_on:
        return
    until = following.begins if following is not None else len(call.played) / RATE_HZ
    _judge_answer(call, said.ends, until, result)


def _judge_answer(call: Call, since_s: float, until_s: float, result: Result) -> None:
    """The first sound after a turn that was not sounding already, or that began as it ended and went on."""
    result.answers_due += 1
    if (early := _begun_as_it_ended_s(call, since_s)) is not None:
        result.voice_to_voice_ms.append((early - since_s) * 1000)
        return
    levels = hops_dbfs(call.played, RATE_HZ) > AUDIBLE_DBFS
    at = round(since_s * 100)
    while at < len(levels) and levels[max(0, at - 5) : at + 1].any():
        at += 1  # an answer that began too early, or the interrupted one, still sounds
    first = first_audible_s(call.played, RATE_HZ, at / 100)
    if first is None or first > min(until_s, since_s + _ANSWER_WITHIN_S):
        result.missed += 1
    else:
        result.voice_to_voice_ms.append((first - since_s) * 1000)


def _begun_as_it_ended_s(call: Call, since_s: float) -> float | None:
    """First sound of the answer that sounds at `since_s`, if it began shortly before and was played to its end."""
    frame = round(since_s / _FRAME_S)
    response = call.talk.response(call.sounding[frame]) if frame < len(call.sounding) else None
    if response is None or response.status != "completed":
        return None
    first = first_audible_s(call.played, RATE_HZ, call.sounding.index(response.id) * _FRAME_S)
    return first if first is not None and since_s - EARLIEST_S <= first < since_s else None


def _judge_stop(call: Call, said: Said, result: Result) -> None:
    """From the first voiced sample of the interruption to the last audible one of the interrupted answer."""
    begin, end = round(said.begins * 100), round((said.begins + _STOPPED_AFTER_S) * 100)
    levels = hops_dbfs(call.played, RATE_HZ) > AUDIBLE_DBFS
    quiet = round(_SILENT_RUN_S * 100)
    last = max((i for i in range(max(0, begin - 30), min(begin, len(levels))) if levels[i]), default=begin)
    for at in range(begin, min(end, len(levels))):
        if levels[at]:
            last = at
        elif at - last >= quiet:
            result.stop_ms.append((last + 1 - begin) * 10.0)
            return
    result.not_stopped += 1


def _judge_resumption(call: Call, said: Said, result: Result) -> None:
    """Did the answer go on after something that was not meant, and what hole was heard?"""
    frame = round(said.begins / _FRAME_S)
    if not any(call.fed[max(0, frame - 10) : frame + 1]):
        return  # nothing was sounding
    result.overlaps += 1
    window = call.fed[frame : frame + round((said.ends - said.begins + _HOLE_WITHIN_S) / _FRAME_S)]
    holes = [run for run in _silent_runs(window) if run[0] + run[1] < len(window)]
    went_on = any(window[-5:]) or bool(window and not _cut_after(call, said))
    result.resumed += went_on
    if went_on:
        result.hole_ms.append(max((length for _, length in holes), default=0) * _FRAME_S * 1000)


def _cut_after(call: Call, said: Said) -> bool:
    """Whether the answer that was sounding was cancelled from `said` on (by the server's own word)."""
    return any(
        event["type"] == "response.done" and event["response"].get("status") in ("cancelled", "incomplete", "failed")
        and (event["response"].get("status_details") or {}).get("reason") != "max_output_tokens"
        for at, event in call.events if at >= said.begins
    )  # fmt: skip


def _silent_runs(fed: list[int]) -> list[tuple[int, int]]:
    """Begin and length of stretches in which the player had nothing to play."""
    runs: list[tuple[int, int]] = []
    for index, samples in enumerate(fed):
        if samples:
            continue
        if runs and runs[-1][0] + runs[-1][1] == index:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((index, 1))
    return runs


def _judge_flow(call: Call, result: Result, *, interrupted: bool) -> None:
    """Sound and gaps of answers that nobody talked into."""
    if call.webrtc:  # a gap cannot be told from a pause of the speaker
        return
    result.spoken_s = sum(call.fed) / RATE_HZ
    if interrupted:
        return
    overlapped = [(s.begins - 0.2, s.ends + _HOLE_WITHIN_S) for s in call.said if s.meant == "nothing"]
    turns = [(s.begins, s.ends) for s in call.said if s.meant != "nothing"]
    fed = np.array(call.fed)
    full = round(_FRAME_S * RATE_HZ)
    for begin, end in _answers(call):
        if any(since <= begin * _FRAME_S < until for since, until in turns):
            continue  # it came too early and was talked into
        inside = fed[begin:end]
        at = (np.arange(begin, end)) * _FRAME_S
        quiet = np.array([any(a <= t <= b for a, b in overlapped) for t in at], dtype=bool)
        result.underrun_ms += float((full - inside[~quiet]).sum()) / RATE_HZ * 1000
        result.pauses_begun += sum(length >= 3 for _, length in _silent_runs([int(n) for n in inside[~quiet]]))


def _answers(call: Call) -> list[tuple[int, int]]:
    """Frames from the first to the last sound of each answer; answers are at least 1 s of nothing apart."""
    sounding = np.flatnonzero(np.array(call.fed) > 0)  # the last frame of an answer may be partly filled
    return stretches(sounding, 1.0 / _FRAME_S)


def _understood(call: Call) -> tuple[int, int]:
    reference = " ".join(s.transcript for s in call.said if s.meant != "nothing" and s.transcript)
    if not reference:
        return (0, 0)
    return distance(reference, " ".join(t.transcript for t in call.talk.turns))


async def score_words(call: Call, result: Result, understand: Understand) -> None:
    """Compare what was played with what was written, and with what the server says was heard."""
    for response in call.talk.responses:
        played = _played_of(call, response.id)
        if not len(played):
            continue
        if response.status == "completed":
            heard = await understand(_for_recogniser(played))
            errors, count = distance(response.text, heard)
            result.spoken = (result.spoken[0] + errors, result.spoken[1] + count)
        elif response.status == "cancelled" and len(played) > RATE_HZ // 2:
            heard = await understand(_for_recogniser(played))
            if not heard and first_audible_s(played, RATE_HZ) is not None:
                continue  # the recogniser makes nothing of the word or two
            told = response.heard if response.heard is not None else response.text
            right = abs(words_reached(response.text, heard) - len(told.split())) <= 1
            result.history_right.append(right)
            if not right:
                result.history_wrong.append({"written": response.text, "told": told, "heard": heard})


def _played_of(call: Call, response: str) -> Int16:
    """What was played of an answer, without the holes in it."""
    frame = round(_FRAME_S * RATE_HZ)
    parts = [call.played[i * frame : (i + 1) * frame] for i, of in enumerate(call.sounding) if of == response]
    return np.concatenate(parts) if parts else np.empty(0, np.int16)


def _for_recogniser(played: Int16) -> Float32:
    return resample(to_float(played), RATE_HZ, RECOGNISER_RATE_HZ)
