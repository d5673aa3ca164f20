"""Whether a conversation is recorded follows from what its people say, whoever comes and goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.transports.consent import Consent

TABLE = [
    # what happens after Ann, the host, asked in a circle of Ann and Ben; the state then; whether what was recorded goes
    ([], "asking", False),
    (["Ben yes"], "on", False),
    (["Ben no"], "off", False),
    (["Ann no"], "off", False),
    (["Ben yes", "Ben no"], "off", True),
    (["Ben yes", "Ann no"], "off", True),
    (["Ben yes", "stop"], "kept", False),
    (["Ben yes", "stop", "Ben no"], "off", True),
    (["stop"], "off", False),
    (["Ben yes", "Zoe comes"], "asking", False),
    (["Ben yes", "Zoe comes", "Zoe yes"], "on", False),
    (["Ben yes", "Zoe comes", "Zoe no"], "kept", False),
    (["Ben yes", "Zoe comes", "Zoe goes"], "on", False),
    (["Ben goes"], "on", False),
    (["Ben yes", "Ben goes", "Ann no"], "off", True),
    (["Ben yes", "Ben goes", "Ben comes"], "on", False),
]


def happens(consent: Consent, present: list[str], what: str) -> bool:
    """Returns whether what was recorded goes."""
    name, _, act = what.partition(" ")
    match act:
        case "yes" | "no":
            return consent.answer(name, agrees=act == "yes")
        case "comes":
            present.append(name)
            consent.present(present)
        case "goes":
            present.remove(name)
            consent.present(present)
        case _:
            consent.stop()
    return False


@pytest.mark.parametrize(("events", "state", "goes"), TABLE)
def test_everybody_who_speaks_has_to_agree(events: list[str], state: str, *, goes: bool) -> None:
    consent, present = Consent(), ["Ann", "Ben"]
    consent.ask("Ann", present)
    gone = [happens(consent, present, what) for what in events]
    assert (consent.state, any(gone)) == (state, goes)


def test_who_has_not_answered_is_named() -> None:
    consent = Consent()
    consent.ask("Ann", ["Ann", "Ben", "Cem"])
    consent.answer("Cem", agrees=True)
    assert (consent.asked, consent.agreed) == (["Ben"], ["Ann", "Cem"])
    consent.answer("Ben", agrees=True)
    assert (consent.asked, consent.agreed) == ([], ["Ann", "Ben", "Cem"])


EVENTS = st.lists(
    st.sampled_from(
        [f"{name} {act}" for name in ("Ann", "Ben", "Cem") for act in ("yes", "no", "comes", "goes")] + ["stop"]
    )
)


@given(EVENTS)
def test_nobody_is_recorded_who_is_there_and_has_not_agreed(events: list[str]) -> None:
    consent, present, agreed = Consent(), ["Ann"], {"Ann"}
    consent.ask("Ann", present)
    for what in events:
        name, _, act = what.partition(" ")
        if (act == "comes" and name in present) or (act == "goes" and name not in present):
            continue
        running = consent.state in ("asking", "on")
        happens(consent, present, what)
        if act == "yes" and running:
            agreed.add(name)
        if act == "no":
            agreed.discard(name)
        assert consent.state != "on" or set(present) <= agreed
