"""Plans: pods, costs and break-evens hold for all users and prices."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.plan.capacity import Capacity
from parley.plan.plan import Offer, Terms, break_even, grown, made


def offer(an_hour: float, users: int, name: str = "L4") -> Offer:
    return Offer(name, an_hour, Capacity(users, "stated", "for a test"))


OFFERS = st.builds(offer, st.integers(1, 500).map(lambda cents: cents / 100), st.integers(1, 40))
USERS = st.integers(1, 5000)


@pytest.mark.parametrize(("users", "pods"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_a_pod_more_is_taken_for_the_first_user_who_finds_no_seat(users: int, pods: int) -> None:
    assert offer(0.39, 10).pods(users) == pods


@given(OFFERS, USERS, USERS)
def test_more_users_never_need_fewer_pods(one: Offer, users: int, more: int) -> None:
    assert one.pods(users) <= one.pods(users + more)
    assert (one.pods(users) - 1) * one.capacity.users < users <= one.pods(users) * one.capacity.users


@given(
    st.lists(st.tuples(USERS, OFFERS), min_size=1, max_size=24),
    st.floats(0.1, 24), st.floats(0, 1000), st.floats(0, 1), st.lists(st.floats(0, 1000), max_size=3),
)  # fmt: skip
def test_what_a_plan_costs_is_the_sum_of_its_parts(
    demand: list[tuple[int, Offer]], hours: float, storage_gb: float, a_gb_month: float, once: list[float]
) -> None:
    terms = Terms(hours, 30, storage_gb, a_gb_month, tuple((f"part {n}", cost) for n, cost in enumerate(once)))
    plan = made(demand, terms)
    assert plan.cost == pytest.approx(math.fsum(month.cost for month in plan.months))
    assert plan.cost == pytest.approx(plan.pods_cost + plan.storage_cost + plan.once_cost)
    assert plan.once_cost == pytest.approx(sum(once)), "what is paid once is paid once"
    for month, (users, one) in zip(plan.months, demand, strict=True):
        assert month.pods_cost == pytest.approx(one.pods(users) * one.an_hour * hours * 30)
        assert month.storage_cost == pytest.approx(storage_gb * a_gb_month)
        assert month.cost_a_user * users == pytest.approx(month.pods_cost + month.storage_cost)


@given(OFFERS, OFFERS)
def test_break_even_is_where_the_cheaper_one_changes(one: Offer, other: Offer) -> None:
    found = break_even(one, other)
    small, large = found.small, found.large
    period = math.lcm(small.capacity.users, large.capacity.users)

    def is_cheaper(users: int) -> bool:
        return round(small.pods(users) * small.an_hour - large.pods(users) * large.an_hour, 4) > 0

    if found.always is not None:
        assert all(is_cheaper(users) for users in range(found.always, found.always + period))
        assert found.always == 1 or not is_cheaper(found.always - 1)
        assert found.first is not None
    else:  # full machines of the small kind cost no more a user, and that happens again and again
        assert not is_cheaper(period)
    if found.first is None:
        assert not any(is_cheaper(users) for users in range(1, 2 * period + 1))
    else:
        assert is_cheaper(found.first)
        assert not any(is_cheaper(users) for users in range(1, found.first))


@pytest.mark.parametrize(
    ("small", "large", "first", "always"),
    [
        ((0.39, 10), (0.69, 20), 11, 71),
        ((0.39, 12), (0.69, 20), 13, None),
        ((0.39, 8), (0.69, 20), 9, 25),
        ((0.39, 10), (2.69, 41), None, None),
        ((1.00, 1), (1.50, 1000), 2, 2),
    ],
)
def test_break_evens_of_known_prices(
    small: tuple[float, int], large: tuple[float, int], first: int | None, always: int | None
) -> None:
    for pair in ((small, large), (large, small)):
        found = break_even(*(offer(*one) for one in pair))
        assert (found.first, found.always) == (first, always)


def test_of_two_machines_at_one_price_that_which_carries_more_is_never_dearer() -> None:
    found = break_even(offer(0.5, 10), offer(0.5, 20))
    assert (found.large.capacity.users, found.first, found.always) == (10, None, None)


@pytest.mark.parametrize(
    ("users", "percent", "months", "found"),
    [(10, 0, 3, [10, 10, 10]), (10, 10, 4, [10, 11, 13, 14]), (20, 50, 3, [20, 30, 45]), (1, 1, 2, [1, 2])],
)
def test_users_grow_by_a_share_each_month_and_a_part_of_one_counts_whole(
    users: int, percent: float, months: int, found: list[int]
) -> None:
    assert grown(users, percent, months) == found
