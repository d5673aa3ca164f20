"""Plots of reports."""

from __future__ import annotations

from xml.etree import ElementTree

from parley.bench import plots


def test_a_picture_is_an_svg_file_that_needs_no_page_around_it() -> None:
    figure = plots.lines("Waits", [("one", [(0.0, 1.0), (1.0, 2.0)])], "ms", "%", points=True)
    picture = plots.picture(figure)
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert "currentColor" not in picture
