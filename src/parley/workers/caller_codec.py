"""On whose behalf a model works, as it travels."""

from __future__ import annotations

from typing import cast

from parley.models.interfaces import Caller, Priority
from parley.v1 import common_pb2


def to_wire(caller: Caller) -> common_pb2.Caller:
    """For a request."""
    priority = cast("common_pb2.Priority.ValueType", int(caller.priority))
    return common_pb2.Caller(owner=caller.owner, priority=priority)


def from_wire(message: common_pb2.Caller, session: str = "") -> Caller:
    """Of a request; without an owner it is the session's. A priority that is not known here yet is the lowest."""
    known = int(message.priority) in list(Priority)
    return Caller(message.owner or session, Priority(message.priority) if known else Priority.BACKGROUND)
