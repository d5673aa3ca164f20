"""Does a sentence end here? Asked of a small language model: how probable are a full stop and the end of the turn?

The model runs in a llama.cpp process of its own (see `llama_cpp`) with room for one sentence, so that it never
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
_CANDIDATES = 40
_TIMEOUT_S = 2.0
_CLOSING = re.compile(r"[.?!,;:\s…]+$")
_ENDS = (".", "?", "!", "\n", "<|im_end|>", "</s>", "<|endoftext|>", "<|eot_id|>")


class SentenceEnd:
    """See `EndOfSentence`."""

    languages: Sequence[str] = ("en",)

    def __init__(self, model: llama_cpp.LlamaCpp) -> None:
        self._model = model
        base_url = model.client.base_url.removesuffix("/v1")
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_S, trust_env=False)
        self._slots = Slots("sentence-end", 1)

    async def probability(self, text: str, caller: Caller) -> float:
        """See `EndOfSentence.probability`. The recogniser's own closing mark is not believed."""
        sentence = _last_sentence(text)
        if not sentence:
            return 0.0
        request = {
            "prompt": f"<|im_start|>user\n{sentence}", "n_predict": 1, "n_probs": _CANDIDATES, "temperature": 0.0,
            "cache_prompt": True,
        }  # fmt: skip
        async with self._slots.take(caller):
            try:
                response = await self._client.post("/completion", json=request)
                response.raise_for_status()
                return _end_probability(response.json())
            except (httpx.HTTPError, ValueError, KeyError, IndexError) as fault:
                raise ModelError(f"the sentence model failed: {fault}", retryable=True) from fault

    async def aclose(self) -> None:
        """End the process."""
        await self._client.aclose()
        await self._model.aclose()


def _last_sentence(text: str) -> str:
    """The last sentence, without its closing mark, at most 40 words."""
    open_text = _CLOSING.sub("", text)
    return " ".join(re.split(r"(?<=[.?!])\s+", open_text)[-1].split()[-_WORDS:])


def _end_probability(answer: dict[str, Any]) -> float:
    found = answer["completion_probabilities"][0]
    candidates = found.get("top_logprobs") or found["top_probs"]
    return min(1.0, sum(math.exp(c["logprob"]) for c in candidates if c["token"].lstrip(" ").startswith(_ENDS)))


async def load(spec: ModelSpec) -> EndOfSentence:
    """Adapter entry point; takes a GGUF model as `llama_cpp` does."""
    options = {**spec.options, "context": _CONTEXT, "slots": 1, "at_once": 1, "nice": 0}
    model = await llama_cpp.load(ModelSpec(spec.id, spec.family, spec.files, options))
    assert isinstance(model, llama_cpp.LlamaCpp)
    return SentenceEnd(model)
