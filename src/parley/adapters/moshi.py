"""Moshi and PersonaPlex: native speech-to-speech, which hears while it speaks.

Sound of 24 kHz goes in and comes out in frames of 80 ms (1920 samples). The words are Moshi's inner monologue: what it
is about to say.
"""

from __future__ import annotations

from pydantic import ValidationError

from parley.adapters.slot_batch import SlotBatch, SlotNetwork
from parley.errors import ModelError, ParleyError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec
from parley.validation import explain

_WAITING = 256


async def load(spec: ModelSpec) -> SlotBatch:
    """Adapter entry point; files: ``model.safetensors``, Mimi, the tokenizer, ``config.json`` unless it is Moshi 7B.

    Options: `MoshiOptions`.
    """
    executor = ModelExecutor(spec.id, max_waiting=_WAITING)
    try:
        network = await executor.run(lambda: _network(spec), Caller("load"))
    except BaseException:
        executor.close()
        raise
    return SlotBatch(spec.id, network, executor)


def _network(spec: ModelSpec) -> SlotNetwork:
    try:
        from parley.adapters.moshi_network import MoshiNetwork, MoshiOptions
    except ImportError as fault:
        raise ModelError(
            f"{spec.id} needs the packages moshi and torch ({fault}); install the extra: "
            "pip install 'parley-voice[moshi]', best into an environment of its own for a worker"
        ) from fault
    try:
        options = MoshiOptions.model_validate(dict(spec.options))
    except ValidationError as fault:
        raise ModelError(f"{spec.id}: options: {explain(fault)}") from fault
    try:
        return MoshiNetwork(spec, options)
    except ParleyError:
        raise
    except Exception as fault:  # what the package makes of wrong files is of every kind
        raise ModelError(f"{spec.id} could not be loaded: {type(fault).__name__}: {fault}") from fault
