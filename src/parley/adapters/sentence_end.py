"""Does a turn end here? Asked of a small language model: how probable are a full stop and the end of the turn?

"Two thirty" is a turn behind "What time?", and hardly one without it: what the speaker was told stands before it. The
model runs in a llama.cpp process of its own (see `llama_cpp`) with room for one sentence, so that it never
throws a conversation's prompt out of the other one's cache; both share the weights in memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import httpx

from parley.adapters import llama_cpp
from parley.errors import ModelError
from parley.models.executor import Slots
from parley.models.interfaces import Caller, EndOfSentence, ModelSpec

_CONTEXT = 256
_WORDS = 40
_WORDS_BEFORE = 24
_CANDIDATES = 40
_TIMEOUT_S = 2.0
_CLOSING = re.compile(r"[.?!,;:\s…]+$")
_ENDS = (".", "?", "!", "\n", "<|im_end|>", "</s>", "<|endoftext|>", "<|eot_id|>")
_GOES_ON = 0.01
"""Where the likeliest next token is a piece of a character, as the curly apostrophe of "Jed's" is: llama.cpp then tells
no probabilities, but no sentence ends in such a piece."""


class SentenceEnd:
    """See `EndOfSentence`."""

    languages: Sequence[str] = ("en",)

    def __init__(self, model: llama_cpp.LlamaCpp) -> None:
        self._model = model
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False)
        self._slots = Slots("sentence-end", 1)

    async def probability(self, text: str, caller: Caller, before: str = "") -> float:
        """See `EndOfSentence.probability`. The recogniser's own closing mark is not believed."""
        words = _open_text(text)
        if not words:
            return 0.0
        async with self._slots.take(caller):
            return _end_probability(await self._complete(f"{_said(before)}{words}"))

    async def read(self, before: str, caller: Caller) -> None:
        """See `EndOfSentence.read`."""
        if before.strip():
            async with self._slots.take(caller):
                await self._complete(_said(before))

    @property
    def up(self) -> bool:
        """Whether it can be asked now."""
        return self._model.up

    async def _complete(self, prompt: str) -> dict[str, Any]:
        request = {
            "prompt": prompt, "n_predict": 1, "n_probs": _CANDIDATES, "temperature": 0.0,
            "cache_prompt": True,
        }  # fmt: skip
        if not self.up:  # a verdict that comes late is of no use: it is not waited for
            raise ModelError("the sentence model's process died and is being started again", retryable=True)
        address = self._model.client.base_url.removesuffix("/v1")
        try:
            response = await self._client.post(f"{address}/completion", json=request)
            response.raise_for_status()
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as fault:
            raise ModelError(f"the sentence model failed: {fault or type(fault).__name__}", retryable=True) from fault
        return answer

    async def aclose(self) -> None:
        """End the process."""
        await self._client.aclose()
        await self._model.aclose()


def _said(before: str) -> str:
    """The last words of what was said to the speaker, as the model's own, and the beginning of his turn."""
    words = " ".join(before.replace("<|", "< |").split()[-_WORDS_BEFORE:])
    told = f"<|im_start|>assistant\n{words}<|im_end|>\n" if words else ""
    return f"{told}<|im_start|>user\n"


def _open_text(text: str) -> str:
    """The last words, without the closing mark. What came before stays: "Mycroft" alone could be a beginning."""
    return " ".join(_CLOSING.sub("", text).split()[-_WORDS:])


def _end_probability(answer: dict[str, Any]) -> float:
    if answer.get("content") == "\ufffd":
        return _GOES_ON
    try:
        candidates = answer["completion_probabilities"][0]["top_logprobs"]
    except (KeyError, IndexError) as fault:
        raise ModelError("the sentence model gave no probabilities") from fault
    return min(1.0, sum(math.exp(c["logprob"]) for c in candidates if c["token"].lstrip(" ").startswith(_ENDS)))


async def load(spec: ModelSpec) -> EndOfSentence:
    """Adapter entry point; takes a GGUF model as `llama_cpp` does."""
    options = {**spec.options, "context": _CONTEXT, "slots": 1, "at_once": 1, "threads": 1}
    return SentenceEnd(await llama_cpp.load_as("sentence-end", ModelSpec(spec.id, spec.family, spec.files, options)))
