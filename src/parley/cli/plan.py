"""``parley plan``."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.padding import Padding

from parley.bench import plots
from parley.cli.outputs import check_output
from parley.cli.terminal import out, show_rows
from parley.errors import UsageError
from parley.plan import capacity, page, prices, report, scenario
from parley.plan.plan import Terms, grown

_MEASURED = "measured"
"""What a measured machine is called that was given no name."""
_MARKS = {True: "[green]adds up[/]", False: "[red]does not add up[/]", None: "[yellow]leaves something out[/]"}


def plan(
    users: Annotated[int | None, typer.Option(min=1, max=1_000_000, show_default="10", help="Who talk at once")] = None,
    growth: Annotated[
        float | None, typer.Option(min=0, max=1000, show_default="0", help="Percent more users each month")
    ] = None,
    months: Annotated[int | None, typer.Option(min=1, max=60, show_default="12", help="How many months")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.01, max=24, show_default="24", help="Hours a day that pods are up")
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", "-e", show_default="cascade", help="What answers")] = None,
    machine: Annotated[
        str | None,
        typer.Option("--machine", "-m", show_default="what costs least over all months", help="Type of machine (GPU)"),
    ] = None,
    move: Annotated[
        str | None, typer.Option(help="MACHINE@USERS: with so many users or more it is this type instead")
    ] = None,
    storage: Annotated[float | None, typer.Option(min=0, max=1e6, show_default="0", help="GB of a volume")] = None,
    training: Annotated[
        float | None, typer.Option(min=0, max=1e6, help="Hours of one GPU before the first month, of --machine")
    ] = None,
    once: Annotated[float | None, typer.Option(min=0, max=1e9, show_default="0", help="What else is paid once")] = None,
    on_demand: Annotated[
        bool, typer.Option("--on-demand", help="Prices of machines that the provider does not take away")
    ] = False,
    measured: Annotated[
        Path | None,
        typer.Option(help="What parley bench --json wrote: how many that machine carries; --machine says which"),
    ] = None,
    target_p50: Annotated[
        float, typer.Option(min=1, help="With --measured: voice to voice, ms, that half the answers may take")
    ] = capacity.TARGET_P50_MS,
    target_p95: Annotated[
        float, typer.Option(min=1, help="With --measured: ... and 95 % of them")
    ] = capacity.TARGET_P95_MS,
    price: Annotated[
        float | None,
        typer.Option(
            min=0, max=1e6, help="An hour of --machine, or of the measured one; it need not be in the price file"
        ),
    ] = None,
    price_file: Annotated[Path | None, typer.Option("--prices", help="A price file of your own (YAML)")] = None,
    named: Annotated[
        str | None, typer.Option("--scenario", "-s", help="A plan by its name (telugu), or a YAML file; checked")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the price file, or the named scenario, to be changed, and stop")
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="The months as a CSV file")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="All of it as a page with plots")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON on standard output")] = False,
) -> None:
    """Plan hosting: pods, cost a month and a user, which machine is cheaper from when on, totals of a year.

    Examples:

      parley plan --users 50 --engine moshi

      parley plan --users 20 --growth 20 --engine moshi --machine L4 --move A40@80 --storage 100 --training 38

      parley plan --scenario telugu --html plan.html          (and which of its stated figures add up)

      parley bench --callers 1,2,4,8 --json > bench.json; parley plan --users 30 --measured bench.json

      parley plan --show > mine.yaml; parley plan --prices mine.yaml --users 50 --csv plan.csv
    """
    if show:
        _show_file(named)
        return
    for path in filter(None, (csv, html)):
        check_output(path)
    if html is not None:
        plots.library()  # it is missed before the work, not behind it
    known = prices.shipped() if price_file is None else prices.read(price_file)
    given = _Given(users, growth, months, hours, engine, machine, move, storage, training, once, measured, price)
    if named is not None:
        if said := given.names():
            raise UsageError(f"--{said[0]}: the scenario says that itself; --show prints it, change a copy")
        found = report.of_scenario(scenario.find(named), known, on_demand=on_demand)
    else:
        found = _of_options(given, known, target_p50, target_p95, on_demand=on_demand)
    if csv is not None:
        csv.write_text(report.as_csv(found), encoding="utf-8")
    if html is not None:
        html.write_text(page.page(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.as_json(found), ensure_ascii=False))
    else:
        _show(found)


@dataclass(frozen=True, slots=True)
class _Given:
    """Options that make a plan, which a scenario has instead; named as they are."""

    users: int | None
    growth: float | None
    months: int | None
    hours: float | None
    engine: str | None
    machine: str | None
    move: str | None
    storage: float | None
    training: float | None
    once: float | None
    measured: Path | None
    price: float | None

    def names(self, *of: str) -> list[str]:
        """Of those that were given, of these or all."""
        return [f.name for f in fields(self) if getattr(self, f.name) is not None and (not of or f.name in of)]


def _of_options(
    given: _Given, known: prices.Prices, target_p50: float, target_p95: float, *, on_demand: bool
) -> report.Report:
    better: dict[str, capacity.Capacity] = {}
    costs: list[tuple[str, float]] = []
    machine = given.machine or (_MEASURED if given.measured is not None else None)
    if machine is not None:
        known = _priced(known, machine, given.price)
        if given.training:
            costs.append(("training", given.training * known.machine(machine).price(on_demand=on_demand)))
        if given.measured is not None:
            better[machine] = capacity.measured(given.measured, p50_ms=target_p50, p95_ms=target_p95)
    elif about := given.names("price", "move", "training"):
        raise UsageError(f"--{about[0]} needs --machine: which type of machine it is about")
    if given.once:
        costs.append(("other", given.once))
    demand = tuple(grown(given.users or 10, given.growth or 0.0, given.months or 12))
    terms = Terms(given.hours or 24.0, known.days_a_month, given.storage or 0.0, known.storage.a_gb_month, tuple(costs))
    machines = _machines(demand, machine, given.move)
    wish = report.Wish(given.engine or "cascade", demand, terms, machines, on_demand)
    return report.report(f"{demand[0]} users of {wish.engine}", known, wish, better)


def _show_file(named: str | None) -> None:
    if named is None:
        typer.echo(prices.shipped_text(), nl=False)
        return
    if named not in scenario.shipped():
        raise UsageError(f"--show prints what comes with parley: {', '.join(scenario.shipped())}")
    folder = resources.files("parley.plan") / "scenarios"
    typer.echo((folder / f"{named}.yaml").read_text(encoding="utf-8"), nl=False)


def _priced(known: prices.Prices, machine: str, price: float | None) -> prices.Prices:
    """With the price that was given for a machine, which may be a new one."""
    if price is None and machine != _MEASURED:
        return known
    names = [one.name for one in known.machines]
    said = {"an_hour": price, "on_demand": None, "origin": "stated", "source": "--price"}
    if price is None:
        said |= {
            "an_hour": 0.0,
            "origin": "assumed",
            "source": "a machine of your own; --price says what an hour costs",
        }
    if machine in names:
        machines = [one.model_copy(update=said) if one.name == machine else one for one in known.machines]
    else:
        machines = [*known.machines, prices.Machine.model_validate({"name": machine, **said})]
    return known.model_copy(update={"machines": tuple(machines)})


def _machines(demand: tuple[int, ...], machine: str | None, move: str | None) -> tuple[str, ...]:
    if machine is None:
        return ()
    if move is None:
        return (machine,) * len(demand)
    other, _, users = move.rpartition("@")
    if not other or not users.isdecimal():
        raise UsageError(f"--move '{move}' is not MACHINE@USERS, such as A40@80")
    return tuple(other if n >= int(users) else machine for n in demand)


def _show(found: report.Report) -> None:
    out.print(f"[bold]{escape(found.title)}[/]", highlight=False)
    show_rows(report.compared_head(found), report.compared_rows(found))
    for line in report.even_lines(found):
        out.print(escape(line), highlight=False)
    out.print()
    show_rows(*report.month_table(found))
    if found.checks:
        out.print("\n[bold]Do the stated figures add up?[/]", highlight=False)
    for check in found.checks:
        figure = f"{escape(check.figure)}: {escape(check.stated)} stated, {escape(check.found)} worked out, "
        out.print(figure + _MARKS[check.holds], highlight=False)
        out.print(Padding(f"[dim]{escape(check.why)}[/]", (0, 0, 0, 2)), highlight=False)
    out.print("\n[bold]Where the figures are from[/]", highlight=False)
    for figure, value, origin, source in report.source_rows(found):
        out.print(f"{escape(figure)}: {escape(value)}, {origin}: {escape(source)}", style="dim", highlight=False)
    for line in report.notes(found):
        out.print(escape(line), highlight=False)
