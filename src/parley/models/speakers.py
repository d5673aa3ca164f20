"""Voices by name: a model with one voice is called as itself, one of several speakers MODEL/SPEAKER."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Speakers = Mapping[str, Sequence[str]]
"""Models of voices by id, and the speakers of each; none where it has but one voice."""


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of voices as `Speakers`."""
    found: dict[str, list[str]] = {}
    for name in names:
        model, _, speaker = name.rpartition("/")
        found.setdefault(model or speaker, []).extend([speaker] if model else [])
    return found


def voice_named(known: Speakers, name: str) -> tuple[str, str] | None:
    """The model and the speaker ("": its usual voice) that `name` means, in whatever case; None: nobody is called so.

    A speaker that no other model has needs no model before it.
    """
    plain = name.strip().casefold()
    for model, speakers in known.items():
        if plain == model.casefold():
            return model, ""
        for mark in "/-":
            if plain.startswith(before := model.casefold() + mark) and (found := _speaker(speakers, plain, before)):
                return model, found
    alone = [(model, s) for model, speakers in known.items() for s in speakers if s.casefold() == plain]
    return alone[0] if len(alone) == 1 else None


def _speaker(speakers: Sequence[str], name: str, before: str) -> str | None:
    """By its whole name, or by what only its name has behind the underscore (kokoro/heart: af_heart)."""
    wanted = name.removeprefix(before)
    whole = [s for s in speakers if s.casefold() == wanted]
    short = [s for s in speakers if s.casefold().rpartition("_")[2] == wanted]
    return whole[0] if whole else short[0] if len(short) == 1 else None


def unknown_voice(known: Speakers, name: str) -> str:
    """What to say of a name that no voice has."""
    model = next((m for m in known if name.strip().casefold().startswith(f"{m.casefold()}/")), None)
    if model is not None and known[model]:
        return f"no voice is called '{name}'; the model '{model}' has {', '.join(known[model])}"
    if model is not None:
        return f"no voice is called '{name}'; the model '{model}' has one voice, which is called '{model}'"
    plain = name.strip().casefold()
    if several := [m for m, speakers in known.items() if plain in (s.casefold() for s in speakers)]:
        return f"several voices are called '{name}'; say which: {', '.join(f'{m}/{name}' for m in several)}"
    there = (f"{m}/{s}" if s else m for m, speakers in known.items() for s in speakers or ("",))
    return f"no voice is called '{name}'; there are {', '.join(there)}"
