"""The report and the data card: their figures are those of the clips, and nothing of a clip becomes markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from parley.errors import UsageError
from parley.train import report
from parley.train.clips import Clip
from parley.train.report import Report
from parley.train.settings import Settings

CLIP = Clip(id="1", source="talks", audio="/a.wav", digest="d", licence="CC0-1.0", consent="given", language="te",
            speaker="ann", split="train", end_s=30.0, text="words",
            scores={"snr_db": 20.0, "agreement": 0.9})  # fmt: skip
CLIPS = [
    CLIP,
    replace(CLIP, id="2", audio="/b.wav", end_s=60.0, speaker="bob", split="held-out"),
    replace(CLIP, id="3", refused=("too noisy", "too short"), end_s=6.0, text="<b>loud</b>"),
    replace(CLIP, id="4", refused=("the same as 1",)),
    replace(CLIP, id="5", refused=("the same as 2",)),
]
FOUND = Report(Path("work"), Settings(), {"filter": CLIPS[:3], "speakers": CLIPS})


def test_copies_are_one_reason_and_a_clip_counts_for_each_of_its_reasons() -> None:
    found = {reason: [clip.id for clip in bad] for reason, bad in report.refusals(CLIPS).items()}
    assert found == {"the same as another": ["4", "5"], "too noisy": ["3"], "too short": ["3"]}


def test_the_card_has_hours_licences_and_speakers_of_what_is_kept() -> None:
    card = report.card(FOUND)
    assert "Clips: 2; minutes: 1.5; speakers: 2; languages: te." in card
    assert "| talks | CC0-1.0 | given | te | 2 | 2 | 1.5 |" in card
    assert card.index("| bob | held-out | 1 | 1.0 |") < card.index("| ann | train | 1 | 0.5 |")
    assert "| the same as another | 2 | 1.0 |" in card
    assert "`moonshine-tiny-en` heard, compared with `whisper-base`" in card


def test_a_cell_of_the_card_cannot_end_early() -> None:
    card = report.card(replace(FOUND, steps={"speakers": [replace(CLIP, consent="given | not")]}))
    assert "given \\| not" in card


def test_the_page_shows_steps_plots_and_what_was_refused() -> None:
    page = report.page(FOUND)
    assert page.count("<svg") == 3
    assert "2 of 5 clips, 1.5 minutes" in page
    assert '<th scope="row">filter</th><td>3</td><td>2</td><td>1.5</td>' in page
    assert "&lt;b&gt;loud&lt;/b&gt;" in page
    assert "<b>loud" not in page
    assert "<script" not in page


def test_a_set_in_which_nothing_is_left_has_a_report_too() -> None:
    nothing = replace(FOUND, steps={"speakers": CLIPS[2:]})
    assert "0 of 3 clips" in report.page(nothing)
    assert "Clips: 0; minutes: 0.0; speakers: 0; languages: none." in report.card(nothing)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run has ended here"):
        report.of(tmp_path)
