"""What a plan says, as rows, sentences, CSV and JSON; `page` makes HTML of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

from parley.errors import UsageError
from parley.plan.capacity import Capacity, carried
from parley.plan.checks import Check, checks, in_words
from parley.plan.plan import BreakEven, Offer, Plan, Terms, break_even, made, money
from parley.plan.prices import Prices
from parley.plan.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be hosted."""

    engine: str
    users: tuple[int, ...]
    """At once, in each month."""
    terms: Terms
    machines: tuple[str, ...] = ()
    """In each month; none: that which costs least over all months."""
    on_demand: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown."""

    title: str
    prices: Prices
    wish: Wish
    plan: Plan
    compared: tuple[Plan, ...]
    """The same months on each kind of machine alone."""
    break_evens: tuple[BreakEven, ...]
    left_out: tuple[tuple[str, str], ...]
    """Machines that carry nobody, and why."""
    checks: tuple[Check, ...] = ()


def offers(
    prices: Prices, wish: Wish, better_known: Mapping[str, Capacity]
) -> tuple[dict[str, Offer], list[tuple[str, str]]]:
    """Kinds of machines that carry the engine, and those that carry nobody with the reason.

    `better_known`: capacities that count before the price file's, such as measured ones. What the file says nothing
    about is in neither.
    """
    engine = prices.engine(wish.engine)
    found, left_out = {}, []
    for machine in prices.machines:
        capacity = better_known.get(machine.name) or carried(prices, engine, machine.name)
        if capacity is None:
            continue
        if capacity.users:
            found[machine.name] = Offer(machine.name, machine.price(on_demand=wish.on_demand), capacity)
        else:
            left_out.append((machine.name, capacity.why))
    return found, left_out


def report(
    title: str, prices: Prices, wish: Wish, better_known: Mapping[str, Capacity], checked: Sequence[Check] = ()
) -> Report:
    """Plan it; raises `UsageError` where no machine, or not the wanted one, carries the engine."""
    found, left_out = offers(prices, wish, better_known)
    for name in wish.machines:
        prices.machine(name)
        if why := dict(left_out).get(name):
            raise UsageError(f"{name} carries nobody with {wish.engine}: {why}")
        if name not in found:
            raise UsageError(
                f"the price file does not say what {name} carries of {wish.engine}: add it to its capacity, or give"
                " what parley bench --json wrote with --measured"
            )
    if not found:
        why = "; ".join(f"{name}: {reason}" for name, reason in left_out)
        raise UsageError(f"no machine of the price file carries {wish.engine}{f' ({why})' if why else ''}")
    compared = tuple(made([(n, offer) for n in wish.users], wish.terms) for offer in found.values())
    if wish.machines:
        demand = zip(wish.users, wish.machines, strict=True)
        plan = made([(n, found[name]) for n, name in demand], wish.terms)
    else:
        plan = min(compared, key=lambda one: one.cost)
    evens = tuple(break_even(one, other) for one, other in combinations(found.values(), 2))
    return Report(title, prices, wish, plan, compared, evens, tuple(left_out), tuple(checked))


def of_scenario(chosen: Scenario, prices: Prices, *, on_demand: bool) -> Report:
    """Of a scenario, with what becomes of its stated figures; raises `UsageError`."""
    costs = list(chosen.once.items())
    if chosen.training is not None:
        costs.insert(0, ("training", chosen.training.hours * chosen.training.an_hour))
    storage = prices.storage.a_gb_month
    terms = Terms(chosen.hours_a_day, prices.days_a_month, chosen.storage_gb, storage, tuple(costs))
    months = [stretch for stretch in chosen.months for _ in range(stretch.months)]
    users, machines = tuple(m.users for m in months), tuple(m.machine for m in months)
    stated = {
        name: Capacity(users, "stated", f"by the scenario '{chosen.name}'")
        for name, users in chosen.users_a_pod.items()
    }
    wish = Wish(chosen.engine, users, terms, machines, on_demand)
    return report(chosen.title, prices, wish, stated, checks(prices, chosen, terms))


# -- rows -------------------------------------------------------------------------------------------------


def compared_head(found: Report) -> tuple[str, ...]:
    """Of `compared_rows`."""
    return (
        "machine",
        "users a pod",
        "an hour",
        "pods",
        f"{found.prices.currency} a month",
        "a user",
        _all_months(found),
    )


def _all_months(found: Report) -> str:
    return f"{len(found.wish.users)} months"


def compared_rows(found: Report) -> list[tuple[str, ...]]:
    """A line for each kind of machine; where the first and the last month differ, both."""
    rows: list[tuple[str, ...]] = []
    for plan in found.compared:
        first, last = plan.months[0], plan.months[-1]
        offer = first.offer
        rows.append((
            offer.machine, f"{offer.capacity.users} ({offer.capacity.origin})", f"{offer.an_hour:g}",
            _span(str(first.pods), str(last.pods)), _span(money(first.running_cost), money(last.running_cost)),
            _span(money(first.cost_a_user), money(last.cost_a_user)), money(plan.cost),
        ))  # fmt: skip
    return rows


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} → {last}"


def month_table(found: Report) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A head, and rows: months that are alike in one line, then their sum; what costs nothing has no column."""
    plan = found.plan
    parts = {"pods' cost": "pods_cost", "storage": "storage_cost", "once": "once_cost"}
    shown = {name: part for name, part in parts.items() if getattr(plan, part) or part == "pods_cost"}
    head = ("month", "users", "machine", "pods", *shown, "all", "a user")
    rows: list[tuple[str, ...]] = []
    for _, alike in groupby(plan.months, key=lambda m: (m.users, m.offer.machine, m.once_cost)):
        months = list(alike)
        first, last = months[0], months[-1]
        number = str(first.number) if first is last else f"{first.number} to {last.number} each"
        costs = [money(getattr(first, part)) for part in shown.values()]
        rows.append((number, str(first.users), first.offer.machine, str(first.pods), *costs, money(first.cost),
                     money(first.cost_a_user)))  # fmt: skip
    sums = [money(getattr(plan, part)) for part in shown.values()]
    return head, [*rows, ("all", "–", "–", "–", *sums, money(plan.cost), "–")]


