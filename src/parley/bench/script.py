"""A conversation by a scenario's steps: what its caller says and when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np

from parley.audio.pcm import Float32, to_int16
from parley.bench import sound
from parley.bench.caller import EARLIEST_S, Call, Said, SimulatedCaller
from parley.bench.corpus import Materials
from parley.bench.rtc import RtcConnection
from parley.bench.scenario import Case, Noise, Step
from parley.client.audibility import speech_ends_s, speech_starts_s
from parley.client.connection import RATE_HZ, Connection
from parley.errors import UnavailableError

_START_BUFFER_S = 0.06
_ANSWER_WITHIN_S = 8.0
_ANSWER_LASTS_S = 45.0
_SETTLE_S = 0.4
_AT_LAST_S = 1.0
_NOISE_LOOP_S = 10.0


async def hold(
    case: Case,
    materials: Materials,
    url: str,
    *,
    exact: bool,
    webrtc: bool = False,
    api_key: str | None,
    answer_tokens: int,
) -> Call:
    """Hold one case's conversation; a connection that fails makes it void.

    Raises `Overloaded` where the server says when to come back, nothing else for what a server does.
    """
    connection = (
        RtcConnection(url, api_key=api_key, extended=exact, start_buffer_s=_START_BUFFER_S)
        if webrtc
        else Connection(url, api_key=api_key, exact=exact, start_buffer_s=_START_BUFFER_S)
    )
    call = Call(case, connection.talk, exact, webrtc=webrtc)
    rng = np.random.default_rng(case.seed)
    room = _room(case, materials, rng)
    try:
        async with connection, SimulatedCaller(connection, case, room) as caller:
            loop_time = asyncio.get_running_loop().time
            connection.on_event = lambda event: call.events.append((loop_time() - caller.began, _without_sound(event)))
            await connection.send(
                {"type": "session.update", "session": {"type": "realtime", "max_output_tokens": answer_tokens}}
            )
            try:
                await _Script(call, caller, connection, materials, rng).run()
            finally:
                call.sent, call.played = caller.sent, caller.played
                call.fed, call.sounding, call.late_s = list(caller.fed), list(caller.sounding), list(caller.late_s)
    except UnavailableError as fault:
        call.void = str(fault)
    if connection.closed and not call.void and "closed" not in connection.closed.lower():
        call.talk.errors.append(connection.closed)
    return call


def _room(case: Case, materials: Materials, rng: np.random.Generator) -> Float32 | None:
    """What is heard of the caller's surroundings all the time, speaking or not; to be repeated."""
    sounds = []
    if (room := case.scenario.room) is not None:
        sounds.append((room.kind, _level_dbfs(room, case, materials, -50.0)))
    if (noise := case.noise) is not None:
        sounds.append((noise.kind, _level_dbfs(noise, case, materials, -50.0)))
    loops = [sound.at_level(materials.noise(kind, _NOISE_LOOP_S, rng), dbfs) for kind, dbfs in sounds]
    return np.sum(loops, axis=0, dtype=np.float32) if loops else None


def _level_dbfs(noise: Noise, case: Case, materials: Materials, otherwise: float) -> float:
    """A noise's own level, or below the caller's voice."""
    if noise.snr_db is not None:
        return _voice_dbfs(case, materials) - noise.snr_db
    return otherwise if noise.dbfs is None else noise.dbfs


def _voice_dbfs(case: Case, materials: Materials) -> float:
    return sound.level_dbfs(materials.clip(case.clip)) + case.gain_db


def _without_sound(event: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in event.items() if not (k in ("delta", "audio") and "audio" in event["type"])}


