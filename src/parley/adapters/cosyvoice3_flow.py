"""From codes to mel bands, as CosyVoice 3 does it (https://arxiv.org/abs/2505.17589): flow matching by a DiT.

A transformer whose norms are led by the time of the flow (Peebles and Xie 2022) says in which direction noise is to go
to become speech, ten times. A frame sees its own block of 50 and all blocks before it, so that what was made of whole
blocks stays as it is when more codes come. Names of modules are those of the published weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from parley.adapters.cosyvoice_decoder import BANDS, FRAMES_A_CODE

AHEAD = 3
"""Codes that a code's bands depend on behind it."""
BLOCK_CODES = 25
"""Codes that are decoded together."""
_GUIDANCE = 0.7
_TIME_SCALE, _TIME_WIDTH = 1000, 256
_POSITION_KERNEL, _POSITION_GROUPS = 31, 16
_EPSILON = 1e-6


class _Time(nn.Module):
    """A time between 0 and 1 as a vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.time_mlp = nn.Sequential(nn.Linear(_TIME_WIDTH, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time: Tensor) -> Tensor:
        half = _TIME_WIDTH // 2
        rates = torch.exp(torch.arange(half, device=time.device).float() * (-math.log(10000) / (half - 1)))
        angles = _TIME_SCALE * time[:, None] * rates
        told: Tensor = self.time_mlp(torch.cat([angles.sin(), angles.cos()], dim=-1).to(time.dtype))
        return told


class _Position(nn.Module):
    """Where a frame stands among those before it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for name in ("conv1", "conv2"):
            conv = nn.Conv1d(width, width, _POSITION_KERNEL, groups=_POSITION_GROUPS)
            setattr(self, name, nn.Sequential(conv, nn.Mish()))

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for conv in (self.conv1, self.conv2):
            x = conv(functional.pad(x, (_POSITION_KERNEL - 1, 0)))
        return x.transpose(1, 2)


class _Input(nn.Module):
    """Noise, the recording's bands, what is to be said, and who speaks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(4 * BANDS, width)
        self.conv_pos_embed = _Position(width)

    def forward(self, x: Tensor, recording: Tensor, said: Tensor, speaker: Tensor) -> Tensor:
        x = self.proj(torch.cat([x, recording, said, speaker[:, None].expand(-1, x.shape[1], -1)], dim=-1))
        told: Tensor = self.conv_pos_embed(x) + x
        return told


class _Led(nn.Module):
    """A norm with shifts and scales, `count` in all, that follow from the time."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, count * width)
        self._count = count

    def forward(self, x: Tensor, time: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        return _normed(x), self.linear(functional.silu(time))[:, None].chunk(self._count, dim=-1)


def _normed(x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], eps=_EPSILON)


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x: Tensor, turns: Tensor, sees: Tensor) -> Tensor:
        asked, keys = (_turned(project(x), turns) for project in (self.to_q, self.to_k))
        q, k, v = (part.unflatten(-1, (self._heads, -1)).transpose(1, 2) for part in (asked, keys, self.to_v(x)))
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=sees)
        out: Tensor = self.to_out[0](found.transpose(1, 2).flatten(-2))
        return out


def _turned(x: Tensor, turns: Tensor) -> Tensor:
    """Turned by position, pairs of numbers side by side: of the first head alone, for so the network was taught."""
    turned, rest = x[..., : turns.shape[-1]], x[..., turns.shape[-1] :]
    even, odd = turned.unflatten(-1, (-1, 2)).unbind(-1)
    across = torch.stack([-odd, even], dim=-1).flatten(-2)
    return torch.cat([turned * turns.cos() + across * turns.sin(), rest], dim=-1)


