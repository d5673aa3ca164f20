"""The decoder of CosyVoice 3: makes sound of the codes that a network writes, in pieces that are parts of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from parley.adapters.cosyvoice3_flow import AHEAD, BLOCK_CODES, Flow
from parley.adapters.cosyvoice3_vocoder import HELD_BACK, Vocoder
from parley.adapters.cosyvoice_decoder import noise
from parley.audio.pcm import Float32

_LEAST_CODES = 10
"""Fewer are hardly heard, for the vocoder keeps some frames back."""


@dataclass(slots=True)
class Tail:
    """What the next piece of a text goes on from."""

    frames: int = 0
    """That were made of the codes."""
    mel: torch.Tensor | None = None
    """All that is to be heard so far, at the speed that is asked for."""
    samples: int = 0
    """That were heard."""


class Decoder:
    """Makes sound of codes; not safe for threads."""

    def __init__(self, flow: Flow, vocoder: Vocoder, steps: int, most_codes: int, device: torch.device) -> None:
        """`steps`: in which the flow makes a piece; `most_codes`: of a text and of the recording before it."""
        self._flow, self._vocoder, self._steps = flow, vocoder, steps
        self._noise = noise(most_codes, device)

    def begin(self) -> Tail:
        """Of a text."""
        return Tail()

    def sizes(self, speaker: Mapping[str, Any]) -> tuple[int, ...]:
        """Codes of the first piece, the second, and so on: blocks that begin with the recording are whole then."""
        first = BLOCK_CODES - speaker["prompt_token"].shape[1] % BLOCK_CODES
        first += BLOCK_CODES if first < _LEAST_CODES else 0
        return (first + AHEAD, 2 * BLOCK_CODES, 4 * BLOCK_CODES)

    def piece(
        self, speaker: Mapping[str, Any], codes: Sequence[int], tail: Tail, *, last: bool, speed: float = 1.0
    ) -> Float32:
        """The sound that follows on `tail`, which is left as the next piece needs it. All of it is made anew from the
        beginning, and what was heard of that is cut off. Of so few codes that the vocoder keeps all there is none.

        `speaker`: what is known of the recording; `codes`: all of the text so far.
        """
        made = self._flow.bands(speaker, codes, self._noise, self._steps, last=last)[:, :, tail.frames :]
        tail.frames += made.shape[2]
        if speed != 1:
            made = functional.interpolate(made, size=max(1, round(made.shape[2] / speed)), mode="linear")
        tail.mel = made if tail.mel is None else torch.cat([tail.mel, made], dim=2)
        if not last and tail.mel.shape[2] <= HELD_BACK:
            return np.zeros(0, np.float32)
        sound = self._vocoder.sound(tail.mel, last=last)[0, tail.samples :]
        tail.samples += len(sound)
        heard: Float32 = sound.float().cpu().numpy().astype(np.float32, copy=False)
        return heard
