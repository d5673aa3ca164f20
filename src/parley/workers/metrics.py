"""A worker's instruments (Prometheus)."""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class WorkerMetrics:
    """One worker's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.first_audio = Histogram(
            "parley_worker_first_audio_seconds", "Text to first frame", buckets=_SECONDS, registry=registry
        )
        self.rtf = Histogram(
            "parley_worker_real_time_factor",
            "Seconds of work for a second of sound",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
            registry=registry,
        )
        self.recognition = Histogram(
            "parley_worker_recognition_seconds", "Question to words", buckets=_SECONDS, registry=registry
        )
        self.streams = Gauge("parley_worker_streams", "Streams of speech under way", registry=registry)
        self.sessions = Gauge("parley_worker_sessions", "Sessions that hold a model", registry=registry)
        self.queue = Gauge("parley_worker_queue_depth", "Requests that wait for a model", registry=registry)
        self.resident = Gauge("parley_worker_resident_models", "Models in memory", registry=registry)
        self.load_seconds = Gauge("parley_worker_load_seconds", "Time to load a model", ["model"], registry=registry)
        self.memory = Gauge(
            "parley_worker_model_memory_bytes", "Memory that a model took when it was loaded", ["model", "which"],
            registry=registry,
        )  # fmt: skip
        self.evictions = Gauge("parley_worker_evictions", "Models evicted so far", registry=registry)
        self.failures = Counter("parley_worker_failures", "Calls that failed", ["reason"], registry=registry)


def own_gpu_memory() -> int:
    """Bytes of GPUs that this process keeps for torch. Never loads a library by itself."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)  # it may be half imported
    if cuda is None or not cuda.is_available():
        return 0
    return sum(cuda.memory_reserved(index) for index in range(cuda.device_count()))


def gpu_memory() -> tuple[int, int]:
    """Bytes used and in all of the first visible GPU; zeros without one. Never loads a library by itself."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return 0, 0
    free, total = torch.cuda.mem_get_info()
    return total - free, total
