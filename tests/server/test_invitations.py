"""Invitations to a conversation, and the names of those who come."""

from __future__ import annotations

import pytest

from parley.conversation.conversation import Conversation
from parley.errors import ProtocolError
from parley.server.invitations import Invitations, name_of
from tests.server.test_resumption import suspended


def conversation() -> Conversation:
    return suspended("a").conversation


async def test_an_invitation_is_good_as_long_as_its_conversation() -> None:
    invitations, one, other = Invitations(), conversation(), conversation()
    to_speak, to_listen = invitations.make(one, speaks=True), invitations.make(other, speaks=False)
    assert (invitations.find(to_speak).conversation, invitations.find(to_speak).speaks) == (one, True)
    assert (invitations.find(to_listen).conversation, invitations.find(to_listen).speaks) == (other, False)
    invitations.forget(one)
    with pytest.raises(ProtocolError, match="not good"):
        invitations.find(to_speak)
    assert invitations.find(to_listen).conversation is other


async def test_one_conversation_makes_a_bounded_number_of_them() -> None:
    invitations, one = Invitations(), conversation()
    for _ in range(64):
        invitations.make(one, speaks=True)
    with pytest.raises(ProtocolError, match="64 invitations"):
        invitations.make(one, speaks=True)
    invitations.make(conversation(), speaks=True)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (None, "Guest 1"),
        ("Ann", "Ann"),
        ("  Ann \t Lee ", "Ann Lee"),
        ("ఆన్", "ఆన్"),
        ("Andre\u0301", "Andr\u00e9"),
        ("Ａｎｎ", "Ann"),
    ],
)
def test_a_name_is_what_can_be_said(wanted: str | None, name: str) -> None:
    assert name_of(wanted, "Guest 1") == name


@pytest.mark.parametrize("wanted", ["", "  ", "a" * 41, "A\x00nn", "A\u202enn"])
def test_a_name_that_cannot_be_shown_is_refused(wanted: str) -> None:
    with pytest.raises(ProtocolError, match="1 to 40 characters"):
        name_of(wanted, "Guest 1")
