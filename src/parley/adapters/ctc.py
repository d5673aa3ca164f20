"""Connectionist temporal classification (Graves et al., 2006): what is written, and when each letter of a text is said.

Scores are natural logarithms of likelihoods, shape (frames, tokens); one token, the blank, is no letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """A token, and the frames that it was heard in: `end` is the first one behind it."""

    token: int
    begin: int
    end: int
    score: float
    """Mean over its frames."""


def likeliest(scores: Scores, blank: int) -> list[Span]:
    """The likeliest token of each frame; neighbours that are the same are one."""
    return _spans(scores, scores.argmax(axis=1), blank)


def aligned(scores: Scores, tokens: Sequence[int], blank: int) -> list[Span] | None:
    """A span for each of `tokens`, along the likeliest path through all of them (Viterbi); None where there are fewer
    frames than the tokens need."""
    if not tokens:
        return []
    written = np.full(2 * len(tokens) + 1, blank)
    written[1::2] = tokens
    places = len(written)
    skips = np.zeros(places, bool)
    skips[3::2] = written[3::2] != written[1:-2:2]
    """From one letter to the next without a blank: only where they differ."""
    if len(scores) < len(tokens) + int(np.sum(~skips[3::2])):
        return None
    best = np.full(places, -np.inf)
    best[:2] = scores[0, written[:2]]
    came = np.zeros((len(scores), places), np.int8)
    for frame in range(1, len(scores)):
        stay = best
        step = np.concatenate([[-np.inf], best[:-1]])
        skip = np.where(skips, np.concatenate([[-np.inf, -np.inf], best[:-2]]), -np.inf)
        ways = np.stack([stay, step, skip])
        came[frame] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores[frame, written]
    place = places - 1 if best[-1] >= best[-2] else places - 2
    path = np.empty(len(scores), np.int64)
    for frame in range(len(scores) - 1, -1, -1):
        path[frame] = place
        place -= int(came[frame, place])
    spans = []
    for number, token in enumerate(tokens):
        frames = np.flatnonzero(path == 2 * number + 1)
        score = float(scores[frames, token].mean())
        spans.append(Span(int(token), int(frames[0]), int(frames[-1]) + 1, score))
    return spans


def _spans(scores: Scores, path: npt.NDArray[np.int64], blank: int) -> list[Span]:
    edges = np.flatnonzero(np.diff(path, prepend=-1, append=-1))
    return [
        Span(int(path[begin]), int(begin), int(end), float(scores[begin:end, path[begin]].mean()))
        for begin, end in pairwise(edges)
        if path[begin] != blank
    ]
