"""Which worker takes a request: a table of cases, and rules that hold for every fleet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.workers.announcement import Announcement, Features, Figures, Offer
from parley.workers.routing import Choice, Need, Route, Standing, route


def worker(name: str, *resident: str, **more: Any) -> Standing:
    """Offers joe and mia (English), te (Telugu); `more`: queue, latency, offers, features, healthy, draining, busy."""
    offers = more.get("offers", {"joe": ("en",), "mia": ("en",), "te": ("te",)})
    return Standing(
        Announcement(
            name=name,
            addr=f"{name}:7000",
            capabilities=more.get("features", Features(languages=("en",))),
            resident_models=resident,
            metrics=Figures(queue_depth=more.get("queue", 0)),
            models=tuple(Offer(id=i, languages=languages) for i, languages in offers.items()),
            default_model_id="joe",
            draining=more.get("draining", False),
        ),
        healthy=more.get("healthy", True),
        latency_s=more.get("latency"),
        busy=more.get("busy", 0),
    )


def fleet(*workers: Standing) -> dict[str, Standing]:
    return {w.announcement.name: w for w in workers}


JOE = Need("joe")
CASES: dict[str, tuple[Need, dict[str, Standing], str | None, Choice | None, Choice | None]] = {
    "nobody": (JOE, {}, None, None, None),
    "the only one": (JOE, fleet(worker("a", "joe")), None, Choice("a", "joe"), None),
    "resident before absent": (JOE, fleet(worker("a"), worker("b", "joe", queue=9)), None, Choice("b", "joe"), None),
    "the shorter queue": (JOE, fleet(worker("a", "joe", queue=2), worker("b", "joe", queue=1)), None,
                          Choice("b", "joe"), None),
    "our own requests count before they are announced": (
        JOE, fleet(worker("a", "joe", busy=3), worker("b", "joe", queue=1)), None, Choice("b", "joe"), None),
    "then the better latency": (JOE, fleet(worker("a", "joe", latency=0.3), worker("b", "joe", latency=0.1)), None,
                                Choice("b", "joe"), None),
    "an unknown latency is worth a try": (JOE, fleet(worker("a", "joe", latency=0.3), worker("b", "joe")), None,
                                          Choice("b", "joe"), None),
    "the session stays where it was": (JOE, fleet(worker("a", "joe"), worker("b", "joe", queue=2)), "b",
                                       Choice("b", "joe"), None),
    "unless that is overloaded": (JOE, fleet(worker("a", "joe", queue=1), worker("b", "joe", queue=8)), "b",
                                  Choice("a", "joe"), None),
    "and everybody else is not": (JOE, fleet(worker("a", "joe", queue=6), worker("b", "joe", queue=8)), "b",
                                  Choice("b", "joe"), None),
    "not one that is unwell": (JOE, fleet(worker("a", "joe", healthy=False), worker("b", "joe", queue=9)), "a",
                               Choice("b", "joe"), None),
    "not one about to stop": (JOE, fleet(worker("a", "joe", draining=True), worker("b", "joe", queue=9)), None,
                              Choice("b", "joe"), None),
    "a language": (Need("joe", language="te"), fleet(worker("a", "joe")), None, None, None),
    "every language": (Need("x", language="te"), fleet(worker("a", "x", offers={"x": ("*",)})), None,
                       Choice("a", "x"), None),
    "a capability": (Need("joe", features=("zero_shot",)),
                     fleet(worker("a", "joe"), worker("b", "joe", queue=5, features=Features(zero_shot=True))), None,
                     Choice("b", "joe"), None),
    "a sample rate that the interface does not carry": (Need("joe", rate_hz=24000), fleet(worker("a", "joe")), None,
                                                         None, None),
    "resident nowhere: loaded, while another answers": (Need("mia"), fleet(worker("a", "joe")), None,
                                                        Choice("a", "joe"), Choice("a", "mia")),
    "loaded at the least busy": (Need("mia"), fleet(worker("a", "joe", queue=3), worker("b", "joe")), None,
                                 Choice("b", "joe"), Choice("b", "mia")),
    "the fallback is made for the language": (
        Need("x", language="te"),
        fleet(worker("a", "all", "te", offers={"all": ("*",), "te": ("te",), "x": ("te",)})), None,
        Choice("a", "te"), Choice("a", "x")),
    "no fallback: waits for the load": (Need("mia", fallback=False), fleet(worker("a", "joe")), None,
                                        Choice("a", "mia"), Choice("a", "mia")),
    "nothing of another kind": (Need("joe", kind="asr"), fleet(worker("a", "joe")), None, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    need, workers, sticky, now, load = CASES[name]
    found = route(need, workers, sticky)
    assert (found.now, found.load) == (now, load)


@pytest.mark.parametrize(
    ("need", "workers", "word"),
    [
        (JOE, {}, "start one with 'parley worker'"),
        (Need("zoe"), fleet(worker("a", "joe", offers={})), "no worker offers the tts model 'zoe'"),
        (Need("joe", fallback=False), fleet(worker("a", "joe", healthy=False)), "do not answer"),
        (Need("joe", language="te"), fleet(worker("a", "joe", offers={"joe": ("en",)})), "speaks 'te'"),
    ],
)
def test_the_reason_why_nobody_can_is_said(need: Need, workers: dict[str, Standing], word: str) -> None:
    assert word in route(need, workers).why


MODELS = ("joe", "mia", "te")
STANDINGS = st.builds(
    lambda name, resident, more: worker(name, *resident, **more),
    st.sampled_from("abcde"),
    st.sets(st.sampled_from(MODELS)),
    st.fixed_dictionaries(
        {
            "queue": st.integers(0, 12),
            "busy": st.integers(0, 12),
            "latency": st.none() | st.floats(0, 2),
            "healthy": st.booleans(),
            "draining": st.booleans(),
        }
    ),
)
FLEETS = st.lists(STANDINGS, max_size=5).map(lambda ws: fleet(*ws))
NEEDS = st.builds(
    Need,
    st.sampled_from((*MODELS, "zoe")),
    language=st.sampled_from((None, "en", "te")),
    fallback=st.booleans(),
)


def choices(found: Route) -> list[Choice]:
    return [c for c in (found.now, found.load, *found.others) if c is not None]


@given(NEEDS, FLEETS, st.sampled_from((None, *"abcde")))
def test_rules_of_every_fleet(need: Need, workers: dict[str, Standing], sticky: str | None) -> None:
    found = route(need, workers, sticky)
    for choice in choices(found):
        standing = workers[choice.worker]
        assert standing.healthy
        assert not standing.announcement.draining
        offer = next(o for o in standing.announcement.models if o.id == choice.model)
        assert need.language is None or need.language in offer.languages
        assert choice.model == need.model or need.fallback
    resident = [
        n for n, s in workers.items()
        if s.healthy and not s.announcement.draining and need.model in s.announcement.resident_models
        and need.language in (None, *next(o.languages for o in s.announcement.models if o.id == need.model))
    ]  # fmt: skip
    if resident:
        assert found.now is not None
        assert found.now.worker in resident
        assert found.now.model == need.model
        assert found.load is None
    if found.now is None:
        assert found.why
    assert found.now not in found.others
    assert found == route(need, dict(reversed(workers.items())), sticky), "the order of the fleet does not matter"
