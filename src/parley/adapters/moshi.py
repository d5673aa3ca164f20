"""Moshi and PersonaPlex: native speech-to-speech, which hears while it speaks.

Sound of 24 kHz goes in and comes out in frames of 80 ms (1920 samples). The words are Moshi's inner monologue: what it
is about to say.
"""

from __future__ import annotations

from parley.adapters.loading import faults_named
from parley.adapters.moshi_options import MoshiOptions
from parley.adapters.slot_batch import SlotBatch, SlotNetwork
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec

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
    with faults_named(spec, "'parley-voice[moshi]', best into an environment of its own for a worker"):
        from parley.adapters.moshi_network import MoshiNetwork

        return MoshiNetwork(spec, MoshiOptions.model_validate(dict(spec.options)))
