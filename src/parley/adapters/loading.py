"""What loading a model of a heavy family has in common: its files, and what went wrong, by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from parley.errors import ModelError, ParleyError
from parley.models.interfaces import ModelSpec
from parley.validation import explain


def files_of(spec: ModelSpec, *needed: str | tuple[str, ...]) -> dict[str, Path]:
    """The files of a checkpoint by name, `needed` among them (of a tuple, one); raises `ModelError` that names one."""
    files = {name: Path(path) for name, path in spec.files.items()}
    for name, path in sorted(files.items()):
        if not path.is_file():
            raise ModelError(f"{spec.id}: the file {name} is missing ({path})")
    for names in needed:
        choice = (names,) if isinstance(names, str) else names
        if not any(name in files for name in choice):
            raise missing(spec, " or ".join(choice))
    return files


def missing(spec: ModelSpec, name: str) -> ModelError:
    """That a file is not there."""
    return ModelError(f"{spec.id}: the file {name} is missing; it has {', '.join(sorted(spec.files)) or 'none'}")


@contextmanager
def faults_named(spec: ModelSpec, needs: str) -> Iterator[None]:
    """Raises `ModelError` for whatever goes wrong; `needs`: what to install where packages are missing."""
    try:
        yield
    except ImportError as fault:
        raise ModelError(
            f"{spec.id} needs packages that are not here ({fault}); install the extra: pip install {needs}"
        ) from fault
    except ValidationError as fault:
        raise ModelError(f"{spec.id}: options: {explain(fault)}") from fault
    except ParleyError:
        raise
    except Exception as fault:  # what a library makes of wrong files is of every kind
        raise ModelError(f"{spec.id} could not be loaded: {type(fault).__name__}: {fault}") from fault
