"""Where a voice is heard between left and right."""

from __future__ import annotations

import numpy as np

from parley.audio.pcm import Int16


def placed(samples: Int16, place: float) -> Int16:
    """Both channels, shape (samples, 2); `place` from -1 (left) to 1 (right).

    In the middle each channel has all of it, so that one who listens to a single voice hears it as in mono.
    """
    gains = min(1.0, 1.0 - place), min(1.0, 1.0 + place)
    both: Int16 = np.rint(samples[:, None] * np.array(gains, np.float32)).astype(np.int16)
    return both
