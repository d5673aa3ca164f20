"""The voices of a server by name: those that workers offer, and whom OpenAI's names stand for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from parley.workers.announcement import Announcement, Offer
from parley.workers.fleet import Fleet
from parley.workers.remote_synthesizer import RemoteSynthesizer

OPENAI_VOICES = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"
)  # fmt: skip
_LIKE = {
    "hibari-heart": {
        **dict.fromkeys(("ash", "ballad", "cedar", "echo", "fable", "onyx", "verse"), "hibari-low"),
        "sage": "hibari-alto", "shimmer": "hibari-high",
    }
}  # fmt: skip
"""By the default voice: OpenAI's voices that another one of ours is more like, such as those of men."""


def openai_voices(default: str, here: Collection[str]) -> dict[str, str]:
    """What speaks by OpenAI's names, of the voices that are `here`: the default where none is more like it."""
    like = {name: voice for name, voice in _LIKE.get(default, {}).items() if voice in here}
    return dict.fromkeys(OPENAI_VOICES, default) | like


class FleetVoices(Mapping[str, RemoteSynthesizer]):
    """Every voice that a worker offers now, the default first."""

    def __init__(self, fleet: Fleet, default: str, hidden: Callable[[Announcement, Offer], bool]) -> None:
        """`hidden`: offers that could not be kept yet."""
        self._fleet = fleet
        self._default = default
        self._hidden = hidden
        self._made: dict[str, RemoteSynthesizer] = {}

    def _offers(self) -> dict[str, tuple[Offer, str]]:
        """Offer and speaker by the voice's name: the model's where that has one voice, else MODEL/SPEAKER."""
        known = [w.announcement for w in self._fleet.workers.values() if w.announcement is not None]
        offers = [o for a in known for o in a.models if o.kind == "tts" and not self._hidden(a, o)]
        many = {o.id: o.voices for o in offers if len(o.voices) > 1}
        return {f"{o.id}/{s}" if s else o.id: (o, s) for o in offers for s in many.get(o.id, ("",))}

    def __getitem__(self, name: str) -> RemoteSynthesizer:
        """A voice, or by its id a model, which speaks with its usual voice."""
        offers = self._offers()
        offer, speaker = offers.get(name) or (next((o for o, _ in offers.values() if o.id == name), None), "")
        made = self._made.get(name)
        if offer is None and made is None and name != self._default:
            raise KeyError(name)
        if made is None or offer not in (None, made.offer):
            self._made[name] = RemoteSynthesizer(self._fleet, offer or Offer(id=name), speaker)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((self._default, *self._offers())))

    def __len__(self) -> int:
        return len({self._default, *self._offers()})
