"""A model's name or file, and what belongs to the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import ModelNotFound, UsageError
from parley.models import voicepacks
from parley.models.catalogue import ANSWERS, Catalogue, Kind
from parley.models.interfaces import ModelSpec
from parley.models.resolve import named
from parley.models.voicepacks import Metadata, Tags

NOTHING = Catalogue([])


def files_of(path: Path) -> set[str]:
    found = named(NOTHING, ANSWERS, str(path))
    assert isinstance(found, ModelSpec)
    assert found.family == "llama-cpp"
    return set(found.files)


@pytest.mark.parametrize(
    ("beside", "taken"),
    [
        ((), set()),
        (("mmproj-voxtral.gguf",), {"mmproj-voxtral.gguf"}),
        (("other.gguf",), set()),
        (("mmproj-a.gguf", "mmproj-b.gguf"), set()),
        (("mmproj-a.gguf", "other.gguf"), set()),
        (("mmproj-readme.txt",), set()),
    ],
)
def test_a_gguf_file_has_the_ears_that_share_a_folder_with_it_alone(
    beside: tuple[str, ...], taken: set[str], tmp_path: Path
) -> None:
    for name in ("model.gguf", *beside):
        (tmp_path / name).touch()
    assert files_of(tmp_path / "model.gguf") == {"model.gguf"} | taken


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"gone\.gguf does not exist"):
        named(NOTHING, ANSWERS, str(tmp_path / "gone.gguf"))


@pytest.mark.parametrize(("kind", "name"), [("tts", "gone.onnx"), ("tts", "gone.onnx/ann"), ("llm", "gone.gguf")])
def test_a_file_that_is_not_here_is_not_taken_for_an_entry(kind: Kind, name: str) -> None:
    with pytest.raises(ModelNotFound, match=r"gone\.\w+ does not exist"):
        named(NOTHING, kind, name)


def test_a_voice_of_ones_own_may_name_its_speaker(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").touch()
    found = named(NOTHING, "tts", str(tmp_path / "voice.onnx" / "ann"))
    assert isinstance(found, ModelSpec)
    assert (found.family, found.options) == ("piper", {"voice": "ann"})


def test_a_folder_with_a_whisper_for_ctranslate2_is_a_recogniser(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        with pytest.raises(ModelNotFound):
            named(NOTHING, "asr", str(tmp_path))
        (tmp_path / name).touch()
    found = named(NOTHING, "asr", str(tmp_path))
    assert isinstance(found, ModelSpec)
    assert (found.family, set(found.files)) == ("faster-whisper", {"model.bin", "config.json", "tokenizer.json"})
    with pytest.raises(ModelNotFound):
        named(NOTHING, "llm", str(tmp_path))


def test_a_folder_with_a_turn_model_and_its_head_is_one(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").touch()
    with pytest.raises(ModelNotFound):
        named(NOTHING, "end_of_turn", str(tmp_path))
    (tmp_path / "head.json").write_text('{"bias": 0, "weights": [1], "languages": ["te"]}')
    found = named(NOTHING, "end_of_turn", str(tmp_path))
    assert isinstance(found, ModelSpec)
    assert (found.family, set(found.files), found.languages) == ("smart-turn", {"net.onnx", "head.json"}, ("te",))
    (tmp_path / "head.json").write_text("{}")
    with pytest.raises(UsageError, match=r"head\.json: no head of a turn model"):
        named(NOTHING, "end_of_turn", str(tmp_path))


def test_a_voice_pack_is_named_by_its_folder_and_by_one_of_its_voices(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    metadata = Metadata(licence="MIT", tags=Tags(lang=("te",)), options={"threads": 1})
    voicepacks.make(tmp_path / "packs", "piper", "mine", [tmp_path / "model.onnx"], metadata)
    folder = tmp_path / "packs" / "piper" / "mine"
    found, voice = named(NOTHING, "tts", str(folder)), named(NOTHING, "tts", str(folder / "ann"))
    assert isinstance(found, ModelSpec)
    assert isinstance(voice, ModelSpec)
    assert (found.id, found.family, found.languages, set(found.files)) == ("mine", "piper", ("te",), {"model.onnx"})
    assert (dict(found.options), dict(voice.options)) == ({"threads": 1}, {"threads": 1, "voice": "ann"})
