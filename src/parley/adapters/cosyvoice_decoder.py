"""The decoder of CosyVoice 2, which is Chatterbox's too: makes sound of the codes that a network writes, in pieces.

The networks are those that the package chatterbox-tts has (``chatterbox.models.s3gen``). A piece is made as CosyVoice 2
streams (https://arxiv.org/abs/2412.10117): of all codes so far, with the last ones as what is to come, and faded into
the piece before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from parley.audio.pcm import Float32

RATE_HZ = 24000
CODES_S = 25
"""Codes for a second of speech."""
SOUNDS = 6561
"""Codes from here on are marks and no sound."""
PIECES = (25, 50, 100)
"""Codes of the first piece of sound, of the second, of each further one: all are decoded anew for each."""
BANDS = 80
FRAMES_A_CODE = 2
SAMPLES_A_FRAME = 480
_FADE_FRAMES = 8


def noise(codes: int, device: torch.device) -> torch.Tensor:
    """What the flow makes the bands of so many codes of, shape (1, bands, frames): the same for every piece."""
    return torch.randn(1, BANDS, FRAMES_A_CODE * codes, generator=torch.Generator().manual_seed(1)).to(device)


@dataclass(slots=True)
class Tail:
    """What the next piece of a text goes on from."""

    frames: int = 0
    """That were made to sound."""
    mel: torch.Tensor | None = None
    source: torch.Tensor | None = None
    sound: Float32 | None = None


class Decoder:
    """Makes sound of codes; not safe for threads."""

    def __init__(
        self, flow: Any, vocoder: Any, steps: int, most_codes: int, device: torch.device, fade_in: Float32 | None = None
    ) -> None:
        """`flow`, `vocoder`: the package's networks; `steps`: in which the flow makes a piece; `most_codes`: of a text
        and of the recording before it; `fade_in`: how loud a text begins."""
        self._flow, self._vocoder, self._steps, self._device = flow, vocoder, steps, device
        self._fade_in: Float32 = np.ones(0, np.float32) if fade_in is None else fade_in
        self._noise = noise(most_codes, device)

    def begin(self) -> Tail:
        """Of a text."""
        return Tail()

    def sizes(self, speaker: Mapping[str, Any]) -> tuple[int, ...]:
        """Codes of the first piece, the second, and so on; the same whoever speaks."""
        return PIECES

    def piece(
        self, speaker: Mapping[str, Any], codes: Sequence[int], tail: Tail, *, last: bool, speed: float = 1.0
    ) -> Float32:
        """The sound that follows on `tail`, which is left as the next piece needs it.

        `speaker`: what the flow's `inference` is told of the recording; `codes`: all of the text so far.
        """
        token = torch.tensor([codes], device=self._device)
        frames, before = FRAMES_A_CODE * len(codes), FRAMES_A_CODE * speaker["prompt_token"].shape[1]
        mel, _ = self._flow.inference(
            token=token, token_len=torch.tensor([len(codes)], device=self._device), finalize=True,
            n_timesteps=self._steps, noised_mels=self._noise[..., : before + frames], **speaker,
        )  # fmt: skip
        known = frames if last else frames - FRAMES_A_CODE * self._flow.pre_lookahead_len  # the package's cut fails
        mel, tail.frames = mel[:, :, tail.frames : known], known
        if speed != 1:
            mel = functional.interpolate(mel, size=max(1, round(mel.shape[2] / speed)), mode="linear")
        if tail.mel is not None:
            mel = torch.cat([tail.mel, mel], dim=2)
        source = torch.zeros(1, 1, 0, device=self._device) if tail.source is None else tail.source
        sound, source = self._vocoder.inference(speech_feat=mel, cache_source=source)
        heard: Float32 = sound[0].float().cpu().numpy()
        if tail.sound is None:
            begin = self._fade_in[: len(heard)]
            heard[: len(begin)] *= begin
        else:
            fade = np.linspace(0, 1, len(tail.sound), dtype=np.float32)
            heard[: len(fade)] = heard[: len(fade)] * fade + tail.sound * (1 - fade)
        if last:
            return heard
        keep = _FADE_FRAMES * SAMPLES_A_FRAME
        tail.mel, tail.source, tail.sound = mel[:, :, -_FADE_FRAMES:], source[:, :, -keep:], heard[-keep:]
        return heard[:-keep]