class _Script:
    """Walks through the steps of a case."""

    def __init__(
        self,
        call: Call,
        caller: SimulatedCaller,
        connection: Connection,
        materials: Materials,
        rng: np.random.Generator,
    ) -> None:
        self._call = call
        self._caller = caller
        self._connection = connection
        self._materials = materials
        self._rng = rng
        self._answered = 0

    async def run(self) -> None:
        await self._caller.wait_for(lambda: self._caller.now_s > 0.3, 2.0)
        for index, step in enumerate(self._call.case.scenario.steps):
            if index and not await self._moment(step):
                self._call.void = f"step {index + 1} never came: no answer was sounding"
                return
            await self._do(step)
        await self._answer_over()

    async def _moment(self, step: Step) -> bool:
        after = float(self._rng.choice(step.after_s))
        if step.begin == "audible":
            if not await self._caller.wait_for(self._sounding, _ANSWER_WITHIN_S):
                return False
        elif step.begin == "answered":
            await self._answer_over()
        until = self._caller.now_s + after
        await self._caller.wait_for(lambda: self._caller.now_s >= until, after + 1.0)
        self._answered = len(self._connection.talk.responses)
        return step.begin != "audible" or self._sounding(new=False)

    def _sounding(self, *, new: bool = True) -> bool:
        """An answer (begun after the last step) is being played and is not over."""
        responses = self._connection.talk.responses[self._answered if new else 0 :]
        fed = self._caller.fed
        return bool(responses and responses[-1].first_sound_at and fed and any(fed[-3:]))

    async def _answer_over(self) -> None:
        """Wait for an answer to what was said last, and for its end."""
        talk, answered = self._connection.talk, self._answered
        await self._spoken()
        wants = self._call.asked_s is not None or any(s.meant in ("turn", "interruption") for s in self._call.said[-1:])
        if wants:
            await self._caller.wait_for(lambda: len(talk.responses) > answered and self._is_answered, _ANSWER_WITHIN_S)
        still = 0.0

        def settled() -> bool:
            nonlocal still
            if any(r.status == "in_progress" for r in talk.responses) or any(self._caller.fed[-5:]):
                still = self._caller.now_s
            return self._caller.now_s - still > (_SETTLE_S if wants else _AT_LAST_S)

        still = self._caller.now_s
        await self._caller.wait_for(settled, _ANSWER_LASTS_S)
        self._answered = len(talk.responses)

    @property
    def _is_answered(self) -> bool:
        """Whether the newest answer is one to all that was said.

        One that began before its last half second, or in it and was cut by what followed, was one to a pause: its
        caller is owed another one.
        """
        begun_s = max((at for at, e in self._call.events if e["type"] == "response.created"), default=0.0)
        ends_s = self._call.said[-1].ends if self._call.said and self._call.asked_s is None else 0.0
        was_cut = self._connection.talk.responses[-1].status == "cancelled"
        return begun_s > (ends_s if was_cut else ends_s - EARLIEST_S)

    async def _spoken(self) -> None:
        """Wait until everything queued was sent."""
        if self._call.said:
            ends = self._call.said[-1].ends + 0.2
            await self._caller.wait_for(lambda: self._caller.now_s > ends, ends - self._caller.now_s + 2.0)

    async def _do(self, step: Step) -> None:
        if step.wait_s is not None:
            until = self._caller.now_s + step.wait_s
            await self._caller.wait_for(lambda: self._caller.now_s >= until, step.wait_s + 1.0)
        elif step.cancel:
            await self._connection.send({"type": "response.cancel"})
            self._connection.player.flush()
        elif step.type is not None:
            await self._type(step.type)
        else:
            self._let_hear(step)
            if step.begin == "now" or len(self._call.case.scenario.steps) > 1:
                await self._spoken()

    async def _type(self, text: str) -> None:
        self._call.asked_s = self._caller.now_s
        content = [{"type": "input_text", "text": text}]
        await self._connection.send(
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}
        )
        await self._connection.send({"type": "response.create"})

    def _let_hear(self, step: Step) -> None:
        if step.noise is not None:
            noise = self._materials.noise(step.noise.kind, step.seconds, self._rng)
            audio = sound.at_level(noise, _level_dbfs(step.noise, self._call.case, self._materials, -30.0))
            begins = self._caller.speak(to_int16(audio))
            self._call.said.append(Said("nothing", "", begins, begins + len(audio) / RATE_HZ))
            return
        audio, transcript = self._chosen(step)
        pause = None
        borders = self._borders(audio) if step.pauses_s else []
        if borders:
            length = float(self._rng.choice(step.pauses_s))
            at = borders[int(self._rng.integers(min(3, len(borders))))]
            audio = sound.with_pause(audio, RATE_HZ, at, length)
            pause = (at, at + length)
        samples = to_int16(np.clip(audio, -1.0, 1.0))
        begins = self._caller.speak(samples)
        ends = speech_ends_s(samples, RATE_HZ)
        self._call.said.append(
            Said(
                step.meant,
                transcript,
                begins + (speech_starts_s(samples, RATE_HZ) or 0.0),
                begins + (ends[-1] if ends else len(samples) / RATE_HZ),
                None if pause is None else (begins + pause[0], begins + pause[1]),
                step.begin == "now",
            )
        )

    def _borders(self, audio: Float32) -> list[float]:
        known = self._materials.borders.get(self._call.case.clip.file)
        if known is None:
            return sound.phrase_borders_s(audio, RATE_HZ)
        return [at / self._call.case.speed for at in known]

    def _chosen(self, step: Step) -> tuple[Float32, str]:
        """What is said and how it sounds: everything as loud as the caller's own recording, it is one person."""
        case, materials = self._call.case, self._materials
        if step.words is not None:
            text = str(self._rng.choice(step.words))
            audio = materials.words(text)
        else:
            entry = case.clip
            if step.say != "clip":
                others = materials.interruptions if step.say == "interruption" else [
                    e for e in materials.entries if e.language == case.clip.language and materials.seconds(e) < 6
                ]  # fmt: skip
                others = [e for e in others if e.file != case.clip.file]
                entry = others[int(self._rng.integers(len(others)))]
            text, audio = entry.transcript, sound.faster(materials.clip(entry), RATE_HZ, case.speed)
        return sound.at_level(audio, _voice_dbfs(case, materials) - step.quieter_db), text
