"""One participant's input: sound in, voice edges and media time out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

import numpy as np
import structlog

from parley.audio.pcm import Float32, Int16, to_float
from parley.audio.resample import AdaptingResampler
from parley.conversation.input.audio_buffer import AudioBuffer
from parley.conversation.input.echo import EchoGuard
from parley.conversation.input.speech_segmenter import SILENT_DBFS, SpeechSegmenter
from parley.conversation.input.turn_inference import TurnInference
from parley.conversation.settings import SessionModels
from parley.errors import Overloaded, ProtocolError
from parley.models.interfaces import MODEL_RATE_HZ
from parley.turns import actions as act
from parley.turns import events as ev
from parley.turns.policies.busy_machine import Load

log = structlog.get_logger("conversation")

_WINDOW = 512
_SLICE_S = 0.5
_LIVE_S = 0.25
_ARRIVALS_KEPT = 200
_CALM_S = 0.1  # of sound are looked at together while nobody speaks: that costs a fifth
_MAX_QUEUED_S = 600.0
_LONGEST_TURN_S = 600.0
_PRE_ROLL_S = 0.3
_KEEP_S = 2.0

Mark = Literal["commit", "clear"]


class InputPipeline:
    """Listens for one participant. `run` must be running; everything else is called from the same loop."""

    def __init__(
        self,
        participant: str,
        models: SessionModels,
        dispatch: Callable[[ev.Event], None],
        owner: str,
        answers: Callable[[], bool],
        awaits: Callable[[act.Question], bool],
        load: Callable[[], Load] = lambda: "free",
    ) -> None:
        """`answers`: whether one is on its way or sounding, so that every 20 ms count; `awaits`: see `TurnInference`;
        `load`: what people of other conversations do."""
        self.participant = participant
        self._dispatch = dispatch
        self._owner = owner
        self._answers = answers
        self._load = load
        self._queue: deque[tuple[Int16, int] | Mark | Callable[[], None]] = deque()
        self._queued_s = 0.0
        self._queued_orders = 0  # what is not sound
        self._queued_commits = 0
        self._arrived = asyncio.Event()
        self._resampler = AdaptingResampler(MODEL_RATE_HZ)
        self.echo = EchoGuard(models.canceller) if models.canceller is not None else None
        self._vad = models.vad.open()
        self._activity = SpeechSegmenter()
        self._turn_dbfs = SILENT_DBFS  # of its loudest voice
        self._own_dbfs: float | None = None
        self._pre_roll_s = _PRE_ROLL_S
        self._vad_origin = 0  # absolute sample at which the voice activity began to count
        self._pending: list[Float32] = []  # audio not yet filling a window
        self.sound = AudioBuffer()
        self.inference = TurnInference(self.sound, models, dispatch, owner, awaits)
        self._arrivals: deque[float] = deque(maxlen=_ARRIVALS_KEPT)  # media time at the end of each look
        self._kept_from = 0  # uncommitted audio of push to talk begins here
        self._in_turn = False
        self._before_voice = False, 0  # whether it was in a turn, and where that began
        self.manual = False

    # -- input ----------------------------------------------------------------------------------------

    def append(self, samples: Int16, rate_hz: int) -> None:
        """Queue audio; raises `Overloaded` when ten minutes wait to be heard, `ProtocolError` when for a commit."""
        seconds = len(samples) / rate_hz
        if self.manual and self.uncommitted_s + seconds > _LONGEST_TURN_S:
            raise ProtocolError(
                f"the input audio buffer holds {_LONGEST_TURN_S:.0f} s, which is the most; commit or clear it",
                field="audio", code="input_audio_buffer_full",
            )  # fmt: skip
        if self._queued_s + seconds > _MAX_QUEUED_S:
            raise Overloaded(f"more than {_MAX_QUEUED_S:.0f} s of audio are waiting to be heard")
        self._queued_s += seconds
        self._queue.append((samples, rate_hz))
        if self._due:
            self._arrived.set()

    def mark(self, mark: Mark) -> None:
        """Queue a commit or clear behind the audio that came before it."""
        self._queue.append(mark)
        self._queued_orders += 1
        self._queued_commits += mark == "commit"
        self._arrived.set()

    def after_commit(self, then: Callable[[], None]) -> None:
        """Call `then` once every commit that is queued was taken; at once when none is."""
        if self._queued_commits:
            self._queue.append(then)
            self._queued_orders += 1
        else:
            then()

    @property
    def uncommitted_s(self) -> float:
        """Seconds of audio since the last commit or clear, queued ones included."""
        return (self.sound.end - self._kept_from) / MODEL_RATE_HZ + self._queued_s

    def capture_s(self, at_s: float) -> float:
        """How long the sound of a moment (media time) was held back until the message with it was full."""
        return next((end - at_s for end in self._arrivals if end >= at_s), 0.0)

    async def run(self) -> None:
        """Examine audio as it comes, for ever; a backlog is examined as fast as the models answer."""
        while True:
            while not self._due:
                self._arrived.clear()
                await self._arrived.wait()
            entry = self._queue.popleft()
            if not isinstance(entry, tuple):
                self._obey(entry)
                continue
            samples, rate_hz = self._with_following(*entry)
            most = int(_SLICE_S * rate_hz)
            if len(samples) > most:
                self._queue.appendleft((samples[most:], rate_hz))
                samples = samples[:most]
            self._queued_s = max(0.0, self._queued_s - len(samples) / rate_hz)
            await self._examine(self._to_model_rate(samples, rate_hz))
            await asyncio.sleep(0)  # silence is judged without waiting for a model: others get their turn

    def _obey(self, order: Mark | Callable[[], None]) -> None:
        self._queued_orders -= 1
        if callable(order):
            self._call(order)
        else:
            self._queued_commits -= order == "commit"
            self._apply(order)

    def _call(self, then: Callable[[], None]) -> None:
        """What somebody wanted to be done behind a commit; its faults are not the input's."""
        try:
            then()
        except Exception:
            log.error("what waited for a commit broke", session=self._owner, exc_info=True)

    @property
    def _due(self) -> bool:
        """Whether what waits is to be looked at now, not together with what comes next."""
        if self._in_turn or self._answers() or self._queued_s >= _CALM_S:
            return bool(self._queue)
        return self._queued_orders > 0

    def _with_following(self, samples: Int16, rate_hz: int) -> tuple[Int16, int]:
        """Join what waits behind it, up to a slice."""
        parts, count = [samples], len(samples)
        while self._queue and isinstance(following := self._queue[0], tuple):
            if following[1] != rate_hz or count + len(following[0]) > _SLICE_S * rate_hz:
                break
            self._queue.popleft()
            parts.append(following[0])
            count += len(following[0])
        return (np.concatenate(parts) if len(parts) > 1 else samples), rate_hz

    def _to_model_rate(self, samples: Int16, rate_hz: int) -> Float32:
        audio = to_float(self._resampler.push(samples, rate_hz))
        live = self._queued_s < _LIVE_S
        return audio if self.echo is None or not live else self.echo.clean(audio, asyncio.get_running_loop().time())

    async def _examine(self, audio: Float32) -> None:
        self.sound.append(audio)
        self._arrivals.append(self.sound.end_s)
        if not self.manual:
            await self._watch_voice(audio)
        live = self._queued_s < _LIVE_S
        load = self._load() if self._in_turn else "free"
        self._dispatch(ev.MediaAdvanced(self.participant, self.sound.end_s, live, load))
        if not live:  # media time must not outrun the evidence about it
            await self.inference.all_answered()
        turn_s = (self.sound.end - self.sound.turn_from) / MODEL_RATE_HZ
        if not self.manual and self._in_turn and turn_s > _LONGEST_TURN_S:
            self._dispatch(ev.InputCommitted(self.participant))  # whoever talks for so long is answered all the same
        self._forget_old()

    async def _watch_voice(self, audio: Float32) -> None:
        data = np.concatenate([*self._pending, audio])
        full = len(data) // _WINDOW * _WINDOW
        self._pending = [data[full:]]
        windows = data[:full]
        base = self.sound.end - len(data)
        live = self._queued_s < _LIVE_S
        for index in range(0, full, _WINDOW):
            window = windows[index : index + _WINDOW]
            (probability,) = await self._vad.feed(window)
            was_fading = self._activity.fading
            edge = self._activity.push(window, probability)
            if edge is not None:
                self._voice_edge(edge.started, edge.sample)
            elif self._activity.fading and not was_fading:
                self._dispatch(ev.VoiceFaded(self.participant))
            if not live:
                self._dispatch(ev.MediaAdvanced(self.participant, (base + index + _WINDOW) / MODEL_RATE_HZ, live=False))
                await self.inference.all_answered()

    @property
    def _below_own_db(self) -> float | None:
        """How much quieter the voice that seems to begin is than the participant's own, where that can be told."""
        if self._own_dbfs is None or (self.echo is not None and self.echo.cancels_echo):
            return None
        return self._own_dbfs - self._activity.recent_dbfs

    def _voice_edge(self, started: bool, sample: int) -> None:
        sample += self._vad_origin
        at = sample / MODEL_RATE_HZ
        if not started:
            self._turn_dbfs = max(self._turn_dbfs, self._activity.peak_dbfs)
            self._dispatch(ev.VoiceStopped(self.participant, at))
            return
        self._before_voice = self._in_turn, self.sound.turn_from
        if not self._in_turn:
            self._in_turn = True
            self.sound.turn_from = max(self._kept_from, sample - int(self._pre_roll_s * MODEL_RATE_HZ))
        now = asyncio.get_running_loop().time()
        likeness = self.echo.likeness(now) if self.echo is not None else None
        usual = self.echo.usual_likeness if self.echo is not None else None
        self._dispatch(ev.VoiceStarted(self.participant, at, self._below_own_db, likeness, usual))

    def disregard_voice(self, *, echo: bool) -> None:
        """The voice that has just begun was none that counts: an `echo`, or somebody far away."""
        self._activity.withdraw()
        self._in_turn, self.sound.turn_from = self._before_voice
        if echo and self.echo is not None:
            log.debug("the voice is the answer's own", session=self._owner, at_s=round(self.sound.end_s, 2))
            self.echo.heard_itself(asyncio.get_running_loop().time())

    def set_manual(self, manual: bool) -> None:
        """Switch between push to talk and listening for voices; the detector starts afresh."""
        if manual == self.manual:
            return
        self.manual = manual
        self._pending = []
        self._activity = SpeechSegmenter(self._activity.threshold)
        self._vad_origin = self.sound.end

    def set_vad(self, threshold: float, pre_roll_s: float) -> None:
        """Probability from which a window counts as speech, and seconds before it that belong to the turn."""
        self._activity.threshold = threshold
        self._pre_roll_s = min(pre_roll_s, _KEEP_S)

    def _apply(self, mark: Mark) -> None:
        if mark == "commit":
            if not self._in_turn:
                self.sound.turn_from = self._kept_from
            self._dispatch(ev.MediaAdvanced(self.participant, self.sound.end_s))
            self._dispatch(ev.InputCommitted(self.participant))
        else:
            self.forget_turn()
            self._dispatch(ev.InputCleared(self.participant))

    def forget_turn(self, *, understood: bool = False) -> None:
        """The turn was committed or discarded: the next one begins with what comes now.

        One that was understood tells how loud the participant is here.
        """
        if understood and self._turn_dbfs > SILENT_DBFS:
            before = self._turn_dbfs if self._own_dbfs is None else self._own_dbfs
            self._own_dbfs = (before + self._turn_dbfs) / 2
        self._turn_dbfs = SILENT_DBFS
        self.inference.close()
        self._in_turn = self._activity.speaking
        self._kept_from = self.sound.end
        self.sound.close_turn(understood=understood)

    def _forget_old(self) -> None:
        keep = int(_KEEP_S * MODEL_RATE_HZ)
        if self.manual:
            self.sound.forget_before(self._kept_from)
        elif not self._in_turn:
            self._kept_from = max(self._kept_from, self.sound.end - keep)
            self.sound.forget_before(self.sound.end - keep)
        else:
            self.sound.forget_before(self.sound.turn_from)

    def close(self) -> None:
        """Free the streams."""
        self._vad.close()
        self.inference.close()
