"""Profiles: settings that belong together, by a name. One YAML file each, here and in ``PARLEY_HOME/profiles``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from parley.errors import UsageError
from parley.models.home import home
from parley.validation import nearest


@dataclass(frozen=True, slots=True)
class Profile:
    """A file of settings."""

    name: str
    path: Path
    summary: str
    """Its first comment."""


def profiles() -> dict[str, Profile]:
    """All, by name; one of the user's own takes the place of one that ships."""
    shipped = Path(str(resources.files(__name__)))
    found = [*sorted(shipped.glob("*.yaml")), *sorted((home() / "profiles").glob("*.yaml"))]
    return {path.stem: Profile(path.stem, path, _summary(path)) for path in found}


def profile(name: str) -> Profile:
    """The one of a name, or the file of a path; raises `UsageError` that lists what there is."""
    path = Path(name).expanduser()
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UsageError(f"profile: {path} is no file")
        return Profile(path.stem, path, _summary(path))
    known = profiles()
    if name not in known:
        raise UsageError(f"profile: there is none called '{name}'{nearest(name, known)}; there are {', '.join(known)}")
    return known[name]


def _summary(path: Path) -> str:
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
