"""Whether figures that somebody has stated add up: each is worked out anew, and the difference explained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from parley.errors import UsageError
from parley.plan.capacity import Capacity, carried
from parley.plan.plan import BreakEven, Offer, Plan, Terms, break_even, made, money
from parley.plan.prices import Prices
from parley.plan.scenario import AtOnce, Fleet, Move, Scenario, Year

_RATE_HZ, _BYTES = 24_000, 2
"""Of recordings to train with: what Moshi's codec takes, one channel."""
_HALF = 0.5
"""Figures without hundredths may be half of one off."""


@dataclass(frozen=True, slots=True)
class Check:
    """A stated figure and what becomes of it when it is worked out."""

    figure: str
    stated: str
    found: str
    holds: bool | None
    """None: the sum is right, and leaves something out."""
    why: str

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "adds up", False: "does not add up", None: "leaves something out"}[self.holds]


def checks(prices: Prices, scenario: Scenario, terms: Terms) -> list[Check]:
    """Every figure of a scenario that was stated, in the order of the file, by the lowest prices."""
    return list(_Checking(prices, scenario, terms).all())


@dataclass(frozen=True, slots=True)
class _Checking:
    prices: Prices
    scenario: Scenario
    terms: Terms

    @property
    def plan(self) -> Plan:
        """As the scenario has it."""
        return made(
            [(s.users, self._offer(s.machine)) for s in self.scenario.months for _ in range(s.months)], self.terms
        )

    def all(self) -> Iterator[Check]:
        stated = self.scenario.stated
        yield from map(self._fleet, stated.fleets)
        if stated.fleets:
            yield from self._spot(stated.fleets)
            yield self._hours()
        yield from map(self._at_once, stated.at_once)
        if stated.move is not None:
            yield self._move(stated.move)
        if stated.training is not None:
            yield from self._training(stated.training)
        if stated.year is not None:
            yield self._operations(stated.year)
            yield from self._possible_operations(stated.year)
            yield from (self._total(stated.year), self._growth(stated.year))
        if stated.speech_hours is not None:
            yield self._speech(*stated.speech_hours)

    def _offer(self, machine: str, users: int | None = None) -> Offer:
        users = users or self.scenario.users_a_pod.get(machine) or self._possible(machine)
        if not users:
            raise UsageError(
                f"how many users one {machine} carries of {self.scenario.engine} is said neither by the scenario"
                f" '{self.scenario.name}' (users_a_pod) nor by the price file (capacity)"
            )
        return Offer(machine, self.prices.machine(machine).an_hour, Capacity(users, "stated", self.scenario.title))

    def _possible(self, machine: str, engine: str | None = None) -> int | None:
        """How many users the price file gives a machine."""
        found = carried(self.prices, self.prices.engine(engine or self.scenario.engine), machine)
        return None if found is None else found.users

    def _fleet(self, fleet: Fleet) -> Check:
        offer = self._offer(fleet.machine)
        cost, needed = self.terms.pods_cost(offer, fleet.pods), offer.pods(fleet.users)
        why = (
            f"{fleet.pods} × {offer.an_hour:g} an hour × {self.terms.hours_a_month:g} hours,"
            f" {money(cost / fleet.users)} a user; {fleet.users} users at {offer.capacity.users} a pod need {needed}"
        )
        holds = abs(cost - fleet.a_month) < 0.005 and needed == fleet.pods
        if abs(cost - fleet.a_month) >= 0.005:
            implied = fleet.a_month / fleet.pods / self.terms.hours_a_month
            why += f"; the stated figure means {implied:.4f} an hour"
        figure = f"a month of {fleet.pods} {fleet.machine} for {fleet.users} users"
        return Check(figure, money(fleet.a_month), money(cost), holds, why)

    def _spot(self, fleets: Sequence[Fleet]) -> Iterator[Check]:
        first: dict[str, Fleet] = {}
        for fleet in fleets:
            first.setdefault(fleet.machine, fleet)
        for name, fleet in first.items():
            machine = self.prices.machine(name)
            implied = fleet.a_month / fleet.pods / self.terms.hours_a_month
            if machine.on_demand is None:
                continue
            lasting = machine.on_demand * self.terms.hours_a_month
            why = (
                f"{money(machine.an_hour)} is the price of a machine that the provider may take away at any time; one"
                f" that stays costs {money(lasting)} a month"
            )
            yield Check(f"an hour of one {name}, by its month", money(implied), money(machine.on_demand), None, why)

    def _hours(self) -> Check:
        month, year = self.terms.hours_a_month, self.terms.hours_a_day * 365 / 12
        more = 100 * year / month - 100
        why = f"twelve months of {self.terms.days_a_month:g} days are not a year: it costs {more:.1f} % more"
        return Check("hours a month", f"{month:g}", f"{year:g}", None, why)

    def _at_once(self, at_once: AtOnce) -> Check:
        engine = self.scenario.engine
        stated = f"{at_once.least} to {at_once.most}"
        others = [e.name for e in self.prices.engines if e.frame_ms is not None and e.name != engine]
        found = {name: self._possible(at_once.machine, name) for name in (engine, *others)}
        shown = ", ".join(f"{users} ({name})" for name, users in found.items() if users is not None)
        figure = f"users at once on one {at_once.machine}"
        capacity = carried(self.prices, self.prices.engine(engine), at_once.machine)
        if capacity is None:
            return Check(figure, stated, shown or "?", None, f"the price file says nothing about {engine} on it")
        why = f"{engine}: {capacity.why}"
        holds: bool | None = at_once.most <= capacity.users
        if capacity.origin != "measured":  # a bound can refute, and cannot confirm
            why, holds = f"{why}; at most so many, not measured", None if holds else False
        return Check(figure, stated, shown, holds, why)

    def _move(self, move: Move) -> Check:
        small, large = self._offer(move.machine), self._offer(move.to)
        found, hours = break_even(small, large), self.terms.hours_a_month
        saved = (small.pods(move.users) * small.an_hour - large.pods(move.users) * large.an_hour) * hours
        told = [
            f"with {small.capacity.users} on one {small.machine} and {large.capacity.users} on one {large.machine}; at"
            f" {move.users} users {money(abs(saved))} a month {'less' if saved > 0 else 'more'}"
        ]
        at_once = next((a for a in self.scenario.stated.at_once if a.machine == move.machine), None)
        told += [
            f"with {users}: {in_words(break_even(self._offer(move.machine, users), large))}"
            for users in ((at_once.least, at_once.most) if at_once else ())
        ]
        possible = self._possible(move.machine), self._possible(move.to)
        if all(possible) and possible != (small.capacity.users, large.capacity.users):
            offers = (self._offer(move.machine, possible[0]), self._offer(move.to, possible[1]))
            told.append(
                f"with {possible[0]} and {possible[1]}, which the price file gives: {in_words(break_even(*offers))}"
            )
        holds = None if found.always is not None and found.always <= move.users else False  # None: cheaper before that
        holds = True if found.first == found.always == move.users else holds
        return Check(f"{move.to} is cheaper", f"from {move.users} users on", in_words(found), holds, "; ".join(told))

    def _training(self, stated: float) -> Iterator[Check]:
        training = self.scenario.training
        if training is None:
            return
        cost, machine = training.hours * training.an_hour, self.prices.machine(training.machine)
        figure = f"{training.hours:g} hours of training on one {training.machine}"
        yield Check(figure, money(stated), money(cost), abs(cost - stated) < 0.005,
                    f"{training.hours:g} × {training.an_hour:g} an hour")  # fmt: skip
        known = {machine.an_hour: "spot"} | ({machine.on_demand: "on demand"} if machine.on_demand is not None else {})
        if training.an_hour not in known:
            told = " or ".join(
                f"{money(training.hours * price)} at {price:g} ({kind})" for price, kind in known.items()
            )
            prices = " and ".join(f"{price:g}" for price in known)
            why = f"the same machine has one price in training and another in hosting: it would be {told}"
            yield Check(f"an hour of one {training.machine} in training", f"{training.an_hour:g}", prices, False, why)

    def _operations(self, year: Year) -> Check:
        cost = self.plan.pods_cost
        stretches = " + ".join(
            f"{s.months} × {self._offer(s.machine).pods(s.users)} {s.machine}" for s in self.scenario.months
        )
        rounded = sum(round(month.pods_cost) for month in self.plan.months)
        holds, why = abs(cost - year.operations) <= _HALF, stretches
        if not holds and abs(rounded - year.operations) <= _HALF:
            holds, why = True, f"{stretches}; the stated figure adds months that were rounded first"
        return Check("operations in twelve months", money(year.operations), money(cost), holds, why)

    def _possible_operations(self, year: Year) -> Iterator[Check]:
        """The same months, with as many users a pod as the price file gives where that is less."""
        months = [s for s in self.scenario.months for _ in range(s.months)]
        given = {s.machine: self._possible(s.machine) for s in months}
        fewer = {name: users for name, users in given.items() if users and users < self._offer(name).capacity.users}
        if not fewer:
            return
        plan = made([(s.users, self._offer(s.machine, fewer.get(s.machine))) for s in months], self.terms)
        told = " and ".join(f"{users} on one {name}" for name, users in fewer.items())
        alone = {
            name: made([(s.users, self._offer(name, users)) for s in months], self.terms).pods_cost
            for name, users in given.items() if users
        }  # fmt: skip
        cheapest = min(alone, key=alone.__getitem__)
        why = f"with {told}, which the price file gives; {cheapest} from the first month on: {money(alone[cheapest])}"
        holds = abs(plan.pods_cost - year.operations) <= _HALF
        yield Check("operations, with the users that fit", money(year.operations), money(plan.pods_cost), holds, why)

    def _total(self, year: Year) -> Check:
        training, month = self.scenario.training, self.terms.storage_gb * self.terms.a_gb_month
        parts = {"operations": year.operations}
        if training is not None:
            parts["training"] = training.hours * training.an_hour
        parts[f"{year.storage_months} month of storage"] = year.storage_months * month
        parts |= self.scenario.once
        cost = math.fsum(parts.values())
        holds: bool | None = abs(cost - year.total) <= _HALF
        why = " + ".join(f"{name} {money(part)}" for name, part in parts.items())
        if left := len(self.plan.months) - year.storage_months:
            why += f"; the other {left} months of storage are left out: {money(left * month)}"
            holds = None if holds else False
        return Check("total of twelve months", money(year.total), money(cost), holds, why)

    def _growth(self, year: Year) -> Check:
        """Fleets for the average of some months do not carry their last one."""
        steps = range(12)
        users = [math.ceil(year.from_users + (year.to_users - year.from_users) * step / 11) for step in steps]
        move = self.scenario.stated.move
        offers = [self._offer(s.machine) for s in self.scenario.months]
        if move is not None:
            small, large = self._offer(move.machine), self._offer(move.to)
            demand = [(n, large if n >= move.users else small) for n in users]
        else:
            demand = [(n, offers[0]) for n in users]
        grown = made(demand, Terms(self.terms.hours_a_day, self.terms.days_a_month))
        last, there = grown.months[-1], self.plan.months[-1]
        why = (
            f"by a straight line from {year.from_users} to {year.to_users} users, each month with the pods that it"
            f" needs; the stated fleet is for averages: its last {there.pods} {there.offer.machine} carry"
            f" {there.pods * there.offer.capacity.users}, the last month needs {last.pods}"
        )
        figure = f"operations, grown from {year.from_users} to {year.to_users} users"
        holds = abs(grown.pods_cost - year.operations) <= _HALF
        return Check(figure, money(year.operations), money(grown.pods_cost), holds, why)

    def _speech(self, least: float, most: float) -> Check:
        volume = most * 3600 * _RATE_HZ * _BYTES / 1e9
        why = f"{most:g} hours at 24 kHz, 16 bits, one channel; the volume has {self.terms.storage_gb:g} GB"
        if (training := self.scenario.training) is not None:
            pace = most / training.hours
            why += f"; one pass in all {training.hours:g} hours of training goes {pace:.1f} times as fast as speech"
        holds = volume <= self.terms.storage_gb
        return Check("hours of speech to train with", f"{least:g} to {most:g}", f"{volume:.1f} GB", holds, why)


def in_words(found: BreakEven) -> str:
    """From how many users on the larger machines are cheaper."""
    if found.first is None:
        return "never"
    if found.always is None:
        return f"from {found.first} users at times, never always"
    if found.first == found.always:
        return f"from {found.first} users on"
    return f"from {found.first} users at times, from {found.always} on always"
