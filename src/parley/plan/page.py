"""A plan as a page in one file, with plots."""

from __future__ import annotations

from html import escape

from parley.bench import plots
from parley.bench.document import document, items, table
from parley.plan import report
from parley.plan.checks import Check

_POINTS = 400
"""Of a line in a plot, at most."""
_Lines = list[tuple[str, list[tuple[float, float]]]]


def page(found: report.Report) -> str:
    """All of it as HTML; raises `UsageError` where what draws plots is not installed."""
    currency = found.prices.currency
    facts = {"engine": found.wish.engine, "prices": f"of {found.prices.date}, in {currency}"}
    parts = [
        "<h2>Machines compared</h2>",
        table(report.compared_head(found), report.compared_rows(found), "The same users on each kind of machine alone"),
        items(map(escape, report.even_lines(found))),
        plots.lines("Cost of pods a month by users at once", _by_users(found), currency, "users at once"),
        "<h2>Month by month</h2>",
        table(*report.month_table(found), f"The plan, in {currency}"),
    ]
    if len({month.running_cost for month in found.plan.months}) > 1:
        parts.append(plots.lines("Cost of each month, without what is paid once", _by_month(found), currency, "month"))
    if found.checks:
        parts += ["<h2>Do the stated figures add up?</h2>", items(map(_check, found.checks))]
    sources = (f"{name}: {value} ({origin}: {source})" for name, value, origin, source in report.source_rows(found))
    parts += [
        "<h2>Where the figures are from</h2>",
        items(map(escape, sources)),
        items(map(escape, report.notes(found))),
    ]
    return document(found.title, facts, parts)


def _check(check: Check) -> str:
    verdict = f'<strong class="bad">{check.verdict}</strong>' if check.holds is False else escape(check.verdict)
    figures = f"{escape(check.stated)} stated, {escape(check.found)} worked out: {verdict}"
    return f"<strong>{escape(check.figure)}</strong>: {figures}<br><small>{escape(check.why)}</small>"


def _by_users(found: report.Report) -> _Lines:
    evens = [e.always for e in found.break_evens if e.always is not None]
    most = max(10, *found.wish.users, *(even for even in evens if even <= 10 * max(found.wish.users)))
    most = most * 5 // 4
    shown = range(1, most + 1, max(1, most // _POINTS))
    return [
        (offer.machine, [(float(n), round(found.wish.terms.pods_cost(offer, offer.pods(n)), 2)) for n in shown])
        for offer in (plan.months[0].offer for plan in found.compared)
    ]


def _by_month(found: report.Report) -> _Lines:
    alone = [(f"{plan.months[0].offer.machine} alone", plan) for plan in found.compared]
    return [
        (name, [(float(month.number), round(month.running_cost, 2)) for month in plan.months])
        for name, plan in [*alone, ("the plan", found.plan)]  # the last one is drawn over the others
    ]