class _Forward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        grow = nn.Sequential(nn.Linear(width, inner), nn.GELU(approximate="tanh"))
        self.ff = nn.Sequential(grow, nn.Identity(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.ff(x)
        return out


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attn_norm = _Led(width, 6)
        self.attn = _Attention(width, heads)
        self.ff = _Forward(width, inner)

    def forward(self, x: Tensor, time: Tensor, turns: Tensor, sees: Tensor) -> Tensor:
        normed, (shift, scale, gate, shift_2, scale_2, gate_2) = self.attn_norm(x, time)
        x = x + gate * self.attn(normed * (1 + scale) + shift, turns, sees)
        told: Tensor = x + gate_2 * self.ff(_normed(x) * (1 + scale_2) + shift_2)
        return told


class _Rotary(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", torch.empty(width // 2))

    def forward(self, count: int) -> Tensor:
        angles = torch.arange(count, device=self.inv_freq.device).float()[:, None] * self.inv_freq
        return angles.repeat_interleave(2, dim=-1)


class Estimator(nn.Module):
    """The DiT."""

    def __init__(self, width: int, depth: int, head: int, inner: int) -> None:
        """`depth`: how many layers it has; `head`, `inner`: how wide a head and the middle of a layer are."""
        super().__init__()
        self.time_embed = _Time(width)
        self.input_embed = _Input(width)
        self.rotary_embed = _Rotary(head)
        self.transformer_blocks = nn.ModuleList([_Block(width, width // head, inner) for _ in range(depth)])
        self.norm_out = _Led(width, 2)
        self.proj_out = nn.Linear(width, BANDS)

    def forward(self, x: Tensor, time: Tensor, recording: Tensor, said: Tensor, speaker: Tensor) -> Tensor:
        time = self.time_embed(time)
        x = self.input_embed(x, recording, said, speaker)
        turns = self.rotary_embed(x.shape[1])
        block = torch.arange(x.shape[1], device=x.device) // (BLOCK_CODES * FRAMES_A_CODE)
        sees = block[:, None] >= block
        for layer in self.transformer_blocks:
            x = layer(x, time, turns, sees)
        normed, (scale, shift) = self.norm_out(x, time)
        out: Tensor = self.proj_out(normed * (1 + scale) + shift)
        return out


class _Decoder(nn.Module):
    def __init__(self, estimator: nn.Module) -> None:
        super().__init__()
        self.estimator = estimator


class _Lookahead(nn.Module):
    """Lets codes know those that come."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, channels, AHEAD + 1)
        self.conv2 = nn.Conv1d(channels, BANDS, 3)

    def forward(self, x: Tensor, coming: Tensor) -> Tensor:
        wide = torch.cat([x, coming], dim=1).transpose(1, 2)
        wide = functional.pad(wide, (0, AHEAD - coming.shape[1]))
        led = self.conv2(functional.pad(functional.leaky_relu(self.conv1(wide)), (2, 0)))
        told: Tensor = led.transpose(1, 2) + x
        return told


class Flow(nn.Module):
    """Makes bands of codes, behind those of a recording."""

    def __init__(self, codes: int, who: int, ahead: int, estimator: nn.Module) -> None:
        super().__init__()
        self.input_embedding = nn.Embedding(codes, BANDS)
        self.spk_embed_affine_layer = nn.Linear(who, BANDS)
        self.pre_lookahead_layer = _Lookahead(ahead)
        self.decoder = _Decoder(estimator)

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> Self:
        """A network with these weights, by the names that they are published by; it is as large as they are.

        Raises `KeyError` and `RuntimeError` for weights of something else.
        """
        dit = "decoder.estimator."
        depth = 1 + max((int(n.split(".")[3]) for n in weights if n.startswith(f"{dit}transformer_blocks.")), default=0)
        width, head = len(weights[f"{dit}input_embed.proj.weight"]), 2 * len(weights[f"{dit}rotary_embed.inv_freq"])
        inner = len(weights[f"{dit}transformer_blocks.0.ff.ff.0.0.weight"])
        who = weights["spk_embed_affine_layer.weight"].shape[1]
        codes, ahead = len(weights["input_embedding.weight"]), len(weights["pre_lookahead_layer.conv1.weight"])
        with torch.device("meta"):  # no time is lost on weights that are thrown away
            made = cls(codes, who, ahead, Estimator(width, depth, head, inner))
        made.load_state_dict(dict(weights), assign=True)
        made.eval()
        return made

    def bands(
        self, speaker: Mapping[str, Any], codes: Sequence[int], noise: Tensor, steps: int, *, last: bool
    ) -> Tensor:
        """Mel bands of the codes, shape (1, bands, frames): without the last `AHEAD` codes unless nothing follows."""
        device = noise.device
        token = torch.cat([speaker["prompt_token"], torch.tensor([codes], device=device)], dim=1)
        told = self.input_embedding(token)
        known = told.shape[1] if last else told.shape[1] - AHEAD
        said = self.pre_lookahead_layer(told[:, :known], told[:, known:]).repeat_interleave(FRAMES_A_CODE, dim=1)
        recording = torch.zeros_like(said)
        before = speaker["prompt_feat"].shape[1]
        recording[:, :before] = speaker["prompt_feat"]
        who = self.spk_embed_affine_layer(functional.normalize(speaker["embedding"], dim=1))
        x = noise[:, :, : said.shape[1]].transpose(1, 2)
        return self._flowed(x, steps, recording, said, who)[:, before:].transpose(1, 2)

    def _flowed(self, x: Tensor, steps: int, *told: Tensor) -> Tensor:
        """The flow with, and to be kept away from without, what it is told (classifier-free guidance)."""
        times = 1 - torch.cos(torch.linspace(0, 1, steps + 1, device=x.device) * 0.5 * torch.pi)
        both = [torch.cat([part, torch.zeros_like(part)]) for part in told]
        for begin, end in pairwise(times):
            led, unled = self.decoder.estimator(x.repeat(2, 1, 1), begin.repeat(2), *both)
            x = x + (end - begin) * ((1 + _GUIDANCE) * led - _GUIDANCE * unled)
        return x
