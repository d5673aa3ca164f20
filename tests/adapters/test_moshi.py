"""Moshi where its packages are not installed, as in this environment; tests/families/moshi has them."""

from __future__ import annotations

import sys

import pytest

from parley.errors import ModelError
from parley.models import plugins
from parley.models.catalogue import catalogue
from parley.models.interfaces import ModelSpec


async def test_packages_that_are_missing_are_said_with_the_extra_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "parley.adapters.moshi_network", None)
    with pytest.raises(ModelError, match=r"moshiko needs packages that are not here .*'parley-voice\[moshi\]'"):
        await plugins.load(ModelSpec("moshiko", "moshi"))


def test_personaplex_asks_for_consent_and_moshi_does_not() -> None:
    known = catalogue()
    assert known.get("moshi", "duplex").id == "moshiko"
    assert not known.get("moshika").needs_consent
    assert known.get("nvidia/personaplex-7b-v1").needs_consent
