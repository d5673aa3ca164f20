"""Invitations to a conversation, and the names of those who come."""

from __future__ import annotations

import time

import pytest

from parley.conversation.circle import Place
from parley.conversation.conversation import Conversation
from parley.errors import ProtocolError
from parley.server.invitations import ForSeveral, Invitations, name_of
from parley.server.security import digest
from tests.server.test_resumption import suspended


def conversation() -> Conversation:
    return suspended("a").conversation


async def test_an_invitation_is_good_as_long_as_its_conversation() -> None:
    invitations, one, other = Invitations(), conversation(), conversation()
    to_speak, to_listen = invitations.make(one), invitations.make(other, "listener")
    found = invitations.find(to_speak)
    assert (found.conversation, found.place("Ben")) == (one, Place("Ben", host=False))
    found = invitations.find(to_listen)
    assert (found.conversation, found.place("Ben")) == (other, Place("Ben", speaks=False, host=False))
    invitations.forget(one)
    with pytest.raises(ProtocolError, match="not good"):
        invitations.find(to_speak)
    assert invitations.find(to_listen).conversation is other


async def test_an_invitation_is_good_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    invitations, one, now = Invitations(), conversation(), time.time()
    token = invitations.make(one, life_s=60)
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert invitations.find(token).conversation is one
    monkeypatch.setattr(time, "time", lambda: now + 61)
    with pytest.raises(ProtocolError, match="not good"):
        invitations.find(token)
    assert not invitations.knows(digest(token))
    assert not invitations.lead_to(one)


async def test_who_wants_no_further_guests_still_lets_hosts_in() -> None:
    invitations, one = Invitations(), conversation()
    guest, host = invitations.make(one), invitations.make(one, "host")
    ForSeveral(invitations, one, None).revoke()
    assert invitations.find(host).role == "host"
    with pytest.raises(ProtocolError, match="not good"):
        invitations.find(guest)
    assert invitations.knows(digest(guest)), "whoever is there shows it when he comes back"
    invitations.forget(one)
    assert [invitations.knows(digest(token)) for token in (guest, host)] == [False, False]


async def test_one_invitation_is_closed_and_the_others_are_not() -> None:
    invitations, one, other = Invitations(), conversation(), conversation()
    first, second, elsewhere = invitations.make(one), invitations.make(one), invitations.make(other)
    came_by = invitations.find(first).place("Ben").invitation
    ForSeveral(invitations, other, None).close(came_by)
    assert invitations.find(first), "another conversation's host closes nothing here"
    ForSeveral(invitations, one, None).close(came_by)
    with pytest.raises(ProtocolError, match="not good"):
        invitations.find(first)
    assert [invitations.find(token).conversation for token in (second, elsewhere)] == [one, other]
    ForSeveral(invitations, one, None).revoke()
    assert not invitations.lead_to(one)
    assert invitations.lead_to(other)


async def test_closed_invitations_make_room_for_new_ones_and_do_not_heap_up() -> None:
    invitations, one = Invitations(), conversation()
    for _ in range(3):
        for _ in range(64):
            invitations.make(one)
        ForSeveral(invitations, one, None).revoke()
    assert len(invitations._all) == 64


async def test_one_conversation_makes_a_bounded_number_of_them() -> None:
    invitations, one = Invitations(), conversation()
    for _ in range(64):
        invitations.make(one)
    with pytest.raises(ProtocolError, match="64 invitations"):
        invitations.make(one)
    invitations.make(conversation())


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
