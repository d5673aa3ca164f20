"""From mel bands to sound, as CosyVoice 3 does it: HiFTNet (https://arxiv.org/abs/2309.09493) that looks back.

A source of pitch and its harmonics is shaped by convolutions that hear nothing but the past, but for the first ones,
which hear some frames ahead. So what was made of a part of the bands is a part of what is made of all. Names of modules
are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from parley.adapters.cosyvoice_decoder import BANDS, RATE_HZ, SAMPLES_A_FRAME

_HARMONICS, _SINES, _HISS, _VOICED_HZ = 9, 0.1, 0.003, 10.0
"""The tone and its harmonics, how loud they are and the noise beside them; whatever is lower has no voice."""
_UPS = ((8, 16), (5, 11), (3, 7))
"""Steps up in rate: factor and kernel."""
_KERNELS, _SOURCE_KERNELS, _DILATIONS = (3, 7, 11), (7, 7, 11), (1, 3, 5)
_SPECTRUM, _HOP = 16, 4
_AHEAD, _PITCH_AHEAD = 4, 3
HELD_BACK = _AHEAD + _PITCH_AHEAD + 1
"""Frames that are not made to sound yet while more are to come."""
_LOUDEST, _STEEPEST = 0.99, 100.0
_EPSILON = 1e-9


class _Causal(nn.Conv1d):
    """Hears the past, or what comes instead."""

    def __init__(self, inner: int, outer: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(inner, outer, kernel, dilation=dilation)
        self._reach = (kernel - 1) * dilation

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, (self._reach, 0)))


class _Ahead(nn.Conv1d):
    """Hears what comes: the last frames of `x`, which are none of the result, or silence where nothing does."""

    def forward(self, x: Tensor, *, last: bool = True) -> Tensor:
        return super().forward(functional.pad(x, (0, self.kernel_size[0] - 1)) if last else x)


class _Up(nn.Conv1d):
    def __init__(self, inner: int, outer: int, kernel: int, factor: int) -> None:
        super().__init__(inner, outer, kernel)
        self._factor = factor

    def forward(self, x: Tensor) -> Tensor:
        x = x.repeat_interleave(self._factor, dim=2)
        return super().forward(functional.pad(x, (self.kernel_size[0] - 1, 0)))


class _Down(nn.Conv1d):
    def __init__(self, inner: int, outer: int, factor: int) -> None:
        super().__init__(inner, outer, 2 * factor if factor > 1 else 1, factor)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, (self.stride[0] - 1, 0)))


class _Snake(nn.Module):
    """Bends with a period that each channel has learnt (https://arxiv.org/abs/2006.08195)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        alpha = self.alpha[:, None]
        bent: Tensor = x + (x * alpha).sin() ** 2 / (alpha + _EPSILON)
        return bent


class _Residual(nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList([weight_norm(_Causal(width, width, kernel, d)) for d in _DILATIONS])
        self.convs2 = nn.ModuleList([weight_norm(_Causal(width, width, kernel)) for _ in _DILATIONS])
        self.activations1 = nn.ModuleList([_Snake(width) for _ in _DILATIONS])
        self.activations2 = nn.ModuleList([_Snake(width) for _ in _DILATIONS])

    def forward(self, x: Tensor) -> Tensor:
        for bend, conv, bend_2, conv_2 in zip(
            self.activations1, self.convs1, self.activations2, self.convs2, strict=True
        ):
            x = x + conv_2(bend_2(conv(bend(x))))
        return x


class _Pitch(nn.Module):
    """How high the voice is in each frame, Hz."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [weight_norm(_Ahead(BANDS, width, _PITCH_AHEAD + 1)), nn.ELU()]
        for _ in range(4):
            layers += [weight_norm(_Causal(width, width, 3)), nn.ELU()]
        self.condnet = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, 1)

    def forward(self, bands: Tensor, *, last: bool) -> Tensor:
        x = self.condnet[0](bands, last=last)
        for layer in self.condnet[1:]:
            x = layer(x)
        pitch: Tensor = self.classifier(x.transpose(1, 2)).abs().transpose(1, 2)
        return pitch


class _Source(nn.Module):
    """Sound of a pitch: sines where there is a voice, a hiss elsewhere, the same for every text.

    The network was taught with sines that stand still for a frame.
    """

    def __init__(self) -> None:
        super().__init__()
        self.l_linear = nn.Linear(_HARMONICS, 1)
        self._hiss = torch.empty(1, _HARMONICS, 0)

    def forward(self, pitch: Tensor) -> Tensor:
        """Of `pitch`, shape (1, 1, frames), Hz; shape (1, samples)."""
        count = pitch.shape[2] * SAMPLES_A_FRAME
        times = torch.arange(1, _HARMONICS + 1, device=pitch.device)[:, None]
        angles = ((pitch * times / RATE_HZ) % 1).cumsum(dim=2) * 2 * torch.pi * SAMPLES_A_FRAME
        voiced = (pitch > _VOICED_HZ).float().repeat_interleave(SAMPLES_A_FRAME, dim=2)
        sines = _SINES * angles.sin().repeat_interleave(SAMPLES_A_FRAME, dim=2)
        hiss = (voiced * _HISS + (1 - voiced) * _SINES / 3) * self._noise(count).to(pitch)
        merged: Tensor = self.l_linear((sines * voiced + hiss).transpose(1, 2)).tanh()
        return merged[:, :, 0]

    def _noise(self, count: int) -> Tensor:
        """The same samples for every text, as many as the longest so far has."""
        if self._hiss.shape[2] < count:
            random = torch.Generator().manual_seed(1)
            self._hiss = torch.rand(1, count, _HARMONICS, generator=random).transpose(1, 2)
        return self._hiss[:, :, :count]


class Vocoder(nn.Module):
    """Makes sound of bands."""

    def __init__(self, width: int, pitch_width: int) -> None:
        super().__init__()
        widths = [width // 2**i for i in range(len(_UPS) + 1)]
        bins = _SPECTRUM + 2
        self.m_source = _Source()
        self.f0_predictor = _Pitch(pitch_width)
        self.conv_pre = weight_norm(_Ahead(BANDS, width, _AHEAD + 1))
        self.ups = nn.ModuleList(
            [weight_norm(_Up(a, b, k, f)) for (f, k), a, b in zip(_UPS, widths, widths[1:], strict=False)]
        )
        downs = [15, 3, 1]
        self.source_downs = nn.ModuleList([_Down(bins, b, f) for f, b in zip(downs, widths[1:], strict=True)])
        self.source_resblocks = nn.ModuleList(
            [_Residual(b, k) for b, k in zip(widths[1:], _SOURCE_KERNELS, strict=True)]
        )
        self.resblocks = nn.ModuleList([_Residual(b, k) for b in widths[1:] for k in _KERNELS])
        self.conv_post = weight_norm(_Causal(widths[-1], bins, 7))
        self._window = torch.hann_window(_SPECTRUM)

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> Self:
        """A network with these weights, by the names that they are published by; it is as wide as they are.

        Raises `KeyError` and `RuntimeError` for weights of something else.
        """
        made = cls(len(weights["conv_pre.bias"]), weights["f0_predictor.classifier.weight"].shape[1])
        made.load_state_dict(dict(weights))
        made.f0_predictor.double()  # small errors would add up to another phase
        made.eval()
        return made

    def sound(self, bands: Tensor, *, last: bool) -> Tensor:
        """Samples of bands, shape (1, bands, frames): without the last `HELD_BACK` unless nothing follows.

        What is made of more bands begins with the same samples.
        """
        pitch = self.f0_predictor(bands.double(), last=last).to(bands)
        if not last:
            bands = bands[:, :, :-_PITCH_AHEAD]
        source = torch.stft(self.m_source(pitch), _SPECTRUM, _HOP, window=self._window.to(bands), return_complex=True)
        x = self.conv_pre(bands, last=last)
        if not last:
            source = source[:, :, : -_AHEAD * SAMPLES_A_FRAME // _HOP]
        parts = torch.cat([source.real, source.imag], dim=1)
        for place, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, 0.1))
            if place == len(self.ups) - 1:
                x = functional.pad(x, (1, 0), mode="reflect")
            x = x + self.source_resblocks[place](self.source_downs[place](parts))
            blocks = self.resblocks[place * len(_KERNELS) : (place + 1) * len(_KERNELS)]
            x = torch.stack([block(x) for block in blocks]).mean(dim=0)
        loud, phase = self.conv_post(functional.leaky_relu(x)).split(_SPECTRUM // 2 + 1, dim=1)
        spectrum = torch.polar(loud.exp().clamp(max=_STEEPEST), phase.sin())
        made = torch.istft(spectrum, _SPECTRUM, _HOP, window=self._window.to(bands))
        return (made if last else made[:, :-SAMPLES_A_FRAME]).clamp(-_LOUDEST, _LOUDEST)
