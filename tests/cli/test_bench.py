"""What a terminal shows of a report."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from parley.cli import terminal

HEAD = ("scenario", "calls", "voice to voice", "missed")
ROWS = [("Plain question", "10 (+4 void)", "765 / 1982 [630, 1160]", "–"), ("All", "10", "765", "0.0 % (0/10)")]


@pytest.mark.parametrize(("width", "lines"), [(120, 3), (60, 7), (40, 7)])
def test_every_figure_can_be_read_however_narrow_the_terminal_is(
    width: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=text, width=width))
    terminal.show_rows(HEAD, ROWS)
    shown = text.getvalue()
    assert len(shown.splitlines()) == lines
    assert all(len(line) <= width for line in shown.splitlines())
    assert all(cell in shown for row in ROWS for cell in row if cell != "–")
