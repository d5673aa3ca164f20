"""CosyVoice 2 and 3 (Alibaba): Chinese, English, Japanese and Korean, the third some European languages too, as whoever
a recording is of, in moods that it is asked for: see `cosyvoice_network`."""

from __future__ import annotations

from parley.adapters.chatterbox import ALONE
from parley.adapters.stepped_voice import SteppedVoice, VoiceNetwork, load_voice
from parley.models.interfaces import ModelSpec


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: those of the checkpoint, ``CosyVoice-BlankEN`` too, in one folder, and seed.wav.
    Options: `CosyVoiceOptions`."""
    return await load_voice(spec, lambda: _network(spec), "chatterbox", ALONE)  # which has the decoder


def _network(spec: ModelSpec) -> VoiceNetwork:
    from parley.adapters.cosyvoice_network import CosyVoiceNetwork

    return CosyVoiceNetwork(spec)
