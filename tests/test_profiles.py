"""Profiles: what ships is good, one's own goes before it, and whatever else is set wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.config import load, origins
from parley.conversation.settings import APOLOGY
from parley.errors import UsageError
from parley.languages import knows
from parley.models.catalogue import catalogue
from parley.profiles import profile, profiles


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLEY_HOME", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["hindi", "telugu"])
def test_profiles_that_ship_are_read_and_their_models_know_the_language(name: str) -> None:
    config = load(profile=name)
    known = catalogue()
    assert knows(known.get(config.asr, "asr").languages, config.language)
    assert knows(known.get(config.tts, "tts").languages, config.language)
    assert config.apology not in (None, APOLOGY)
    assert profiles()[name].summary


def test_the_recipe_of_a_speech_llm_hears_by_two_detectors_and_speaks_as_chatterbox() -> None:
    config = load(profile="ultravox-chatterbox")
    known = catalogue()
    assert (known.get(config.vad, "vad").family, known.get(config.tts, "tts").family) == ("dual-vad", "chatterbox")
    assert config.llm_hears
    assert known.get(config.asr, "asr")
    assert profiles()["ultravox-chatterbox"].summary


def test_a_file_the_environment_and_the_command_line_win_in_this_order(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "profiles" / "mine.yaml").write_text("# My own\nport: 1\nhost: 1.1.1.1\nasr: a\ntts: t\n")
    file = home / "parley.yaml"
    file.write_text("profile: mine\nport: 2\nhost: 2.2.2.2\nasr: b\n")
    monkeypatch.setenv("PARLEY_PORT", "3")
    monkeypatch.setenv("PARLEY_HOST", "3.3.3.3")
    config = load(file, host="4.4.4.4")
    assert (config.host, config.port, config.asr, config.tts) == ("4.4.4.4", 3, "b", "t")
    found = origins(file)
    assert (found["port"], found["asr"]) == ("environment, PARLEY_PORT", str(file))
    assert (found["tts"], found["llm"]) == (str(home / "profiles" / "mine.yaml"), "default")


def test_a_profile_is_named_by_the_command_line_before_the_environment_before_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        (home / "profiles" / f"{name}.yaml").write_text(f"tts: {name}\n")
    file = home / "parley.yaml"
    file.write_text("profile: three\n")
    assert load(file).tts == "three"
    monkeypatch.setenv("PARLEY_PROFILE", "two")
    assert load(file).tts == "two"
    assert load(file, profile="one").tts == "one"
    assert load(profile=str(home / "profiles" / "three.yaml")).tts == "three"


def test_one_of_ones_own_takes_the_place_of_one_that_ships(home: Path) -> None:
    (home / "profiles" / "telugu.yaml").write_text("# Mine\ntts: espeak\n")
    assert profile("telugu").summary == "Mine"
    assert load(profile="telugu").asr == load().asr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("prt: 1\n", r"mine\.yaml: 'prt' is no setting; did you mean 'port'\?"),
        ("port: x\n", r"mine\.yaml: port: "),
        ("profile: telugu\n", r"mine\.yaml: a profile names no other profile"),
        ("- a\n", r"mine\.yaml: must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_profile_is_said_with_its_file(home: Path, content: str, message: str) -> None:
    (home / "profiles" / "mine.yaml").write_text(content)
    with pytest.raises(UsageError, match=message):
        load(profile="mine")


def test_a_profile_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"called 'telgu'; did you mean 'telugu'\?; there are .*telugu"):
        load(profile="telgu")
    with pytest.raises(UsageError, match=r"gone\.yaml is no file"):
        load(profile="gone.yaml")
