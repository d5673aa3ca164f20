"""``parley plan``: figures of a scenario, files, and what is asked for wrongly is named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from parley.cli import app
from parley.plan import prices
from tests.plan.test_capacity import load, written


def plan(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["plan", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def planned(*arguments: str) -> dict[str, Any]:
    code, output = plan(*arguments, "--json")
    assert code == 0, output
    found: dict[str, Any] = json.loads(output)
    return found


def test_the_named_scenario_shows_every_stated_figure_and_which_do_not_add_up() -> None:
    code, output = plan("--scenario", "telugu")
    assert code == 0
    for figure in ("280.80", "1,404.00", "2,484.00", "18.62", "23,156.00", "23,686.00", "8 to 12", "from 80 users on",
                   "150 to 200", "38 hours"):  # fmt: skip
        assert figure in output
    assert output.count("does not add up") == 4


def test_the_same_months_by_options() -> None:
    found = planned("-e", "moshi-8bit", "-m", "A40", "--users", "50", "--months", "3", "--storage", "100",
                    "--training", "38", "--once", "500", "--hours", "12")  # fmt: skip
    months = found["plan"]["months"]
    assert [m["pods"] for m in months] == [2, 2, 2]
    assert [m["pods_cost"] for m in months] == [496.8] * 3
    assert found["plan"]["once"] == {"training": 26.22, "other": 500}
    assert found["plan"]["cost"] == pytest.approx(3 * (496.8 + 11) + 526.22)


def test_users_grow_and_move_to_another_machine() -> None:
    found = planned(
        "-e", "moshi-8bit", "-m", "L4", "--move", "A40@80", "--users", "20", "--growth", "50", "--months", "5"
    )
    assert [(m["users"], m["machine"]) for m in found["plan"]["months"]] == [
        (20, "L4"), (30, "L4"), (45, "L4"), (68, "L4"), (102, "A40"),
    ]  # fmt: skip


def test_prices_of_machines_that_stay() -> None:
    spot, lasting = (planned("-e", "moshi", "-m", "A40", *more) for more in ((), ("--on-demand",)))
    assert (spot["plan"]["pods_cost"], lasting["plan"]["pods_cost"]) == (5961.6, 12009.6)


def test_a_measured_machine_need_not_be_in_the_price_file(tmp_path: Path) -> None:
    bench = str(written([load(1, 400), load(2, 450), load(4, 1200)], tmp_path / "bench.json"))
    found = planned("--measured", bench, "-m", "my box", "--price", "0.1", "--users", "5")
    (machine,) = found["plan"]["machines"]
    assert (machine["users_a_pod"], machine["origin"], machine["an_hour"]) == (2, "measured", 0.1)
    assert found["plan"]["months"][0]["pods"] == 3
    own = planned("--measured", bench, "--users", "5")["plan"]
    assert (own["machines"][0]["machine"], own["cost"], own["months"][0]["pods"]) == ("measured", 0, 3)
    relaxed = planned("--measured", bench, "-m", "cpu-2", "--target-p50", "1200", "--users", "5")
    assert relaxed["plan"]["months"][0]["pods"] == 2


def test_a_price_file_of_ones_own_begins_as_the_shipped_one(tmp_path: Path) -> None:
    code, text = plan("--show")
    assert (code, text) == (0, prices.shipped_text())
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("an_hour: 0.69", "an_hour: 0.5"))
    assert planned("--prices", str(mine), "-e", "moshi", "-m", "A40")["plan"]["months"][0]["pods_cost"] == 360


def test_a_scenario_of_ones_own_begins_as_a_shipped_one(tmp_path: Path) -> None:
    _, text = plan("--show", "--scenario", "telugu")
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("hours: 38", "hours: 76"))
    found = planned("--scenario", str(mine))
    assert found["plan"]["once"]["training"] == 37.24


def test_files_are_written_beside_what_is_shown(tmp_path: Path) -> None:
    code, output = plan("--csv", str(tmp_path / "p.csv"), "--html", str(tmp_path / "p.html"), "--users", "9")
    assert code == 0
    assert "9 users of cascade" in output
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert len(rows) == 12
    assert (tmp_path / "p.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--scenario", "telgu"], "no scenario 'telgu'; there are telugu"),
        (["--scenario", "telugu", "--users", "5"], "--users: the scenario says that itself"),
        (["--scenario", "telugu", "--hours", "8"], "--hours: the scenario says that itself"),
        (["--show", "--scenario", "mine.yaml"], "--show prints what comes with parley: telugu"),
        (["--engine", "mushi"], "no engine 'mushi'"),
        (["--machine", "L5"], "no machine 'L5'"),
        (["--machine", "A40"], "does not say what A40 carries of cascade"),
        (["--move", "A40@80"], "--move needs --machine"),
        (["--price", "1"], "--price needs --machine"),
        (["--training", "38"], "--training needs --machine"),
        (["--measured", "bench.json"], "bench.json: cannot be read"),
        (["-e", "moshi", "-m", "L4", "--move", "A40"], "'A40' is not MACHINE@USERS"),
        (["-e", "moshi", "-m", "L4", "--move", "A40@many"], "'A40@many' is not MACHINE@USERS"),
        (["--prices", "no.yaml"], "no.yaml: cannot be read"),
        (["--prices", "bad.yaml"], "bad.yaml:2: currency: "),
        (["-m", "cpu-2", "--measured", "bad.yaml"], "bad.yaml:1: not JSON"),
        (["--csv", "no/plan.csv"], "the folder no does not exist"),
        (["--html", "no/plan.html"], "the folder no does not exist"),
    ],
)
def test_what_is_asked_for_wrongly_is_named(
    options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("date: 2026-01-01\ncurrency: dollars\n")
    code, output = plan(*options)
    assert code != 0
    assert words in output
    assert not list(tmp_path.glob("plan.*"))
