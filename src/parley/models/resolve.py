"""From a model's name to what it is: an entry of the catalogue, or a file of the user's own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import msgspec

from parley.errors import ModelNotFound, UsageError
from parley.models import voicepacks
from parley.models.catalogue import Catalogue, Kind, Model
from parley.models.interfaces import ModelSpec

HEAD = "head.json"
"""What a folder has beside a turn model's network: what was fitted to it, and to which languages."""
_FAMILIES = {".onnx": "piper", ".gguf": "llama-cpp"}
_WHISPER = ("model.bin", "config.json", "tokenizer.json")
"""What a folder has that CTranslate2 loads as Whisper."""


def named(known: Catalogue, kind: Kind | tuple[Kind, ...], name: str) -> Model | ModelSpec:
    """A model of one of some kinds: one of the catalogue, or one's own (a Piper voice, a GGUF model, a voice pack, a
    folder with a Whisper for CTranslate2, or with a turn model and its head).

    One that is named by a speaker (MODEL/SPEAKER) speaks with that unless it is asked for another (option ``voice``).
    """
    path, speaker = Path(name).expanduser(), ""
    if path.suffix not in _FAMILIES and path.parent.suffix == ".onnx":
        path, speaker = path.parent, path.name
    if path.suffix in _FAMILIES:  # no entry of the catalogue is called so
        if not path.exists():
            raise ModelNotFound(f"{path} does not exist")
        options = {"voice": speaker} if speaker else {}
        files = {path.name: path.resolve(), **_ears_beside(path)}
        return ModelSpec(path.stem, _FAMILIES[path.suffix], files, options)
    if kind == "tts" and os.sep in name and (pack := _pack(path)) is not None:
        return pack
    if kind == "asr" and os.sep in name and all((path / file).is_file() for file in _WHISPER):
        files = {file.name: file.resolve() for file in sorted(path.iterdir()) if file.is_file()}
        return ModelSpec(path.name, "faster-whisper", files, {})
    if kind == "end_of_turn" and os.sep in name and (path / HEAD).is_file():
        files = {file.name: file.resolve() for file in (*path.glob("*.onnx"), path / HEAD)}
        return ModelSpec(path.name, "smart-turn", files, kind=kind, languages=_languages(path / HEAD))
    model = known.get(name, *((kind,) if isinstance(kind, str) else kind))
    if speaker := known.speaker(name):
        return msgspec.structs.replace(model, options={**model.options, "voice": speaker})
    return model


def _pack(path: Path) -> ModelSpec | None:
    """A voice pack by its folder, or by that and one of its voices (PACK/VOICE); raises `UsageError`."""
    for folder, voice in ((path, ""), (path.parent, path.name)):
        if (folder / voicepacks.METADATA).is_file():
            pack = voicepacks.read(folder.resolve())
            options = {**pack.spec.options, "voice": voice} if voice else pack.spec.options
            return replace(pack.spec, options=options, languages=pack.metadata.tags.lang)
    return None


class _Fitted(msgspec.Struct):
    languages: tuple[str, ...]


def _languages(head: Path) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(head.read_bytes(), type=_Fitted).languages
    except msgspec.MsgspecError as fault:
        raise UsageError(f"{head}: no head of a turn model can be read ({fault})") from None


def _ears_beside(path: Path) -> dict[str, Path]:
    """What turns sound into the language of a GGUF model, where both have a folder to themselves."""
    files = sorted(path.parent.glob("*.gguf")) if path.suffix == ".gguf" else []
    others = [file for file in files if file.name != path.name]
    return {file.name: file.resolve() for file in others if len(others) == 1 and file.name.startswith("mmproj")}
