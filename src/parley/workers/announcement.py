"""What a worker says of itself, as it stands in Redis and as its `GetCapabilities` answers."""

from __future__ import annotations

import msgspec

from parley.v1 import worker_pb2 as pb

ABI_VERSION = 1


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker's models can do; a request may ask for any of it."""

    streaming: bool = True
    zero_shot: bool = False
    lora: bool = False
    cpu_ok: bool = True
    languages: tuple[str, ...] = ()
    """ISO 639-1; ``*`` is every language."""
    emotive_zero_prompt: bool = False


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a worker is."""

    rtf: float = 0.0
    """Seconds of work for a second of sound, lately."""
    queue_depth: int = 0
    """Requests that wait for a model."""
    sessions: int = 0
    streams: int = 0
    memory_mb: int = 0
    gpu_memory_mb: int = 0


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a worker."""

    id: str
    kind: str = "tts"
    languages: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    rate_hz: int = 48000
    """Of the model itself; a worker sends 48 kHz."""
    fixed_speed: bool = False
    """See `Synthesizer.fixed_speed`; known once the model is loaded."""
    emotions: tuple[str, ...] = ("neutral",)
    """See `Synthesizer.emotions`; known once the model is loaded."""
    memory_mb: int = 0
    """That it took when it was loaded last: of the process, at most meanwhile, of the GPU."""
    peak_memory_mb: int = 0
    gpu_memory_mb: int = 0


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """A worker. Unknown fields are ignored, missing ones have their defaults: older and newer workers mix."""

    name: str
    addr: str
    """``host:port`` or ``unix:/path``."""
    capabilities: Features = Features()
    resident_models: tuple[str, ...] = ()
    metrics: Figures = Figures()
    models: tuple[Offer, ...] = ()
    """Every model that it could load."""
    default_model_id: str = ""
    draining: bool = False
    abi_version: int = ABI_VERSION

    @property
    def steady(self) -> Announcement:
        """Without what changes all the time, for noticing real changes."""
        return msgspec.structs.replace(self, metrics=Figures())


def from_capabilities(answer: pb.Capabilities, addr: str) -> Announcement:
    """What `GetCapabilities` of the worker at `addr` answered."""
    load = answer.load
    return Announcement(
        name=answer.name,
        addr=addr,
        capabilities=Features(
            streaming=answer.streaming, zero_shot=answer.zero_shot, lora=answer.lora, cpu_ok=answer.cpu_ok,
            languages=tuple(answer.languages), emotive_zero_prompt=answer.emotive_zero_prompt,
        ),
        resident_models=tuple(m.id for m in answer.models if m.state == pb.Model.RESIDENT),
        metrics=Figures(
            rtf=round(load.rtf, 4), queue_depth=load.queue_depth, sessions=load.sessions, streams=load.streams,
            memory_mb=load.memory_bytes >> 20, gpu_memory_mb=load.gpu_memory_bytes >> 20,
        ),
        models=tuple(
            Offer(id=m.id, kind=m.kind, languages=tuple(m.languages), voices=tuple(m.voices), tags=tuple(m.tags),
                  rate_hz=m.rate_hz or 48000, fixed_speed=m.fixed_speed, emotions=tuple(m.emotions) or ("neutral",),
                  memory_mb=m.memory_bytes >> 20, peak_memory_mb=m.peak_memory_bytes >> 20,
                  gpu_memory_mb=m.gpu_memory_bytes >> 20)
            for m in answer.models
        ),
        default_model_id=answer.default_model_id,
        draining=answer.draining,
        abi_version=answer.abi_version,
    )  # fmt: skip
