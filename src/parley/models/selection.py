"""From a model's name to what it is: an entry of the catalogue, or a file of the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from parley.errors import ModelNotFound
from parley.models.catalogue import Catalogue, Kind, Model
from parley.models.interfaces import ModelSpec


def named(known: Catalogue, kind: Kind, name: str) -> Model | ModelSpec:
    """A model of the catalogue, or a file of the user's own (a Piper voice, a GGUF model)."""
    path = Path(name).expanduser()
    families = {".onnx": "piper", ".gguf": "llama-cpp"}
    if path.suffix in families and (path.exists() or os.sep in name):
        if not path.exists():
            raise ModelNotFound(f"{path} does not exist")
        return ModelSpec(path.stem, families[path.suffix], {path.name: path.resolve()})
    return known.get(name, kind)
