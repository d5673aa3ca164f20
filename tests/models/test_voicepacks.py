"""Voice packs: made, read, checked, and spoken by a worker."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from parley.audio import files
from parley.errors import UsageError
from parley.models import voicepacks
from parley.models.voicepacks import Metadata, Tags

AGREED = "You may speak with my voice on this server."
DOCUMENTED = Path(__file__).parents[2] / "docs" / "schemas" / "voicepack.json"


def pack(root: Path, *, seed_s: float | None = None, family: str = "piper", **tags: object) -> voicepacks.VoicePack:
    model = root / "amy.onnx"
    root.mkdir(exist_ok=True)
    model.write_bytes(b"not really")
    seed = None
    if seed_s is not None:
        seed = root / "speaker.wav"
        files.write(seed, np.zeros(round(seed_s * 16000), np.int16), 16000)
    metadata = Metadata(licence="MIT", tags=Tags(lang=("en",), **tags))  # type: ignore[arg-type]
    return voicepacks.make(root / "packs", family, "amy", [model], metadata, seed, speaker="Amy Pond", statement=AGREED)


def test_a_pack_is_made_and_read_again(tmp_path: Path) -> None:
    made = pack(tmp_path, seed_s=5, zero_shot=True, domain=("news",))
    assert voicepacks.folders(tmp_path / "packs") == [made.folder]
    assert voicepacks.read(made.folder) == made
    assert list(voicepacks.faults(made)) == []
    assert (made.spec.id, made.spec.family) == ("amy", "piper")
    assert set(made.spec.files) == {"amy.onnx", "seed.wav"}
    assert made.tag_names == ("cpu_ok", "zero_shot", "news")


@pytest.mark.parametrize(
    ("seed_s", "tags", "family", "word"),
    [
        (None, {"zero_shot": True}, "piper", "has no ref/seed.wav"),
        (0.5, {}, "piper", "0.5 s long"),
        (None, {}, "nobody", "no adapter for the family 'nobody'"),
    ],
)
def test_faults_are_named(
    tmp_path: Path, seed_s: float | None, tags: dict[str, object], family: str, word: str
) -> None:
    (fault,) = voicepacks.faults(pack(tmp_path, seed_s=seed_s, family=family, **tags))
    assert word in fault


@pytest.mark.parametrize(("speaker", "statement", "word"), [("", AGREED, "speaker"), ("Amy", "ok", "statement")])
def test_a_voice_is_not_cloned_without_its_speakers_consent(
    tmp_path: Path, speaker: str, statement: str, word: str
) -> None:
    files.write(tmp_path / "speaker.wav", np.zeros(80000, np.int16), 16000)
    metadata = Metadata(licence="MIT", tags=Tags(lang=("en",), zero_shot=True))
    with pytest.raises(UsageError, match=f"consent alone: {word}"):
        voicepacks.make(
            tmp_path / "packs",
            "piper",
            "amy",
            [],
            metadata,
            tmp_path / "speaker.wav",
            speaker=speaker,
            statement=statement,
        )
    assert not (tmp_path / "packs").exists()


def test_a_pack_with_a_voice_to_clone_is_not_read_without_a_consent_to_that_recording(tmp_path: Path) -> None:
    folder = pack(tmp_path, seed_s=5, zero_shot=True).folder
    read = voicepacks.read(folder).metadata.consent
    assert read is not None
    assert (read.speaker, read.statement, read.given) == ("Amy Pond", AGREED, date.today())
    files.write(folder / "ref/seed.wav", np.ones(80000, np.int16), 16000)
    with pytest.raises(UsageError, match=r"metadata\.yaml: consent\.recording: Amy Pond agreed to another recording"):
        voicepacks.read(folder)
    text = (folder / "metadata.yaml").read_text()
    (folder / "metadata.yaml").write_text(text[: text.index("consent:")])
    with pytest.raises(UsageError, match=r"metadata\.yaml: consent: there is a voice to clone"):
        voicepacks.read(folder)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("tags: {lang: [en]}", "licence: Field required"),
        ("{licence: MIT, tags: {lang: []}}", "tags.lang"),
        ("{licence: MIT, tags: {lang: [en], loud: true}}", "tags.loud"),
        ("{licence: MIT, tags: [", "not valid YAML"),
        ("7", "file"),
    ],
)
def test_metadata_that_is_wrong_is_named(tmp_path: Path, text: str, word: str) -> None:
    folder = tmp_path / "piper" / "amy"
    folder.mkdir(parents=True)
    (folder / "metadata.yaml").write_text(text)
    with pytest.raises(UsageError, match=word):
        voicepacks.read(folder)


def test_nothing_is_overwritten_and_nothing_half_made_is_left(tmp_path: Path) -> None:
    pack(tmp_path)
    with pytest.raises(UsageError, match="exists already"):
        pack(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        voicepacks.make(
            tmp_path / "packs", "piper", "bob", [tmp_path / "x"], Metadata(licence="MIT", tags=Tags(lang=("en",)))
        )
    assert [f.name for f in voicepacks.folders(tmp_path / "packs")] == ["amy"]


def test_lora_adapters_lie_beside_the_models_own_files_and_hide_none_of_them(tmp_path: Path) -> None:
    for name in ("model.bin", "tokenizer.json", "ann/adapter_config.json", "ann/tokenizer.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    metadata = Metadata(licence="MIT", tags=Tags(lang=("en",)))
    own = [tmp_path / "model.bin", tmp_path / "tokenizer.json"]
    made = voicepacks.make(tmp_path / "packs", "piper", "many", own, metadata, lora=[tmp_path / "ann"])
    assert {name: path.read_text() for name, path in made.spec.files.items()} == {path.name: path.name for path in own}
    assert (made.folder / "voices/ann/tokenizer.json").read_text() == "ann/tokenizer.json"
    with pytest.raises(UsageError, match=r"packs is no LoRA adapter: it has no adapter_config\.json"):
        voicepacks.make(tmp_path / "packs", "piper", "none", own, metadata, lora=[tmp_path / "packs"])


def test_the_published_schema_is_fresh() -> None:
    assert DOCUMENTED.read_text() == voicepacks.schema(), "run: parley voicepacks schema > docs/schemas/voicepack.json"
