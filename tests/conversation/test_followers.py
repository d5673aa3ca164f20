"""Those who are told what happens: each by itself."""

from __future__ import annotations

from parley.conversation import notifications as nt
from parley.conversation.followers import Followers

STATE = nt.StateChanged("LISTENING")


def test_everybody_is_told_in_the_order_of_their_coming_until_they_leave() -> None:
    told: list[str] = []
    followers = Followers()
    for name in ("Ann", "Ben"):
        followers.add(name, lambda _, name=name: told.append(name), lambda *_: None)  # type: ignore[misc]
    assert followers.names == ("Ann", "Ben")
    assert "Ann" in followers
    followers.tell(STATE)
    followers.remove("Ann")
    followers.remove("nobody")
    followers.tell(STATE)
    assert told == ["Ann", "Ben", "Ben"]
    assert "Ann" not in followers


def test_who_cannot_be_told_is_told_no_more_and_the_others_do_not_notice() -> None:
    broke: list[tuple[str, str]] = []
    told: list[nt.Notification] = []
    followers = Followers()

    def fault(_: nt.Notification) -> None:
        raise RuntimeError("made to")

    followers.add("deaf", fault, lambda why, fault: broke.append((why, str(fault))))
    followers.add("Ben", told.append, lambda *_: None)
    followers.tell(STATE)
    followers.tell(STATE)
    assert broke == [("its client cannot be told of StateChanged", "made to")]
    assert told == [STATE, STATE]
    assert followers.names == ("deaf", "Ben"), "it is there until it leaves"


def test_somebody_may_leave_while_everybody_is_told() -> None:
    told: list[str] = []
    followers = Followers()
    followers.add("Ann", lambda _: followers.remove("Ben"), lambda *_: None)
    followers.add("Ben", lambda _: told.append("Ben"), lambda *_: None)
    followers.tell(STATE)
    followers.tell(STATE)
    assert told in ([], ["Ben"])
    assert followers.names == ("Ann",)
