"""Linear heads on what an encoder makes of the last moments."""

from __future__ import annotations

import numpy as np
import pytest

from parley.adapters.turn_head import Head, head_of, last_means


@pytest.mark.parametrize(
    ("seen", "probability"), [([0.0, 0.0], 0.5), ([1.0, 0.0], 0.7311), ([0.0, 1.0], 0.1192), ([500.0, 0.0], 1.0)]
)
def test_the_log_odds_are_a_weighted_sum(seen: list[float], probability: float) -> None:
    head = Head(bias=0.0, weights=[1.0, -2.0])
    assert head.probability(np.array(seen, np.float32)) == pytest.approx(probability, abs=1e-4)


def test_the_bias_counts() -> None:
    assert Head(bias=1.0, weights=[0.0]).probability(np.zeros(1, np.float32)) == pytest.approx(0.7311, abs=1e-4)


def test_only_models_that_one_was_fitted_for_have_a_head() -> None:
    assert head_of("moonshine-base-en") is None
    widths = {name: len(head.weights) for name in ("smart-turn-v3", "moonshine-tiny-en") if (head := head_of(name))}
    assert widths == {"smart-turn-v3": 2 * 384 + 1, "moonshine-tiny-en": 2 * 288}


def test_averages_are_over_the_last_frames_also_where_there_are_fewer() -> None:
    frames = np.array([[1.0, 0.0], [2.0, 4.0], [3.0, 8.0]], np.float32)
    assert last_means(frames, (1, 2)).tolist() == [3.0, 8.0, 2.5, 6.0]
    assert last_means(frames, (9,)).tolist() == [2.0, 4.0]
