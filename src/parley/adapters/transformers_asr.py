"""Recognisers of the library transformers (Apache-2.0), which write letter by letter: see `transformers_ctc`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from parley.errors import ModelError, ParleyError
from parley.models.executor import ModelExecutor
from parley.models.interfaces import Caller, ModelSpec
from parley.validation import explain

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
    try:
        from parley.adapters.transformers_ctc import CtcRecognizer

        return CtcRecognizer(spec, executor)
    except ValidationError as fault:
        raise ModelError(f"{spec.id}: options: {explain(fault)}") from fault
    except ImportError as fault:
        raise ModelError(
            f"{spec.id} needs packages that are not here ({fault}); install the extra: "
            "pip install 'parley-voice[transformers-tts]'"
        ) from fault
    except ParleyError:
        raise
    except Exception as fault:  # what the library makes of wrong files is of every kind
        raise ModelError(f"{spec.id} could not be loaded: {type(fault).__name__}: {fault}") from fault
