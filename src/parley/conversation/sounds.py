"""What people said, as sound, for models that hear: the last of their turns; older ones stand in prompts as words."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from parley.audio.files import wav_header
from parley.audio.pcm import Float32, to_bytes, to_int16
from parley.models.interfaces import MODEL_RATE_HZ

_MOST_S = 60.0
"""Of all turns that are kept as sound; of one that is longer alone, its end."""
TOKENS_PER_S = 12.5
"""What a second takes in a prompt: models make 6 (Ultravox) to 25 (Qwen2-Audio) tokens of it."""
Part = dict[str, Any]


def sound_part(speech: Float32) -> Part:
    """A content part of the chat interface with some speech (16 kHz) in it, as a WAV file."""
    pcm = to_bytes(to_int16(speech[-int(_MOST_S * MODEL_RATE_HZ) :]))
    wav = wav_header(len(pcm) // 2, MODEL_RATE_HZ) + pcm
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(wav).decode(), "format": "wav"}}


@dataclass(frozen=True, slots=True)
class _Turn:
    part: Part
    seconds: float


class Sounds:
    """Of one conversation, by the ids of the items that the turns became."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    @property
    def seconds(self) -> float:
        """Of all that is kept."""
        return sum(turn.seconds for turn in self._turns.values())

    def keep(self, item: str, speech: Float32) -> None:
        """Keep a turn (16 kHz). When all together are too long the older half goes at once.

        A prompt that changes in its middle is read anew from there: that is to happen seldom.
        """
        seconds = min(_MOST_S, len(speech) / MODEL_RATE_HZ)
        self._turns[item] = _Turn(sound_part(speech), seconds)
        if self.seconds > _MOST_S:
            while len(self._turns) > 1 and self.seconds > _MOST_S / 2:
                del self._turns[next(iter(self._turns))]

    def forget(self, item: str) -> None:
        """The item is no more."""
        self._turns.pop(item, None)

    def of(self, item: str) -> Part | None:
        """The turn as a content part; None where only its words are left."""
        turn = self._turns.get(item)
        return turn.part if turn is not None else None
