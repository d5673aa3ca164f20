"""``parley bench``."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from parley.audio.pcm import Float32, to_float
from parley.audio.resample import resample
from parley.bench import html_report, plots, runner
from parley.bench import report as reports
from parley.bench import scenario as scenarios
from parley.bench.corpus import Materials
from parley.bench.pause_editor import borders_inside_sentences_s
from parley.bench.runner import How, Run
from parley.bench.score import Understand
from parley.cli import bench_turns, local
from parley.cli.bench_server import facts, go_before_the_server, progress, server, tell
from parley.cli.serve import run
from parley.cli.terminal import errors, out, show_rows
from parley.client.connection import RATE_HZ
from parley.conversation.offline import transcribe_utterance
from parley.errors import UnavailableError, UsageError
from parley.models.interfaces import Caller, SpeakingStyle

_VOICE = "piper-en-us-joe"
_QUESTIONS = (
    "What is the capital of France?",
    "Could you tell me, if you know, how far away the moon is?",
    "Who wrote the book about the white whale, and when was it written?",
    "Tell me something about the weather in the mountains.",
)


def bench(
    url: Annotated[str | None, typer.Argument(help="Server; without it one is started for the run")] = None,
    clips: Annotated[
        Path | None,
        typer.Option("--clips", "-c", envvar="PARLEY_CLIPS", help="Folder of recordings with a manifest.json"),
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(help="Folder of recordings with labelled turn ends and pauses: whose pauses are taken, who waits"),
    ] = None,
    dialogue: Annotated[
        Path | None,
        typer.Option(help="Folder of two-channel recordings: one is said, what the server did on the other is kept"),
    ] = None,
    into: Annotated[Path | None, typer.Option("--out", help="With --dialogue: folder for what comes of it")] = None,
    eagerness: Annotated[
        str | None,
        typer.Option(help="With --labelled: settings that make the curve, low,auto,high; --dialogue: one, auto"),
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--scenario", "-s", help="Only these scenarios")] = None,
    own: Annotated[list[Path] | None, typer.Option("--scenarios", help="Further scenario file (YAML)")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the scenarios and stop")] = False,
    callers: Annotated[str, typer.Option(help="Calls at once; several numbers, with commas, make a series")] = "1",
    turns: Annotated[int, typer.Option(min=1, help="Calls of each scenario (0 < N); variants follow recordings")] = 12,
    everything: Annotated[bool, typer.Option("--all", help="Every variant of every scenario")] = False,
    arrival: Annotated[runner.Arrival, typer.Option(help="All callers at once, or spread over 3 s")] = "spread",
    duration: Annotated[float | None, typer.Option(help="Soak: go on for so many seconds")] = None,
    stock: Annotated[bool, typer.Option(help="As a stock client, without extensions")] = False,
    webrtc: Annotated[bool, typer.Option("--webrtc", help="Call over WebRTC instead of a WebSocket")] = False,
    answer_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, tokens")] = 32,
    scorer: Annotated[
        str, typer.Option(help="Recogniser that writes down what was played; 'none' leaves that out")
    ] = "whisper-base",
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output")] = False,
    html: Annotated[Path | None, typer.Option(help="The report as a page with plots")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="PARLEY_API_KEY", help="Key of the server")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Measure a server of the Realtime protocol with simulated callers: latency, turn-taking, cost.

    Examples:

      parley bench --clips recordings/ --html report.html

      parley bench ws://localhost:8000 -c recordings/ -s plain-question -s pauses --turns 60

      parley bench ws://localhost:8000 -c recordings/ -s plain-question --callers 1,5,10 --json

      parley bench --labelled recordings/ --all --callers 2 --html curve.html

      parley bench --dialogue calls/ --out answers/ --all
    """
    known = [*scenarios.shipped(), *(s for path in own or () for s in scenarios.read(path))]
    if listing:
        for entry in known:
            out.print(f"[bold]{entry.name}[/]  {entry.about}", highlight=False, soft_wrap=True)
        return
    unknown = set(only or ()) - {s.name for s in known}
    if unknown:
        raise UsageError(f"no scenario {', '.join(sorted(unknown))}; --list shows them")
    chosen = [s for s in known if not only or s.name in only]
    counts = _numbers(callers)
    for target in filter(None, [html]):
        if not target.parent.exists():
            raise UsageError(f"the folder {target.parent} does not exist")
        plots.library()  # it is missed before the run, not behind it
    limit = None if everything else turns
    if labelled is not None and dialogue is not None:
        raise UsageError("--labelled and --dialogue are two runs")
    if labelled is not None:
        settings = eagerness or "low,auto,high"
        bench_turns.measure(url, labelled, settings, limit, counts[0], api_key, html, as_json=as_json, quiet=quiet)
        return
    if dialogue is not None:
        bench_turns.converse(
            url, dialogue, into, eagerness or "auto", limit, counts[0], api_key, scorer, html, as_json=as_json,
            quiet=quiet,
        )  # fmt: skip
        return
    if clips is not None and not clips.is_dir():
        raise UsageError(f"--clips: {clips} is no folder")
    how = {"exact": not stock, "webrtc": webrtc, "arrival": arrival, "api_key": api_key, "answer_tokens": answer_tokens,
           "duration_s": duration}  # fmt: skip
    found = run(_bench(url, clips, chosen, counts, limit, scorer, how, quiet=quiet))
    report = reports.report(found, chosen)
    told = facts(url, clips.name if clips else "synthetic questions")
    page = partial(html_report.page, report, "parley bench", told)
    tell({"facts": told, **report}, page, html, partial(_show, report), as_json=as_json)
    if not any(not r.void for f in found for r in f.results):
        raise UnavailableError(
            f"no call came to anything: {found[0].results[0].void if found[0].results else 'no cases'}"
        )


