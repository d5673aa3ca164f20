"""Which worker takes a request: a pure function of what is known about the fleet.

Workers that cannot do it are left out (language, capability, sample rate, draining, unwell); of the others those that
have the model resident are preferred, then the shortest queue, then the best latency, then the name. A model that is
resident nowhere is loaded where that is possible, while another one that can stand in for it answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from parley.workers.announcement import Announcement, Offer

OUTPUT_RATE_HZ = 48000


@dataclass(frozen=True, slots=True)
class Need:
    """What a request asks of a worker."""

    model: str
    kind: str = "tts"
    language: str | None = None
    features: Collection[str] = ()
    """Names of `Features` that must hold, such as ``zero_shot``."""
    rate_hz: int = OUTPUT_RATE_HZ
    fallback: bool = True
    """Whether another model may stand in."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What this side knows of a worker besides its own word."""

    announcement: Announcement
    healthy: bool = True
    latency_s: float | None = None
    """Median time to the first sound, learnt from requests; None before the first."""
    busy: int = 0
    """Requests of this side that are under way there; the announced queue lags behind them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A worker and what it is to do."""

    worker: str
    model: str


@dataclass(frozen=True, slots=True)
class Route:
    """What to do with a request."""

    now: Choice | None = None
    """None: nobody can do it at once."""
    load: Choice | None = None
    """A model to load in the background."""
    others: tuple[Choice, ...] = ()
    """Where to turn if the first fails, best first."""
    why: str = field(default="", compare=False)
    """For the error when nobody can."""


def route(need: Need, fleet: Mapping[str, Standing], sticky: str | None = None) -> Route:
    """Choose; `sticky` is the worker that has served this session, kept while it is able to."""
    able = [(name, s) for name, s in fleet.items() if _usable(s) and _offers(s, need)]
    resident = _ranked([(n, s) for n, s in able if need.model in s.announcement.resident_models], sticky)
    if resident:
        first, *rest = (Choice(name, need.model) for name, _ in resident)
        spill = _spill(first, resident, sticky)
        return Route(now=spill or first, others=tuple(c for c in (first, *rest) if c != (spill or first)))
    absent = _ranked(able, sticky)
    load = Choice(absent[0][0], need.model) if absent else None
    stand_ins = _stand_ins(need, fleet, sticky)
    if stand_ins:
        return Route(now=stand_ins[0], load=load, others=tuple(stand_ins[1:]))
    return Route(now=load, load=load, others=tuple(Choice(n, need.model) for n, _ in absent[1:]), why=_why(need, fleet))


_LONG_QUEUE = 4


def _spill(first: Choice, ranked: Sequence[tuple[str, Standing]], sticky: str | None) -> Choice | None:
    """The way round a sticky worker that is overloaded while another is not."""
    if first.worker != sticky or len(ranked) < 2:
        return None
    queue = _queue(ranked[0][1])
    name, best = min(ranked[1:], key=lambda item: _order(*item))
    return Choice(name, first.model) if queue >= _LONG_QUEUE and _queue(best) <= queue // 2 else None


def _usable(standing: Standing) -> bool:
    return standing.healthy and not standing.announcement.draining


def _offers(standing: Standing, need: Need) -> bool:
    offer = _offer(standing.announcement, need.model)
    return offer is not None and _does(standing.announcement, offer, need)


def _offer(announcement: Announcement, model: str) -> Offer | None:
    return next((o for o in announcement.models if o.id == model), None)


def _does(announcement: Announcement, offer: Offer, need: Need) -> bool:
    speaks = need.language is None or not {"*", need.language}.isdisjoint(offer.languages)
    able = all(getattr(announcement.capabilities, name, False) for name in need.features)
    rate_ok = need.kind != "tts" or need.rate_hz == OUTPUT_RATE_HZ
    return offer.kind == need.kind and speaks and able and rate_ok


def _stand_ins(need: Need, fleet: Mapping[str, Standing], sticky: str | None) -> list[Choice]:
    """Resident models of the same kind that can do it, those made for the language first."""
    if not need.fallback:
        return []
    found: list[tuple[tuple[object, ...], Choice]] = []
    for name, standing in fleet.items():
        known = standing.announcement
        for offer in known.models if _usable(standing) else ():
            if offer.id in known.resident_models and offer.id != need.model and _does(known, offer, need):
                general = need.language is not None and need.language not in offer.languages
                key = (general, offer.id != known.default_model_id, name != sticky, *_order(name, standing))
                found.append((key, Choice(name, offer.id)))
    return [choice for _, choice in sorted(found, key=lambda item: item[0])]


def _queue(standing: Standing) -> int:
    return max(standing.announcement.metrics.queue_depth, standing.busy)


def _order(name: str, standing: Standing) -> tuple[int, float, str]:
    return _queue(standing), standing.latency_s if standing.latency_s is not None else 0.0, name


def _ranked(workers: list[tuple[str, Standing]], sticky: str | None) -> list[tuple[str, Standing]]:
    return sorted(workers, key=lambda item: (item[0] != sticky, *_order(*item)))


def _why(need: Need, fleet: Mapping[str, Standing]) -> str:
    if not fleet:
        return "no worker is known; start one with 'parley worker'"
    offering = [n for n, s in fleet.items() if _offer(s.announcement, need.model)]
    if not offering:
        return f"no worker offers the {need.kind} model '{need.model}'; known workers: {', '.join(sorted(fleet))}"
    unwell = [n for n in offering if not _usable(fleet[n])]
    if len(unwell) == len(offering):
        return f"the workers that offer '{need.model}' do not answer or are about to stop: {', '.join(sorted(unwell))}"
    return f"no worker that offers '{need.model}' speaks '{need.language}' or has {', '.join(need.features) or 'it'}"
