"""What the parts of one conversation share, so that none of them needs to know the conversation itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from parley.conversation import notifications as nt
from parley.conversation.agent import Agent
from parley.conversation.audience import Audience
from parley.conversation.history import History
from parley.conversation.settings import SessionModels, SessionSettings
from parley.turns import events as ev
from parley.turns.ledger import HeardLedger
from parley.turns.policies.busy_machine import Load


@dataclass(slots=True)
class Context:
    """Made and owned by a conversation, which alone replaces `settings`, `models` and `agents`."""

    id: str
    settings: SessionSettings
    """Of the conversation: agents and people may have their own."""
    models: SessionModels
    """The models that it talks through."""
    agents: Mapping[str, Agent]
    """Those who answer, by name; there is always one."""
    emit: Callable[[nt.Notification], None]
    """Tells the outside."""
    dispatch: Callable[[ev.Event], None]
    """Tells the turn-taker, and has done what it orders."""
    spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
    """Runs something that ends with the conversation; a failure is logged and ends only that."""
    ledger: HeardLedger
    audience: Audience
    history: History = field(default_factory=History)
    people: dict[str, bool] = field(default_factory=dict)
    """Everybody who has ever spoken in it, and whether they are here."""
    hears_voice: Callable[[], bool] = lambda: False
    """Whether somebody speaks right now."""
    load: Callable[[], Load] = lambda: "free"
    """What people of other conversations do: while they wait for something, nothing is read ahead here."""

    answerer: Callable[[str, str], str | None] = lambda *_: None
    """Who of the agents would answer somebody's words; None: nobody knows."""

    @property
    def now(self) -> float:
        """The loop's clock, seconds."""
        return asyncio.get_running_loop().time()

    def agent(self, name: str = "") -> Agent:
        """The agent of that name, or, of one that is no more, the first."""
        return self.agents.get(name) or next(iter(self.agents.values()))

    @property
    def several(self) -> bool:
        """Whether it matters whose words are whose: more than one person, or more than one agent, has taken part."""
        return len(self.agents) > 1 or len(self.people) > 1
