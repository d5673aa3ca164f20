"""Which models a configuration means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parley.config import Config
from parley.errors import UsageError
from parley.models.store import Store
from parley.server.choosing import choose

OWN = ["hibari-low", "hibari-high", "hibari-alto"]


@pytest.mark.parametrize(
    ("given", "voices"),
    [
        ({}, [*OWN, "espeak"]),
        ({"licences": "permissive"}, OWN),
        ({"voices": []}, []),
        ({"voices": ["hibari-heart", "kokoro"]}, ["kokoro"]),
    ],
)
async def test_voices_are_those_that_are_wanted_and_may_be_had(
    given: dict[str, Any], voices: list[str], tmp_path: Path
) -> None:
    config = Config.model_validate({"light": True, "llm": "smollm2-135m", **given})
    loaded_models, missing = await choose(config, Store(tmp_path))
    assert [part for part in loaded_models.specs if part.startswith("voice:")] == [f"voice:{v}" for v in voices]
    assert {m.id for m in missing} >= set(voices) - {"espeak"}


async def test_a_voice_that_is_asked_for_and_barred_is_named(tmp_path: Path) -> None:
    config = Config.model_validate({"llm": "smollm2-135m", "licences": "permissive", "voices": ["espeak"]})
    with pytest.raises(UsageError, match="espeak"):
        await choose(config, Store(tmp_path))


@pytest.mark.parametrize(("given", "slots"), [({}, 6), ({"llm_slots": 3}, 3)])
async def test_an_embedded_model_keeps_as_many_prompts_as_its_entry_says_unless_it_is_told(
    given: dict[str, Any], slots: int, tmp_path: Path
) -> None:
    config = Config.model_validate({"llm": "smollm2-135m", "voices": [], **given})
    loaded_models, _ = await choose(config, Store(tmp_path))
    assert loaded_models.specs["llm"].options["slots"] == slots


async def test_a_model_that_takes_turns_itself_is_a_workers_where_there_are_workers(tmp_path: Path) -> None:
    for workers, here in (({}, True), ({"workers": ["10.0.0.5:7200"], "local_voices": True}, False)):
        config = Config.model_validate({"llm": "smollm2-135m", "llms": ["moshiko"], **workers})
        loaded_models, missing = await choose(config, Store(tmp_path))
        assert loaded_models.specs["llm:moshiko"].kind == "duplex"
        assert ("moshiko" in {m.id for m in missing}) is here
        assert "smollm2-135m" in {m.id for m in missing}


async def test_a_delegate_is_a_further_model_that_can_be_asked(tmp_path: Path) -> None:
    given = {"llm": "moshiko", "delegate": "smollm2-135m", "workers": ["10.0.0.5:7200"], "local_voices": True}
    loaded_models, missing = await choose(Config.model_validate(given), Store(tmp_path))
    assert loaded_models.specs["llm:smollm2-135m"].kind == "llm"
    assert "smollm2-135m" in {m.id for m in missing}
    served = {**given, "llm_base_url": "http://127.0.0.1:9/v1", "delegate": "llama3.2"}
    loaded_models, _ = await choose(Config.model_validate(served), Store(tmp_path))
    assert loaded_models.specs["llm:llama3.2"].options["base_url"] == "http://127.0.0.1:9/v1"
    with pytest.raises(UsageError, match="delegate: 'moshika' takes turns itself"):
        await choose(Config.model_validate(given | {"delegate": "moshika"}), Store(tmp_path))
