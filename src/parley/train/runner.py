"""Runs the steps over a folder of work, so that it may be killed at any moment and gives the same result.

A step's clips are cut into shards. What follows from a shard is written at once to
``WORK/STEP/shard-00012.jsonl``, under a digest of all that it depends on: a run takes what is there under the same
digest, and makes the rest. The manifest of a step, ``WORK/STEP/clips.jsonl``, is its shards in order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from parley.errors import UsageError
from parley.languages import knows
from parley.models.catalogue import Model, catalogue
from parley.train import clips
from parley.train.clips import CLIPS, Clip, digest_of
from parley.train.pools import Pool
from parley.train.settings import Settings
from parley.train.steps import STEPS, Step

Progress = Callable[[str, int, int], None]
"""Told of a step, how many of its clips are done, and of how many."""
ENDED = "run.json"
"""In the folder of work: what the last run that ended was told."""
_AHEAD = 2
"""Shards that are given out for each place: the next one waits there when one is done."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended: its last step and its settings."""

    until: str
    settings: dict[str, Any]


NAMES = ", ".join(step.name for step in STEPS)


def steps_until(name: str | None) -> Sequence[Step]:
    """The steps up to one of them, all of them by default; raises `UsageError`."""
    names = [step.name for step in STEPS]
    if name is None:
        return STEPS
    if name not in names:
        raise UsageError(f"--until: '{name}' is no step; the steps are {NAMES}")
    return STEPS[: names.index(name) + 1]


def models_of(steps: Sequence[Step], settings: Settings) -> list[Model]:
    """The models that some steps need; raises `ModelNotFound`."""
    return [catalogue().get(name, kind) for step in steps for kind, name in step.models(settings)]


def usual_workers() -> int:
    """Half the cores, for the models use two threads each."""
    return max(1, (os.cpu_count() or 1) // 2)


def run(
    found: list[Clip], work: Path, settings: Settings, steps: Sequence[Step], pool: Pool, progress: Progress
) -> Path:
    """Run the steps over what `sources.listed` gave, with models that are there; returns the last manifest.

    Raises `UsageError` for a language that a recogniser does not know, and while another run works in the same
    folder; `ModelError` if a model fails. Blocks until all is done.
    """
    with _locked(work):
        for step in steps:
            _check_languages(found, step, settings)
        for step in steps:
            found = _run_step(step, settings, found, work / step.name, pool, progress)
        clips.replace(work / ENDED, msgspec.json.encode(Ended(steps[-1].name, settings.model_dump(mode="json"))))
    return work / steps[-1].name / CLIPS


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(f"{work}: another run works in this folder") from None


def _check_languages(found: Sequence[Clip], step: Step, settings: Settings) -> None:
    for model in models_of([step], settings):
        for language in sorted({clip.language for clip in found}):
            if model.kind == "asr" and not knows(model.languages, language):
                raise UsageError(
                    f"{step.name}: '{model.id}' does not understand '{language}', which the sources speak; "
                    f"it knows {', '.join(model.languages)}"
                )


def _run_step(
    step: Step, settings: Settings, found: Sequence[Clip], folder: Path, pool: Pool, progress: Progress
) -> list[Clip]:
    depends = _depends_on(step, settings)
    size = max(1, len(found)) if step.whole else settings.shard
    shards = [found[i : i + size] for i in range(0, len(found), size)]
    paths = [folder / f"shard-{number:05}.jsonl" for number in range(len(shards))]
    digests = [digest_of(depends, clips.as_lines(shard)) for shard in shards]
    missing = [i for i, path in enumerate(paths) if not _is_there(path, digests[i])]
    done = len(found) - sum(len(shards[i]) for i in missing)
    progress(step.name, done, len(found))
    left, waiting = iter(missing), dict[Future[list[Clip]], int]()
    while True:
        for i in islice(left, pool.places * _AHEAD - len(waiting)):
            waiting[pool.submit(step.name, settings, shards[i])] = i
        if not waiting:
            break
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            i = waiting.pop(future)
            clips.write(paths[i], step.name, digests[i], future.result())
            done += len(shards[i])
        progress(step.name, done, len(found))
    for path in set(folder.glob("shard-*")) - set(paths):
        path.unlink()  # of a run with more clips, or unfinished
    after = [clip for path in paths for clip in clips.read(path)]
    clips.write(folder / CLIPS, step.name, digest_of(*(digest.encode() for digest in digests)), after)
    return after


def _is_there(path: Path, digest: str) -> bool:
    header = clips.header(path)
    return header is not None and header.digest == digest


def _depends_on(step: Step, settings: Settings) -> bytes:
    """What the result of a step depends on, beside its clips."""
    models = [
        [model.id, model.family, [[file.name, file.sha256] for file in model.files], sorted(model.options.items())]
        for model in models_of([step], settings)
    ]
    section = step.section(settings)
    given = section and section.model_dump(mode="json")
    return msgspec.json.encode([step.name, step.version, given, models], order="deterministic")
