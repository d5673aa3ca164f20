"""Stated figures: each is worked out anew, and what does not add up is said."""

from __future__ import annotations

import pytest

from parley import checked_yaml
from parley.errors import UsageError
from parley.plan import prices, scenario
from parley.plan.checks import Check, checks
from parley.plan.plan import Terms
from parley.plan.prices import Prices
from parley.plan.scenario import Scenario

TELUGU = prices.shipped_text()


def judged(chosen: Scenario, known: Prices) -> dict[str, Check]:
    terms = Terms(chosen.hours_a_day, known.days_a_month, chosen.storage_gb, known.storage.a_gb_month)
    return {check.figure: check for check in checks(known, chosen, terms)}


@pytest.fixture(name="telugu")
def _telugu() -> dict[str, Check]:
    return judged(scenario.find("telugu"), prices.shipped())


@pytest.mark.parametrize(
    ("figure", "stated", "found", "holds"),
    [
        ("a month of 1 L4 for 10 users", "280.80", "280.80", True),
        ("a month of 5 L4 for 50 users", "1,404.00", "1,404.00", True),
        ("a month of 5 A40 for 100 users", "2,484.00", "2,484.00", True),
        ("an hour of one L4, by its month", "0.39", "0.74", None),
        ("an hour of one A40, by its month", "0.69", "1.39", None),
        ("hours a month", "720", "730", None),
        ("users at once on one L4", "8 to 12", "3 (moshi), 8 (moshi-8bit)", False),
        ("users at once on one A40", "15 to 20", "20 (moshi), 25 (moshi-8bit)", None),
        ("A40 is cheaper", "from 80 users on", "from 11 users at times, from 71 on always", None),
        ("38 hours of training on one L4", "18.62", "18.62", True),
        ("an hour of one L4 in training", "0.49", "0.39 and 0.74", False),
        ("operations in twelve months", "23,156.00", "23,155.20", True),
        ("operations, with the users that fit", "23,156.00", "50,112.00", False),
        ("total of twelve months", "23,686.00", "23,685.62", None),
        ("operations, grown from 20 to 150 users", "23,156.00", "28,101.60", False),
        ("hours of speech to train with", "150 to 200", "34.6 GB", True),
    ],
)
def test_every_stated_figure_of_the_telugu_agent_is_worked_out(
    figure: str, stated: str, found: str, holds: bool | None, telugu: dict[str, Check]
) -> None:
    check = telugu[figure]
    assert (check.stated, check.found, check.holds) == (stated, found, holds)


def test_no_figure_is_left_out(telugu: dict[str, Check]) -> None:
    assert len(telugu) == 16


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("users at once on one L4", "memory holds 5, steps within 72 of 80 ms allow 3"),
        ("A40 is cheaper", "at 80 users 259.20 a month less; with 8: from 9 users at times, from 25 on always;"
         " with 12: from 13 users at times, never always; with 3 and 20, which the price file gives: from 4 users on"),
        ("an hour of one L4 in training", "14.82 at 0.39 (spot) or 28.12 at 0.74 (on demand)"),
        ("operations in twelve months", "8 × 5 L4 + 4 × 6 A40; the stated figure adds months that were rounded first"),
        ("operations, with the users that fit", "A40 from the first month on: 23,846.40"),
        ("total of twelve months", "training 18.62 + 1 month of storage 11.00 + recordings of four speakers 500.00; the"
         " other 11 months of storage are left out: 121.00"),
        ("operations, grown from 20 to 150 users", "its last 6 A40 carry 120, the last month needs 8"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_explained(figure: str, words: str, telugu: dict[str, Check]) -> None:
    assert words in telugu[figure].why


def changed(text: str, **stated: object) -> Scenario:
    """The shipped scenario, in which something else was stated."""
    chosen = scenario.find(text)
    return chosen.model_copy(update={"stated": chosen.stated.model_copy(update=stated)})


def test_a_fleet_at_another_price_is_told_with_the_price_that_it_means() -> None:
    fleet = scenario.Fleet(machine="L4", pods=2, users=30, a_month=720)
    check = judged(changed("telugu", fleets=(fleet,)), prices.shipped())["a month of 2 L4 for 30 users"]
    assert check.holds is False
    assert "30 users at 10 a pod need 3; the stated figure means 0.5000 an hour" in check.why


def test_too_few_pods_at_the_right_price_do_not_add_up() -> None:
    fleet = scenario.Fleet(machine="L4", pods=2, users=30, a_month=561.6)
    assert judged(changed("telugu", fleets=(fleet,)), prices.shipped())["a month of 2 L4 for 30 users"].holds is False


@pytest.mark.parametrize(("users", "holds"), [(80, None), (71, None), (70, False), (40, False)])
def test_a_move_holds_only_from_where_the_other_machine_is_always_cheaper(users: int, holds: bool | None) -> None:
    move = scenario.Move(machine="L4", to="A40", users=users)
    assert judged(changed("telugu", move=move), prices.shipped())["A40 is cheaper"].holds is holds


def test_with_other_prices_other_figures_add_up() -> None:
    dearer = checked_yaml.parse(TELUGU.replace("an_hour: 0.39", "an_hour: 0.49"), "p.yaml", Prices, "price file")
    found = judged(scenario.find("telugu"), dearer)
    assert found["a month of 1 L4 for 10 users"].holds is False
    assert "an hour of one L4 in training" not in found, "the price of training is that of hosting"


def test_a_capacity_that_was_measured_judges_what_was_stated() -> None:
    text = TELUGU.replace(
        "step_ms: {1: 56.6, 5: 77.5, 10: 103.7, 12: 114.1}\n    origin: assumed",
        "step_ms: {1: 20, 12: 70}\n    origin: measured",
    ).replace("memory_gb: 24", "memory_gb: 48")
    found = judged(scenario.find("telugu"), checked_yaml.parse(text, "p.yaml", Prices, "price file"))
    check = found["users at once on one L4"]
    assert (check.holds, check.found.partition(" ")[0]) == (True, "12")
    assert "not measured" not in check.why
    assert "operations, with the users that fit" not in found


def test_a_fleet_of_which_nobody_knows_what_it_carries_is_named() -> None:
    fleet = scenario.Fleet(machine="cpu-2", pods=1, users=1, a_month=36)
    with pytest.raises(UsageError, match="one cpu-2 carries of moshi is said neither by the scenario 'telugu'"):
        judged(changed("telugu", fleets=(fleet,)), prices.shipped())


def test_of_a_scenario_that_states_nothing_nothing_is_checked() -> None:
    chosen = scenario.find("telugu").model_copy(update={"stated": scenario.Stated()})
    assert judged(chosen, prices.shipped()) == {}
