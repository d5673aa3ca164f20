"""Recognisers of the library transformers (Apache-2.0), which write letter by letter: see `transformers_ctc`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parley.adapters.loading import faults_named
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec

if TYPE_CHECKING:
    from parley.adapters.transformers_ctc import CtcRecognizer


async def load(spec: ModelSpec) -> CtcRecognizer:
    """Adapter entry point; files: those of a checkpoint, in one folder. Options: `WeightOptions`."""
    executor = ModelExecutor(spec.id)
    try:
        return await executor.run(lambda: _made(spec, executor), Caller("load"))
    except BaseException:
        executor.close()
        raise


def _made(spec: ModelSpec, executor: ModelExecutor) -> CtcRecognizer:
    with faults_named(spec, "'parley-voice[transformers-tts]'"):
        from parley.adapters.transformers_ctc import CtcRecognizer

        return CtcRecognizer(spec, executor)
