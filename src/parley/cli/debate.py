"""``parley debate``: a spoken debate in the terminal."""

# Above 300 lines: a command has the options it has.
from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from parley.audio import files
from parley.audio.places import placed
from parley.cli import local
from parley.cli.inputs import sounds
from parley.cli.microphone import Devices
from parley.cli.outputs import check_output
from parley.cli.serve import run
from parley.cli.terminal import errors, out
from parley.cli.words import words
from parley.client.caller import RecordedCaller, load_clip
from parley.client.connection import RATE_HZ, Connection
from parley.client.statistics import summary
from parley.client.trust import Trust
from parley.config import Config
from parley.debate import format as formats
from parley.debate.export import FORMATS
from parley.debate.format import Format
from parley.errors import ParleyError, UnavailableError, UsageError
from parley.models import advice
from parley.models.catalogue import catalogue
from parley.models.store import Store

_FRAME = RATE_HZ // 50
_FIRST_WORD_S = 60.0


def debate(
    topic: Annotated[
        list[str], typer.Argument(help="What it is about; or 'formats', or 'check FILE...' for formats of your own")
    ],
    rules: Annotated[str, typer.Option("--format", "-f", help="Name of a format, or its YAML file")] = "debate",
    debaters: Annotated[
        list[str] | None,
        typer.Option("--debater", "-d", help="NAME:SIDE[,llm=MODEL][,voice=VOICE][,speed=X]; once for each"),
    ] = None,
    moderator: Annotated[str | None, typer.Option(help="NAME[,llm=MODEL][,voice=VOICE][,speed=X]")] = None,
    url: Annotated[str | None, typer.Option(help="Server; without it one is started for this debate")] = None,
    spectate: Annotated[bool, typer.Option("--spectate", help="Only listen: agents debate among themselves")] = False,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="FILE@SECONDS: a recording as your words, so long after the beginning"),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, max=180, help="After which it is closed")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the sound in stereo, each speaker at a place (wav)")
    ] = None,
    transcript: Annotated[
        Path | None, typer.Option("--transcript", "-t", help="Write what was said (md, json, srt, vtt)")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line for each speech and a summary")] = False,
    api_key: Annotated[str | None, typer.Option(envvar="PARLEY_API_KEY", help="Key of the server")] = None,
    ca: Annotated[Path | None, typer.Option(help="Certificate (PEM) that the server's is signed by")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Believe any certificate")] = False,
    light: Annotated[
        bool, typer.Option("--light", help="Argue with the tiny language model, bring no better one")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress")] = False,
) -> None:
    """Hold a spoken debate between agents, and step in when you like: by microphone, or with recordings.

    Examples:

      parley debate "Cats are better than dogs"

      parley debate "Cats are better than dogs" --spectate --minutes 3 --output cats.wav

      parley debate "Homework should be banned" --format oxford -d "Ada:for" -d "Ben:against,voice=espeak" --spectate

      parley debate "Cities without cars" --input question.wav@20 --json

      parley debate formats

      parley debate check my-format.yaml
    """
    if topic[0] == "formats" and len(topic) == 1:
        _show_formats()
        return
    if topic[0] == "check" and len(topic) > 1:
        _check([Path(name) for name in topic[1:]])
        return
    if not "".join(topic).strip():
        raise UsageError("TOPIC is empty: say what the debate is about")
    chosen = _format(rules)
    if output is not None:
        check_output(output, sound=True)
        if output.suffix.lower() != ".wav":
            raise UsageError(f"{output}: the sound of a debate is written as .wav")
    if transcript is not None:
        check_output(transcript, sound=False)
        if transcript.suffix.lower() not in FORMATS:
            raise UsageError(f"{transcript}: a transcript is {', '.join(FORMATS)}")
    clips = [_clip(given) for given in inputs or []]
    wanted: dict[str, Any] = {
        "topic": " ".join(topic), "format": rules if chosen is None else chosen.model_dump(mode="json"),
        "debaters": [_speaker(given, sided=True) for given in debaters or []], "minutes": minutes,
        "spectated": spectate and not clips,
    }  # fmt: skip
    if moderator is not None:
        wanted["moderator"] = _speaker(moderator, sided=False)
    by_microphone = not spectate and not clips
    how = _How(output, transcript, as_json, api_key, Trust(ca, insecure=insecure), quiet, by_microphone, light)
    run(_hold(url, wanted, clips, how))


@dataclass(frozen=True, slots=True)
class _How:
    output: Path | None
    transcript: Path | None
    as_json: bool
    api_key: str | None
    trust: Trust
    quiet: bool
    by_microphone: bool
    light: bool


def _show_formats() -> None:
    for one in formats.shipped().values():
        out.print(f"[bold]{one.name}[/]  {one.about}", highlight=False)


def _check(paths: list[Path]) -> None:
    faults = []
    for path in paths:
        try:
            found = formats.read(path)
        except UsageError as fault:
            faults.append(str(fault))
        else:
            out.print(f"{path}: '{found.title}' is a format", highlight=False)
    if faults:
        raise UsageError("\n".join(faults))


def _format(given: str) -> Format | None:
    """A format of somebody's own; None: the server knows it by its name."""
    if given in formats.shipped():
        return None
    if given.endswith((".yaml", ".yml")) or "/" in given:
        return formats.read(Path(given))
    formats.named(given)
    return None


def _speaker(given: str, *, sided: bool) -> dict[str, Any]:
    head, *rest = given.split(",")
    name, _, side = head.partition(":")
    if not name.strip() or (side and not sided):
        raise UsageError(f"'{given}' is not NAME{':SIDE' if sided else ''}[,llm=MODEL][,voice=VOICE][,speed=X]")
    made: dict[str, Any] = {"name": name.strip()}
    if side:
        made["side"] = side.strip()
    for option in rest:
        key, _, value = option.partition("=")
        field_name = {"llm": "model", "voice": "voice", "speed": "speed", "persona": "instructions"}.get(key.strip())
        if field_name is None or not value:
            raise UsageError(f"'{given}': '{option}' is none of llm=MODEL, voice=VOICE, speed=X, persona=WORDS")
        try:
            made[field_name] = float(value) if field_name == "speed" else value.strip()
        except ValueError:
            raise UsageError(f"'{given}': '{value}' is no speed") from None
    return made


def _clip(given: str) -> tuple[float, Path]:
    name, _, at = given.rpartition("@")
    try:
        at_s = float(at) if name else None
    except ValueError:
        at_s = None
    if at_s is None or at_s < 0:
        raise UsageError(f"'{given}' is not FILE@SECONDS, such as question.wav@20")
    (path,) = sounds([Path(name)])
    files.read(path)
    return at_s, path


async def _hold(url: str | None, wanted: dict[str, Any], clips: list[tuple[float, Path]], how: _How) -> None:
    if url is not None:
        await _Spectator(wanted, clips, how).watch(url)
        return
    settings = local.command_config(port=0, host="127.0.0.1", log_level="warning")
    if not how.light:
        settings = await _arguing(settings, quiet=how.quiet)
    async with local.serving(settings, quiet=how.quiet) as own:
        await _Spectator(wanted, clips, how).watch(own)


async def _arguing(settings: Config, *, quiet: bool) -> Config:
    """With the better language model, unless one was named or is served here: the light one has no arguments.

    It need not be quick: each speech is made while the one before sounds.
    """
    from parley.adapters.chat_servers import find_servers

    if settings.llm != "auto" or settings.llm_base_url or settings.light or await find_servers():
        return settings
    better = catalogue().get(advice.BETTER, "llm")
    if not (fits := advice.has_room(better, advice.free_memory())):
        why = f"{better.memory / 1e9:.1f} GB and some room are needed"
    else:
        try:
            await local.ensure([better], Store(), quiet=quiet)
        except ParleyError as fault:
            fits, why = False, str(fault)
    if not fits:
        errors.print(words(errors, "argue_poorly", why=why), style="yellow", highlight=False)
        return settings
    return settings.model_copy(update={"llm": better.id})


@dataclass(slots=True)
class _Spectator:
    """Watches one debate, says recordings into it, and keeps what it heard."""

    wanted: dict[str, Any]
    clips: list[tuple[float, Path]]
    how: _How
    debate: dict[str, Any] = field(default_factory=dict)
    """How it stands."""
    speakers: dict[str, str] = field(default_factory=dict)
    """Of responses."""
    shown: set[str] = field(default_factory=set)
    refused: str = ""

    async def watch(self, url: str) -> None:
        """From the first word to the last; what was heard and said is written whatever ends it."""
        async with Connection(url, api_key=self.how.api_key, exact=True, trust=self.how.trust) as connection:
            connection.on_event = self._take
            with Devices() if self.how.by_microphone else nullcontext() as devices:
                await self._hold(connection, devices)
        if self.debate.get("state") != "over":
            raise UnavailableError(self.refused or connection.closed or words(errors, "not_over"))

    async def _hold(self, connection: Connection, devices: Devices | None) -> None:
        async with RecordedCaller(connection, devices) as caller:
            await connection.send({"type": "parley.debate.start", "debate": self.wanted})
            try:
                await self._follow(connection, caller)
            except asyncio.CancelledError:
                await self._stop(connection, caller)
                raise
            finally:
                await asyncio.to_thread(self._write, caller)

    async def _follow(self, connection: Connection, caller: RecordedCaller) -> None:
        begun = await caller.wait_for(lambda: self.speakers or self.refused, _FIRST_WORD_S)
        if not begun or self.refused:
            raise UnavailableError(self.refused or words(errors, "nobody_began"))
        began_s = caller.now_s
        for at_s, path in sorted(self.clips):
            await caller.wait_for(lambda at=at_s: caller.now_s >= began_s + at or self._is_over, at_s + 3600)
            if not self._is_over:
                caller.speak(load_clip(path))
        await caller.wait_for(lambda: self._is_over and not connection.player.pending, 4 * 3600)

    @property
    def _is_over(self) -> bool:
        return self.debate.get("state") == "over" or bool(self.refused)

    async def _stop(self, connection: Connection, caller: RecordedCaller) -> None:
        """Ctrl-C: the debate is closed properly, once."""
        if not self.how.quiet:
            errors.print(words(errors, "closing_debate"), highlight=False)
        await connection.send({"type": "parley.debate.stop"})
        await caller.wait_for(lambda: self._is_over, 60)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "parley.debate.updated":
            self.debate = event["debate"]
        elif kind == "response.created":
            own = event["response"].get("parley") or event.get("parley") or {}
            self.speakers[event["response"]["id"]] = own.get("agent", "")
        elif kind == "response.done":
            self._show_response(event["response"])
        elif kind == "conversation.item.input_audio_transcription.completed":
            self._show("you", event["transcript"])
        elif kind == "error" and not self.speakers:
            self.refused = event["error"]["message"]

    def _show_response(self, response: dict[str, Any]) -> None:
        texts = [part.get("transcript") or "" for item in response["output"] for part in item.get("content", ())]
        self._show(self.speakers.get(response["id"], ""), " ".join(texts).strip())

    def _show(self, speaker: str, words: str) -> None:
        if not words or self.how.quiet:
            return
        if self.how.as_json:
            typer.echo(json.dumps({"speaker": speaker, "heard": words}, ensure_ascii=False))
        else:
            out.print(f"[bold]{speaker}[/]  {words}", highlight=False)

    # -- what is kept ---------------------------------------------------------------------------------

    def _write(self, caller: RecordedCaller) -> None:
        if self.how.output is not None:
            files.write_stereo(self.how.output, self._placed(caller), RATE_HZ)
        if self.how.transcript is not None and self.debate:
            as_text = FORMATS[self.how.transcript.suffix.lower()]
            self.how.transcript.write_text(as_text(self.debate), encoding="utf-8")
        gaps = summary([("", gap) for gap in gaps_ms(caller.sounding)])
        if self.how.as_json:
            closing = {"speeches": len(self.speakers), "gaps_ms": gaps, "verdict": self.debate.get("verdict")}
            typer.echo(json.dumps({"summary": closing}, ensure_ascii=False))
        elif gaps.get("n"):
            told = words(out, "speeches", count=len(self.speakers), p50=gaps["p50"], p95=gaps["p95"])
            out.print(told, style="dim", highlight=False)

    def _placed(self, caller: RecordedCaller) -> np.ndarray[Any, np.dtype[np.int16]]:
        """Stereo (frames, 2): each speaker at a place of its own, the moderator in the middle, one's own words too."""
        places = {d["name"]: d["place"] for d in self.debate.get("debaters", ())}
        played, sent = caller.played, caller.sent
        stereo = np.zeros((len(played), 2), np.int32)
        for number, response in enumerate(caller.sounding):
            frame = played[number * _FRAME : (number + 1) * _FRAME]
            place = places.get(self.speakers.get(response, ""), 0.0)
            stereo[number * _FRAME : number * _FRAME + len(frame)] = placed(frame, place)
        stereo[: len(sent)] += sent[: len(stereo), None]
        return np.clip(stereo, -32768, 32767).astype(np.int16)


def gaps_ms(sounding: list[str]) -> list[float]:
    """Silences between one response and the next, of what sounded in each 20 ms."""
    found, last, silent = [], "", 0
    for response in sounding:
        if not response:
            silent += 1
            continue
        if last and response != last:
            found.append(silent * 20.0)
        last, silent = response, 0
    return found
