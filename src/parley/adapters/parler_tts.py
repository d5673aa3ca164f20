"""Parler-TTS (Hugging Face; in Indian languages AI4Bharat's): speaks as it is described in words: see
`parler_tts_network`."""

from __future__ import annotations

from parley.adapters.stepped_voice import SteppedVoice, VoiceNetwork, load_voice
from parley.models.interfaces import ModelSpec

_ALONE = (
    " && pip install --no-deps parler-tts==0.2.3 descript-audio-codec-unofficial==1.0.0 "
    "descript-audiotools-unofficial==0.7.4"
)
"""The last of which wants an older protobuf."""


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: those of a checkpoint, in one folder, and description_tokenizer.json where texts and
    descriptions are read differently. Options: `ParlerOptions`."""
    return await load_voice(spec, lambda: _network(spec), "parler-tts", _ALONE)


def _network(spec: ModelSpec) -> VoiceNetwork:
    from parley.adapters.parler_tts_network import ParlerNetwork

    return ParlerNetwork(spec)
