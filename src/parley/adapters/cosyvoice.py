"""CosyVoice 2 (Alibaba): Chinese, English, Japanese and Korean as whoever a recording is of, in moods that it is asked
for: see `cosyvoice_network`."""

from __future__ import annotations

from parley.adapters.stepped_voice import SteppedVoice, VoiceNetwork, load_voice
from parley.models.interfaces import ModelSpec

_ALONE = " && pip install --no-deps chatterbox-tts==0.1.7"
"""Which has the decoder; its pins fight with ours."""


async def load(spec: ModelSpec) -> SteppedVoice:
    """Adapter entry point; files: those of the checkpoint, ``CosyVoice-BlankEN`` too, in one folder, and seed.wav.
    Options: `CosyVoiceOptions`."""
    return await load_voice(spec, lambda: _network(spec), "chatterbox", _ALONE)


def _network(spec: ModelSpec) -> VoiceNetwork:
    from parley.adapters.cosyvoice_network import CosyVoiceNetwork

    return CosyVoiceNetwork(spec)
