"""``parley voicepacks make``: of files, of a pulled model, with options of the family, and what will not do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from parley.audio import files
from parley.cli import app
from parley.models import voicepacks


class StyleOptions(BaseModel):
    """What a family may want."""

    speed: float
    name: str


OWN = """
- id: own-voice
  kind: tts
  family: piper
  licence: MIT
  runtime_licence: MIT
  languages: [te, en]
  options: {voice: ann}
  files:
    - {name: own.onnx, sources: [{hub: nobody/own@main/own.onnx}]}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a model of the owner's own in the catalogue, and its file here."""
    monkeypatch.setenv("PARLEY_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalogue.yaml").write_text(OWN)
    (tmp_path / "models" / "own-voice").mkdir(parents=True)
    (tmp_path / "models" / "own-voice" / "own.onnx").write_bytes(b"weights")
    return tmp_path


def make(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["voicepacks", "make", "piper", "mine", *arguments])
    return result.exit_code, f"{result.output}{result.exception or ''}"


def test_a_pack_of_a_pulled_model_has_its_files_languages_licence_and_options(home: Path) -> None:
    given = ["speed=1.5", "words=Yes: all", "name=2024"]
    code, output = make("--model", "own-voice", *(part for one in given for part in ("--set", one)))
    assert code == 0, output
    pack = voicepacks.read(home / "voicepacks" / "piper" / "mine")
    assert (pack.folder / "own.onnx").read_bytes() == b"weights"
    assert (pack.metadata.licence, pack.metadata.tags.lang) == ("MIT", ("te", "en"))
    assert pack.metadata.options == {"voice": "ann", "speed": "1.5", "words": "Yes: all", "name": "2024"}
    assert StyleOptions.model_validate(pack.spec.options).speed == 1.5, "as a family reads it"


def test_what_is_given_counts_more_and_a_recording_is_cloned_with_consent(home: Path) -> None:
    files.write(home / "me.wav", np.zeros(48000, np.int16), 16000)
    said = ["--ref", "me.wav", "--speaker", "Ann", "--consent", "I let this server speak with my voice."]
    code, output = make("--model", "own-voice", "--lang", "te", "--licence", "CC0-1.0", "--set", "voice=bob", *said)
    assert code == 0, output
    metadata = yaml.safe_load((home / "voicepacks" / "piper" / "mine" / "metadata.yaml").read_text())
    assert (metadata["licence"], metadata["tags"]["lang"], metadata["options"]) == ("CC0-1.0", ["te"], {"voice": "bob"})
    assert metadata["consent"]["speaker"] == "Ann"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--lang and --licence are needed where no --model tells them"),
        (["--lang", "te", "--licence", "MIT"], "a pack has files: --model MODEL or --file FILE"),
        (["--model", "nobody"], "called 'nobody'"),
        (["--model", "espeak"], "--model espeak is of the family 'espeak', not of 'piper'"),
        (["--model", "piper-ghost"], "--model piper-ghost is not on this machine; 'parley models pull piper-ghost'"),
        (["--model", "own-voice", "--set", "words"], "--set words: NAME=VALUE is needed"),
    ],
)
def test_what_will_not_do_is_named(home: Path, arguments: list[str], words: str) -> None:
    with (home / "catalogue.yaml").open("a") as own:
        own.write(OWN.replace("own-voice", "piper-ghost"))
    code, output = make(*arguments)
    assert code != 0
    assert words in " ".join(output.split())
    assert not (home / "voicepacks").exists()
