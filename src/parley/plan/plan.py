"""Plans: how many pods, month by month, what they cost, and from how many users on another machine is cheaper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from parley.plan.capacity import Capacity


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of machine that is to be had."""

    machine: str
    an_hour: float
    """Price."""
    capacity: Capacity
    """At least one user: what carries nobody is no offer."""

    def pods(self, users: int) -> int:
        """How many machines carry so many users at once."""
        return -(-users // self.capacity.users)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for every kind of machine."""

    hours_a_day: float = 24.0
    days_a_month: float = 30.0
    storage_gb: float = 0.0
    a_gb_month: float = 0.0
    once: tuple[tuple[str, float], ...] = ()
    """Paid in the first month: what for, how much."""

    @property
    def hours_a_month(self) -> float:
        """How long a pod runs."""
        return self.hours_a_day * self.days_a_month

    def pods_cost(self, offer: Offer, pods: int) -> float:
        """Of a month."""
        return pods * offer.an_hour * self.hours_a_month


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a plan."""

    number: int
    """From 1."""
    users: int
    offer: Offer
    pods: int
    pods_cost: float
    storage_cost: float
    once_cost: float

    @property
    def cost(self) -> float:
        """All of it."""
        return self.pods_cost + self.storage_cost + self.once_cost

    @property
    def running_cost(self) -> float:
        """Without what is paid once."""
        return self.pods_cost + self.storage_cost

    @property
    def cost_a_user(self) -> float:
        """Without what is paid once."""
        return self.running_cost / self.users


@dataclass(frozen=True, slots=True)
class Plan:
    """Months in their order."""

    months: tuple[Month, ...]
    once: tuple[tuple[str, float], ...] = field(default=())

    @property
    def pods_cost(self) -> float:
        """Of all months."""
        return math.fsum(month.pods_cost for month in self.months)

    @property
    def storage_cost(self) -> float:
        """Of all months."""
        return math.fsum(month.storage_cost for month in self.months)

    @property
    def once_cost(self) -> float:
        """What is paid once."""
        return math.fsum(month.once_cost for month in self.months)

    @property
    def cost(self) -> float:
        """All of it."""
        return math.fsum(month.cost for month in self.months)


def made(demand: Sequence[tuple[int, Offer]], terms: Terms) -> Plan:
    """A plan of months, each with its users at once and the machines that carry them."""
    months = []
    for number, (users, offer) in enumerate(demand, 1):
        pods = offer.pods(users)
        once = math.fsum(cost for _, cost in terms.once) if number == 1 else 0.0
        storage = terms.storage_gb * terms.a_gb_month
        months.append(Month(number, users, offer, pods, terms.pods_cost(offer, pods), storage, once))
    return Plan(tuple(months), terms.once)


def grown(users: int, percent: float, months: int) -> list[int]:
    """Users at once in each month, so much more than in the month before; a part of a user is a whole one."""
    return [math.ceil(round(users * (1 + percent / 100) ** month, 6)) for month in range(months)]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Two kinds of machine: which is cheaper when few are served, and from when on the other one is."""

    small: Offer
    """The one with the cheaper machine."""
    large: Offer
    first: int | None
    """The fewest users whom the larger machines serve for less; None: there is no such number."""
    always: int | None
    """From so many users on they are cheaper whatever their number; None: never for good."""


def break_even(one: Offer, other: Offer) -> BreakEven:
    """Compare two kinds of machine over all numbers of users.

    What the smaller machines cost more repeats itself, but for a slope, after as many users as both fill without a seat
    left over: so what is seen in that many tells about all.
    """
    small, large = sorted((one, other), key=lambda offer: (offer.an_hour, -offer.capacity.users))
    period = math.lcm(small.capacity.users, large.capacity.users)
    slope = _saved(small, large, period)
    saved = [_saved(small, large, users) for users in range(1, period + 1)]
    first = next((users for users, more in enumerate(saved, 1) if more > 0), None)
    if slope <= 0:
        return BreakEven(small, large, first, None)
    # in how many further periods the slope has made up for what the larger machines cost more
    dearer = [users + period * math.floor(-more / slope + 1e-9) for users, more in enumerate(saved, 1) if more <= 0]
    first = first or min(users + period for users in dearer)
    return BreakEven(small, large, first, max(dearer, default=0) + 1)


def _saved(small: Offer, large: Offer, users: int) -> float:
    """What the larger machines cost less in an hour, to a hundredth of a cent."""
    return round(small.pods(users) * small.an_hour - large.pods(users) * large.an_hour, 4)


def money(amount: float) -> str:
    """To the hundredth, thousands apart; without a currency."""
    return f"{amount:,.2f}"