def source_rows(found: Report) -> list[tuple[str, ...]]:
    """Where prices and capacities of the compared machines are from: what, how much, origin, source."""
    rows: list[tuple[str, ...]] = []
    for plan in found.compared:
        offer = plan.months[0].offer
        machine = found.prices.machine(offer.machine)
        price = f"{offer.an_hour:g} {found.prices.currency} an hour"
        rows.append((f"{offer.machine}, price", price, machine.origin, machine.source))
        told = f"{offer.capacity.users} at once"
        rows.append((f"{offer.machine}, users", told, offer.capacity.origin, offer.capacity.why))
    engine = found.prices.engine(found.wish.engine)
    if engine.weights_gb:
        told = f"{engine.weights_gb:g} GB, and {engine.session_gb:g} GB a conversation"
        rows.append((f"{engine.name}, memory", told, engine.origin, engine.source))
    if found.wish.terms.storage_gb:
        storage = found.prices.storage
        rows.append(("storage", f"{storage.a_gb_month:g} a GB and month", storage.origin, storage.source))
    return rows


def even_lines(found: Report) -> list[str]:
    """A sentence for each two kinds of machine, and one for each that carries nobody."""
    told = [f"{e.large.machine} is cheaper than {e.small.machine}: {in_words(e)}." for e in found.break_evens]
    return [*told, *(f"{name} carries nobody: {why}." for name, why in found.left_out)]


def notes(found: Report) -> list[str]:
    """What the figures mean and do not mean."""
    terms, used = found.wish.terms, {month.offer.machine: month.offer for month in found.plan.months}
    told = [
        f"Prices are of {found.prices.date}; a pod costs whether anybody talks or not, {terms.hours_a_day:g} hours on"
        f" {terms.days_a_month:g} days a month."
    ]
    if not found.wish.on_demand and any(found.prices.machine(name).on_demand is not None for name in used):
        told.append("At these prices the provider may take machines away; --on-demand plans with those that stay.")
    if unseen := [name for name, offer in used.items() if offer.capacity.origin != "measured"]:
        told.append(
            f"What {' and '.join(unseen)} can carry was not measured: run parley bench --callers 1,2,4 --json there,"
            " and give what it wrote with --measured."
        )
    return told


# -- files ------------------------------------------------------------------------------------------------


def as_csv(found: Report) -> str:
    """A line for each month, and a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("month", "users", "machine", "pods", "pods_cost", "storage_cost", "once_cost", "cost",
                     "cost_a_user", "currency"))  # fmt: skip
    for month in found.plan.months:
        costs = (month.pods_cost, month.storage_cost, month.once_cost, month.cost, month.cost_a_user)
        writer.writerow((month.number, month.users, month.offer.machine, month.pods,
                         *(f"{cost:.2f}" for cost in costs), found.prices.currency))  # fmt: skip
    return text.getvalue()


def as_json(found: Report) -> dict[str, Any]:
    """All of it as JSON values; costs to the hundredth."""
    wish = found.wish
    return {
        "title": found.title, "engine": wish.engine, "hours_a_day": wish.terms.hours_a_day,
        "days_a_month": wish.terms.days_a_month, "prices": {"date": str(found.prices.date),
                                                             "currency": found.prices.currency},
        "plan": _plan_json(found.plan),
        "compared": [_plan_json(plan) for plan in found.compared],
        "break_even": [
            {"small": e.small.machine, "large": e.large.machine, "first": e.first, "always": e.always}
            for e in found.break_evens
        ],
        "left_out": [{"machine": name, "why": why} for name, why in found.left_out],
        "checks": [
            {"figure": c.figure, "stated": c.stated, "found": c.found, "holds": c.holds, "verdict": c.verdict,
             "why": c.why}
            for c in found.checks
        ],
        "notes": notes(found),
    }  # fmt: skip


def _plan_json(plan: Plan) -> dict[str, Any]:
    used = {month.offer.machine: month.offer for month in plan.months}
    return {
        "machines": [
            {"machine": name, "an_hour": offer.an_hour, "users_a_pod": offer.capacity.users,
             "origin": offer.capacity.origin, "why": offer.capacity.why}
            for name, offer in used.items()
        ],
        "months": [
            {"month": m.number, "users": m.users, "machine": m.offer.machine, "pods": m.pods,
             "pods_cost": round(m.pods_cost, 2), "storage_cost": round(m.storage_cost, 2),
             "once_cost": round(m.once_cost, 2), "cost": round(m.cost, 2), "cost_a_user": round(m.cost_a_user, 2)}
            for m in plan.months
        ],
        "once": {name: round(cost, 2) for name, cost in plan.once},
        "pods_cost": round(plan.pods_cost, 2), "storage_cost": round(plan.storage_cost, 2),
        "once_cost": round(plan.once_cost, 2), "cost": round(plan.cost, 2),
    }  # fmt: skip
