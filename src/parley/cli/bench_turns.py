"""``parley bench --labelled`` and ``--dialogue``: how long finished speakers wait, against whose pauses are taken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from parley.audio import files
from parley.bench import curve, dialogue, html_report, labelled
from parley.cli import local
from parley.cli.bench_server import facts, go_before_the_server, progress, server, tell
from parley.cli.serve import run
from parley.cli.terminal import errors, out, show_rows
from parley.conversation.offline import at_once, transcribe_recording
from parley.errors import UsageError
from parley.models.interfaces import MODEL_RATE_HZ, Caller, Guidance, Recognizer
from parley.turns.settings import Eagerness


def measure(
    url: str | None, folder: Path, eagerness: str, limit: int | None, callers: int, api_key: str | None,
    html: Path | None, *, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Say the recordings at each eagerness and show the curve. `limit`: so many of each kind; None: all."""
    settings = _settings(eagerness)
    entries = labelled.some(labelled.manifest(folder), limit)
    found = run(_measure(url, folder, entries, settings, callers, api_key, quiet=quiet))
    report = curve.report(found)
    told = facts(url, f"{len(entries)} of {folder.name}")
    page = partial(html_report.curve_page, report, "Waits and pauses", told)
    tell({"facts": told, **report}, page, html, partial(_show, report), as_json=as_json)


def converse(
    url: str | None, folder: Path, into: Path | None, eagerness: str, limit: int | None, callers: int,
    api_key: str | None, scorer: str, html: Path | None, *, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Say each party of the conversations, and write what the server did. `limit`: so many of them; None: all."""
    settings = _settings(eagerness)
    if len(settings) > 1:
        raise UsageError("--dialogue is said at one --eagerness")
    if into is None:
        raise UsageError("--dialogue needs --out, a folder for what comes of it")
    if into.resolve() == folder.resolve():
        raise UsageError("--out is the folder of the recordings; name another one")
    sides = dialogue.sides(folder)
    names = list(dict.fromkeys(s.conversation for s in sides))[:limit]
    sides = [s for s in sides if s.conversation in names]
    into.mkdir(parents=True, exist_ok=True)
    found = run(_converse(url, folder, into, sides, settings[0], callers, api_key, scorer, quiet=quiet))
    told = facts(url, f"{len(sides)} sides of {folder.name}")
    report = {"facts": told, **curve.report({settings[0]: [a.heard for a in found]}),
              "sides": [a.to_json() for a in found]}  # fmt: skip
    for name, value in (("report", report), ("predictions", dialogue.predictions(found))):
        (into / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    page = partial(html_report.curve_page, report, "Conversations", told)
    tell(report, page, html, partial(_show, report), as_json=as_json)
    if not as_json:
        errors.print(f"wrote {into}", highlight=False)


async def _converse(
    url: str | None, folder: Path, into: Path, sides: Sequence[dialogue.Side], eagerness: Any, callers: int,
    api_key: str | None, scorer: str, *, quiet: bool,
) -> list[dialogue.Answered]:  # fmt: skip
    recognizer = None if scorer == "none" else await local.load_model(scorer, "asr", quiet=quiet)
    if recognizer is not None and "word_times" not in recognizer.guided_by:
        raise UsageError(f"--scorer {scorer} does not tell when words were said; use whisper-base, or none")
    go_before_the_server()
    async with server(url) as (address, _):
        with progress(len(sides), "conversations", quiet=quiet) as step:
            found = await dialogue.run(
                sides, folder, into, address, eagerness, callers=callers, api_key=api_key, on_result=step
            )
    if recognizer is not None:  # asked behind the run: it would take the processors from it
        with progress(len(found), "words", quiet=quiet) as step:
            await _write_words([a.side for a in found if a.seconds], into, recognizer, step, quiet=quiet)
    return found


async def _write_words(
    sides: Sequence[dialogue.Side], into: Path, recognizer: Recognizer, step: Callable[[], None], *, quiet: bool
) -> None:
    vad = await local.load_model("silero-vad", "vad", quiet=quiet)
    for side in sides:
        samples = files.read_float(into / side.place / f"{side.output}.wav", MODEL_RATE_HZ)
        said = transcribe_recording(
            vad, recognizer, at_once(samples), side.entry.language, Caller("bench"), Guidance(word_times=True)
        )
        dialogue.write_words(side, into, [word async for heard in said for word in heard.words])
        step()


def _settings(eagerness: str) -> list[str]:
    settings = [name.strip() for name in eagerness.split(",")]
    if unknown := [name for name in settings if name not in get_args(Eagerness)]:
        raise UsageError(f"--eagerness '{unknown[0]}' is none of {', '.join(get_args(Eagerness))}")
    return settings


async def _measure(
    url: str | None, folder: Path, entries: Sequence[labelled.Entry], settings: Sequence[str], callers: int,
    api_key: str | None, *, quiet: bool,
) -> dict[str, list[labelled.Heard]]:  # fmt: skip
    go_before_the_server()
    found: dict[str, list[labelled.Heard]] = {}
    async with server(url) as (address, _):
        for name in settings:
            with progress(len(entries), f"eagerness {name}", quiet=quiet) as step:

                async def said(*_: object, step: Callable[[], None] = step) -> None:
                    step()

                found[name] = await labelled.run(
                    entries, folder, address, name, callers=callers, api_key=api_key,  # type: ignore[arg-type]
                    on_result=said,
                )  # fmt: skip
    return found


def _show(report: dict[str, Any]) -> None:
    head = ("eagerness", *report["curve"])
    show_rows(head, html_report.curve_rows(report))
    reasons = Counter(h["void"] for found in report["recordings"].values() for h in found if h["void"])
    for why, count in reasons.most_common():
        out.print(f"{count} void: {why}", highlight=False)