def _numbers(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError as fault:
        raise UsageError(f"--callers '{text}' is not a number or a list of them") from fault
    if min(counts) < 1:
        raise UsageError("--callers must be at least 1")
    return counts


async def _bench(
    url: str | None, clips: Path | None, chosen: list[scenarios.Scenario], counts: list[int], turns: int | None,
    scorer: str, how: dict[str, Any], *, quiet: bool,
) -> list[Run]:  # fmt: skip
    if (task := asyncio.current_task()) is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # as Ctrl-C: no server stays behind
    go_before_the_server()
    say = await _voice(chosen, quiet=quiet)
    materials = await asyncio.to_thread(_materials, clips, say)
    entries = [(e, materials.seconds(e)) for e in materials.entries]
    cases = [c for s in chosen for c in scenarios.cases([s], entries)[:turns]]
    if not cases:
        raise UsageError("no recording fits these scenarios (language, length)")
    understand = None if scorer == "none" else await _scorer(scorer, quiet=quiet)
    if understand is not None:
        await _find_borders(cases, materials, understand)
    runs: list[Run] = []
    async with server(url) as (address, pid):
        for count in counts:
            with progress(len(cases), f"{count} caller(s)", quiet=quiet) as step:
                runs.append(
                    await runner.run(
                        cases, materials, How(address, count, pid=pid, **how), understand, lambda _: step()
                    )
                )
            if runs[-1].broken_off:
                errors.print("broken off: the report covers the calls until here", highlight=False)
                break
    return runs


async def _find_borders(cases: list[scenarios.Case], materials: Materials, understand: Understand) -> None:
    """Where pauses may be put into the recordings; one without any such place is left out of those scenarios."""
    paused = [c for c in cases if any(step.pauses_s for step in c.scenario.steps)]
    for entry in {c.clip.file: c.clip for c in paused}.values():
        materials.borders[entry.file] = await borders_inside_sentences_s(
            materials.clip(entry), RATE_HZ, entry.transcript, understand
        )
    cases[:] = [c for c in cases if c not in paused or materials.borders[c.clip.file]]


def _materials(clips: Path | None, say: Any) -> Materials:
    if clips is not None:
        return Materials(clips, scenarios.manifest(clips), say)
    entries = [scenarios.ClipEntry(f"question-{i}", text, speaker="synthetic") for i, text in enumerate(_QUESTIONS, 1)]
    return Materials(None, entries, say, {e.file: say(e.transcript) for e in entries})


async def _voice(chosen: list[scenarios.Scenario], *, quiet: bool) -> Any:
    """The injected voice, with everything said beforehand that these scenarios ask of it."""
    synthesizer = await local.load_model(_VOICE, "tts", quiet=quiet)
    said: dict[str, Float32] = {}

    words = {w for s in chosen for step in s.steps for w in step.words or ()}
    for text in sorted(words | set(_QUESTIONS)):
        chunks = [c.samples async for c in synthesizer.synthesize(text, SpeakingStyle(), Caller("bench"))]
        said[text] = resample(to_float(np.concatenate(chunks)), synthesizer.rate_hz, RATE_HZ)
    synthesizer.close()
    return said.__getitem__


async def _scorer(name: str, *, quiet: bool) -> Understand:
    recognizer = await local.load_model(name, "asr", quiet=quiet)

    async def understand(samples: Float32) -> str:
        words = await transcribe_utterance(recognizer, samples, "en", Caller("bench"))
        return words.text

    return understand


def _show(report: dict[str, Any]) -> None:
    head = ("scenario", "calls", "voice to voice", "missed", "taken over", "stop", "history", "resumed", "hole",
            "underrun", "WER in", "WER out", "errors")  # fmt: skip
    rows = [
        html_report.scenario_row(found)
        for found in (*report["scenarios"].values(), {"title": "All", **report["overall"]})
    ]
    show_rows(head, rows)
    for why, calls in report["overall"].get("why_void", {}).items():
        out.print(f"{calls} void: {why}", highlight=False)
    for load in report["loads"]:
        server = load["server"]
        cost = f", server {server['cpu_s_per_minute']} CPU s/min, {server['pss_mb_last']} MB" if server else ""
        if load["prepared"]["used"]["n"]:
            cost += f", prepared answers used {html_report.share(load['prepared']['used'])}"
        out.print(f"{load['callers']} caller(s): voice to voice {html_report.time(load['voice_to_voice_ms'])} ms{cost}",
                  highlight=False)  # fmt: skip
        if changed := html_report.over_time(load):
            out.print(f"  first to last quarter of the run: {changed}", highlight=False)
