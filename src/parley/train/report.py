"""What a data set is made of: as a page that one looks at, and as a data card that goes with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import msgspec
from pydantic import ValidationError

from parley.bench import plots
from parley.bench.document import document, items, table
from parley.errors import UsageError
from parley.train import clips
from parley.train.clips import CLIPS, Clip
from parley.train.duplicates import COPY
from parley.train.runner import ENDED, Ended, steps_until
from parley.train.settings import Settings

_EXAMPLES = 5
"""Clips that are shown for each reason of a refusal."""
_Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What the steps of a folder of work found; `clips` are those of the last step, refused ones among them."""

    work: Path
    settings: Settings
    steps: dict[str, list[Clip]]
    complete: bool = True
    """Whether all steps were run: only then is there a data set, and a card of it."""

    @property
    def clips(self) -> list[Clip]:
        """Those of the last step that keeps what is refused."""
        return next(reversed(self.steps.values()))

    @property
    def kept(self) -> list[Clip]:
        """What belongs to the data set."""
        return [clip for clip in self.clips if not clip.refused]


def of(work: Path) -> Report:
    """The report on a folder in which a run has ended; raises `UsageError`."""
    try:
        ended = msgspec.json.decode((work / ENDED).read_bytes(), type=Ended)
        settings = Settings.model_validate(ended.settings)
    except (OSError, msgspec.MsgspecError, ValidationError):
        raise UsageError(f"{work}: no run has ended here; run parley train run SOURCES --work {work}") from None
    names = [step.name for step in steps_until(ended.until) if step.name != "manifest"]
    found = {name: clips.read(work / name / CLIPS) for name in names}
    return Report(work, settings, found, complete=ended.until not in found)


def whole(work: Path) -> Report:
    """The report on a folder that has a data set; raises `UsageError`."""
    found = of(work)
    if not found.complete:
        raise UsageError(f"{work}: the last run stopped before the data set; run parley train run without --until")
    return found


def refusals(found: Iterable[Clip]) -> dict[str, list[Clip]]:
    """Clips by why they are refused, a clip with two reasons under both; all copies are one reason."""
    by: dict[str, list[Clip]] = defaultdict(list)
    for clip in found:
        for reason in clip.refused:
            by[f"{COPY}another" if reason.startswith(COPY) else reason].append(clip)
    return dict(sorted(by.items()))


def page(found: Report) -> str:
    """The report as HTML in one file; raises `UsageError` where what draws plots is not installed."""
    kept = found.kept
    facts = {"folder": str(found.work), "kept": f"{len(kept)} of {len(found.clips)} clips, {_minutes(kept)} minutes"}
    parts = [
        "<h2>Step by step</h2>",
        table(("step", "clips", "kept", "minutes kept"), _step_rows(found)),
        "<h2>What was refused</h2>",
        table(("reason", "clips", "minutes"), _refusal_rows(found)),
        *(part for reason, bad in refusals(found.clips).items() for part in _examples(reason, bad)),
        "<h2>What was kept</h2>",
        plots.histogram("Length", [clip.seconds for clip in kept], "s", 1, "clips"),
        plots.histogram("Level above the noise", _scores(kept, "snr_db"), "dB", 5, "clips"),
        plots.histogram("Agreement of the recognisers", _scores(kept, "agreement"), "", 0.02, "clips"),
        table(_SPEAKER_HEAD, _speaker_rows(kept), "Speakers"),
        table(_SOURCE_HEAD, _source_rows(kept), "Sources"),
    ]
    return document("parley train", facts, parts)


def card(found: Report) -> str:
    """The data card, Markdown: what is in the set, whose it is, how it was made, what to know before using it."""
    kept, settings = found.kept, found.settings
    first, *others = settings.transcribe.models
    languages = ", ".join(sorted({clip.language for clip in kept})) or "none"
    made = [
        f"Utterances were cut by `{settings.segment.vad}`.",
        f"The text is what `{first}` heard"
        + (f", compared with {', '.join(f'`{name}`' for name in others)}." if others else ", and nothing checked it."),
        f"Clips were refused below {settings.filter.shortest_s} s, above {settings.filter.longest_s} s, below "
        f"{settings.filter.least_snr_db} dB above the noise, and below {settings.filter.least_agreement} of agreement.",
        f"Speakers without a name in the source list were told apart by `{settings.embed.encoder}`: "
        "a person may have two names, and two people one.",
        "No text was checked by a person. Neither profanity nor personal data was looked for.",
    ]
    return "\n".join([
        "# Data card", "",
        f"Clips: {len(kept)}; minutes: {_minutes(kept)}; speakers: {len({clip.speaker for clip in kept})}; "
        f"languages: {languages}.", "",
        "## Sources", "", *_markdown(_SOURCE_HEAD, _source_rows(kept)), "",
        "## Speakers", "", *_markdown(_SPEAKER_HEAD, _speaker_rows(kept)), "",
        "## Refused", "", *_markdown(("reason", "clips", "minutes"), _refusal_rows(found)), "",
        "## How it was made", "", *(f"- {line}" for line in made), "",
    ])  # fmt: skip


def _step_rows(found: Report) -> list[_Row]:
    return [(name, str(len(all_)), str(len(kept)), _minutes(kept)) for name, all_ in found.steps.items()
            for kept in [[clip for clip in all_ if not clip.refused]]]  # fmt: skip


def _refusal_rows(found: Report) -> list[_Row]:
    return [(reason, str(len(bad)), _minutes(bad)) for reason, bad in refusals(found.clips).items()]


_SPEAKER_HEAD = ("speaker", "for", "clips", "minutes")
_SOURCE_HEAD = ("source", "licence", "consent", "language", "recordings", "clips", "minutes")


def _speaker_rows(kept: Sequence[Clip]) -> list[_Row]:
    groups = _grouped(kept, lambda clip: (clip.speaker or "not known", clip.split))
    return [(*key, str(len(group)), _minutes(group)) for key, group in groups]


def _source_rows(kept: Sequence[Clip]) -> list[_Row]:
    groups = _grouped(kept, lambda clip: (clip.source, clip.licence, clip.consent, clip.language))
    return [(*key, str(len({clip.audio for clip in group})), str(len(group)), _minutes(group)) for key, group in groups]


def _grouped(kept: Iterable[Clip], key: Callable[[Clip], _Row]) -> list[tuple[_Row, list[Clip]]]:
    """Groups, the one that speaks longest first."""
    by: dict[_Row, list[Clip]] = defaultdict(list)
    for clip in kept:
        by[key(clip)].append(clip)
    return sorted(by.items(), key=lambda item: (-sum(clip.seconds for clip in item[1]), item[0]))


def _examples(reason: str, bad: Sequence[Clip]) -> list[str]:
    lines = (f"{escape(Path(c.audio).name)} at {c.start_s:.1f} s: {escape(c.text or 'no text')}" for c in bad)
    return [f"<h3>{escape(reason)}</h3>", items(line for line, _ in zip(lines, range(_EXAMPLES), strict=False))]


def _scores(kept: Iterable[Clip], name: str) -> list[float]:
    return [clip.scores[name] for clip in kept if name in clip.scores]


def _minutes(found: Iterable[Clip]) -> str:
    return f"{sum(clip.seconds for clip in found) / 60:.1f}"


def _markdown(head: _Row, rows: Iterable[_Row]) -> list[str]:
    """A table; what would end a cell is escaped."""
    cells = [head, ("---",) * len(head), *(tuple(c.replace("|", "\\|") for c in row) for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]
