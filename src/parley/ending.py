"""The end of a process that was told to end: it comes in time, whatever hangs."""

from __future__ import annotations

import faulthandler
import os
import sys

ENDS_S = 15.0
"""How long closing connections and models may take; in order, it takes two or three seconds."""


def end_within(seconds: float) -> None:
    """Have this process end with status 1 in `seconds`, unless it has ended by then.

    It is C's own thread that waits, so that neither a model's native code nor the interpreter's last steps can stop
    it. Where each thread stood goes to standard error: that says what was in the way.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.stderr or open(os.devnull, "w"))  # noqa: SIM115
