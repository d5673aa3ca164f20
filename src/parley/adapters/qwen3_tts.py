"""Qwen3-TTS (Alibaba): ten languages in voices of its own, in cloned ones, or in ones that are described in words: see
`qwen3_tts_network`."""

from __future__ import annotations

from parley.adapters.stepped_voice import SteppedVoice, VoiceNetwork, load_voice
from parley.models.interfaces import ModelSpec


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: those of a checkpoint, of its folder ``speech_tokenizer`` as
    ``speech_tokenizer_NAME``, and seed.wav for a base model. Options: `QwenOptions`."""
    return await load_voice(spec, lambda: _network(spec), "qwen3-tts")


def _network(spec: ModelSpec) -> VoiceNetwork:
    from parley.adapters.qwen3_tts_network import QwenNetwork

    return QwenNetwork(spec)
