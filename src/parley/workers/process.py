"""A worker as a process: models, gRPC server, announcement, metrics, and an orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from parley.ending import ENDS_S, end_within
from parley.errors import ModelError, UnavailableError, UsageError
from parley.models import plugins, voicepacks
from parley.models.catalogue import catalogue
from parley.models.interfaces import MODEL_RATE_HZ, Caller, ModelSpec, SpeakingStyle
from parley.models.manager import ModelManager
from parley.models.resident import Resident
from parley.models.store import Progress, Store
from parley.v1 import duplex_pb2, duplex_pb2_grpc, recognition_pb2, recognition_pb2_grpc, worker_pb2, worker_pb2_grpc
from parley.workers.announcement import Announcement, Features, Offer, from_capabilities
from parley.workers.credentials import check_plain, server_credentials
from parley.workers.duplex_service import DuplexService
from parley.workers.host import Host
from parley.workers.metrics import own_gpu_memory
from parley.workers.recognition_service import RecognitionService
from parley.workers.registry import Announcer
from parley.workers.settings import ModelSettings, WorkerSettings
from parley.workers.worker_service import WorkerService

log = structlog.get_logger("worker")

_WARM_UP_TEXT = "Hello there."
_GRACE_S = 1.0


def pin_device(settings: WorkerSettings) -> None:
    """Before any model library is loaded: which GPU it sees, and how many threads."""
    if settings.device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = "" if settings.device == "cpu" else settings.device.removeprefix("cuda:")
    if settings.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(settings.threads)


def pull_missing(settings: WorkerSettings, progress: Progress = lambda *_: None) -> None:
    """Bring the files of every model; raises `PullError`, `LicenceRefused`, `UsageError`."""
    store, known = Store(), catalogue()
    for model in settings.models:
        if model.family is None:
            entry = known.get(model.id)
            if settings.licences == "permissive" and not entry.is_permissive:
                raise UsageError(f"licences is 'permissive' and {entry.id} is not; choose another model")
            store.pull(entry, progress)


def describe(settings: WorkerSettings) -> tuple[dict[str, ModelSpec], dict[str, Offer]]:
    """What the worker may load, and what it says of it; raises `ModelNotFound`, `UsageError`."""
    specs: dict[str, ModelSpec] = {}
    offers: dict[str, Offer] = {}
    for model in settings.models:
        spec, offer = _own(model) if model.family else _known(model)
        if settings.threads is not None:
            spec = replace(spec, options={"threads": settings.threads, **spec.options})
        specs[spec.id], offers[spec.id] = spec, offer
    for folder in voicepacks.folders(settings.voicepacks) if settings.voicepacks else ():
        pack = voicepacks.read(folder)
        specs[pack.id] = pack.spec
        offers[pack.id] = Offer(id=pack.id, languages=pack.metadata.tags.lang, tags=pack.tag_names)
    return specs, offers


def _known(model: ModelSettings) -> tuple[ModelSpec, Offer]:
    entry = catalogue().get(model.id)
    kinds = ("tts", "asr", "duplex")
    if entry.kind not in kinds:
        raise UsageError(f"models: {entry.id} is a model of the kind {entry.kind}; a worker hosts {', '.join(kinds)}")
    spec = Store().spec(entry, model.options)
    languages, voices = model.languages or entry.languages, tuple(entry.voices)
    return spec, Offer(id=entry.id, kind=entry.kind, languages=languages, voices=voices, tags=model.tags)


def _own(model: ModelSettings) -> tuple[ModelSpec, Offer]:
    assert model.family is not None
    for path in model.files:
        if not path.exists():
            raise UsageError(f"models: {model.id}: {path} does not exist")
    files: dict[str, Path] = {path.name: path for path in model.files}
    spec = ModelSpec(model.id, model.family, files, model.options, model.kind, model.languages or ("*",))
    return spec, Offer(id=model.id, kind=model.kind, languages=model.languages, voices=model.voices, tags=model.tags)


async def warm_up(model: Any) -> None:
    """Run a model once, whatever it is, so that the first user does not pay for lazy initialisation."""
    caller = Caller("warm-up")
    if hasattr(model, "synthesize"):
        text = getattr(model, "sample_text", _WARM_UP_TEXT)  # of a voice that has no English letters
        async for _ in model.synthesize(text, SpeakingStyle(), caller):
            pass
    elif hasattr(model, "open_slot"):
        slot = await model.open_slot()
        try:
            await slot.step(np.zeros(model.frame_samples, np.float32))
        finally:
            await slot.aclose()
    elif hasattr(model, "open"):
        stream = model.open(None)
        stream.feed(np.zeros(MODEL_RATE_HZ, np.float32))
        await stream.finish(caller)
    else:
        raise ModelError(f"{type(model).__name__} is none of the models that a worker hosts")


class Worker:
    """A running worker; see `running`."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        self.host = host
        self.address = address
        """Where servers reach it."""
        self.port = port

    @property
    def announcement(self) -> Announcement:
        """What it says of itself."""
        return from_capabilities(self.host.capabilities(), self.address)


@asynccontextmanager
async def running(
    settings: WorkerSettings, load: Callable[[ModelSpec], Awaitable[Any]] = plugins.load
) -> AsyncIterator[Worker]:
    """A worker in this loop, ready when entered; its end lets streams finish for `drain_s` seconds.

    `load` makes a model of its description. Raises `UsageError`, `ModelNotFound`, `ModelError`, `UnavailableError`.
    """
    if settings.tls is None:
        check_plain(settings.listen, allowed=settings.plaintext)
    specs, offers = describe(settings)
    manager = ModelManager(
        specs, settings, load=load, warm_up=warm_up, memory_mb=lambda: psutil.Process().memory_info().rss / 2**20,
        gpu_mb=lambda: own_gpu_memory() / 2**20,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(manager)
        host = Host(settings.name, manager, offers, _features(settings, offers))
        stack.push_async_callback(host.aclose)
        server, checks = _server(host)
        worker = _listen(server, settings, host)
        await server.start()
        stack.push_async_callback(server.stop, _GRACE_S)
        if settings.redis_url is not None:
            announcer = Announcer(settings.redis_url.get_secret_value(), lambda: worker.announcement)
            watch = host.changed

            def changed() -> None:
                watch()
                announcer.changed()

            manager.on_change = changed
            await stack.enter_async_context(announcer)
        if settings.metrics_port is not None:
            _serve_metrics(host, settings.metrics_port, stack)
        log.info("worker is ready", name=settings.name, address=worker.address, models=sorted(specs))
        try:
            yield worker
        finally:
            host.drain()
            manager.on_change()
            await checks.enter_graceful_shutdown()
            await _streams_end(host, settings.drain_s)
            host.end()


def _features(settings: WorkerSettings, offers: dict[str, Offer]) -> Features:
    tags = {tag for offer in offers.values() for tag in offer.tags}
    return Features(
        zero_shot="zero_shot" in tags,
        lora="lora" in tags,
        emotive_zero_prompt="expressive" in tags,
        cpu_ok=settings.device in (None, "cpu"),
        languages=tuple(sorted({language for offer in offers.values() for language in offer.languages})),
    )


def _server(host: Host) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", 1024 * 1024),
            ("grpc.so_reuseport", 0),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.keepalive_timeout_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
        ]
    )
    worker_pb2_grpc.add_WorkerServicer_to_server(WorkerService(host), server)
    recognition_pb2_grpc.add_RecognitionServicer_to_server(RecognitionService(host), server)
    duplex_pb2_grpc.add_DuplexServicer_to_server(DuplexService(host), server)
    names = [module.DESCRIPTOR.services_by_name[name].full_name for module, name in _SERVICES]
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", *names):
        asyncio.get_running_loop().create_task(checks.set(name, health_pb2.HealthCheckResponse.SERVING))
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    return server, checks


_SERVICES = ((worker_pb2, "Worker"), (recognition_pb2, "Recognition"), (duplex_pb2, "Duplex"))


def _listen(server: grpc.aio.Server, settings: WorkerSettings, host: Host) -> Worker:
    try:
        if settings.tls is not None and not settings.listen.startswith("unix:"):
            port = server.add_secure_port(settings.listen, server_credentials(settings.tls))
        else:
            port = server.add_insecure_port(settings.listen)
    except RuntimeError as fault:
        raise UnavailableError(f"{settings.listen} cannot be had; end what listens there or change 'listen'") from fault
    if settings.listen.startswith("unix:"):
        return Worker(host, settings.advertise or settings.listen, port)
    return Worker(host, settings.advertise or f"{settings.listen.rsplit(':', 1)[0]}:{port}", port)


def _took(resident: Resident, which: str) -> float:
    return float(getattr(resident.took, which)) * 2**20


def _serve_metrics(host: Host, port: int, stack: AsyncExitStack) -> None:
    metrics = host.metrics
    metrics.sessions.set_function(lambda: host.sessions)
    metrics.queue.set_function(lambda: host.waiting)
    metrics.resident.set_function(lambda: sum(r.state == "resident" for r in host.manager.models.values()))
    metrics.evictions.set_function(lambda: host.manager.evictions)
    for name, resident in host.manager.models.items():
        metrics.load_seconds.labels(name).set_function(partial(getattr, resident, "load_s"))
        for which in ("memory_mb", "peak_mb", "gpu_mb"):
            metrics.memory.labels(name, which.removesuffix("_mb")).set_function(partial(_took, resident, which))
    server, thread = start_http_server(port, registry=metrics.registry)
    log.info("metrics", port=server.server_port)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    stack.callback(stop)


async def _streams_end(host: Host, limit_s: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(host.quiet.wait(), limit_s)


async def serve(
    settings: WorkerSettings,
    *,
    stop_with_stdin: bool = False,
    ready: Callable[[Worker], None],
    load: Callable[[ModelSpec], Awaitable[Any]] = plugins.load,
) -> None:
    """Serve until SIGTERM or SIGINT; with `stop_with_stdin` also until the parent lets go of standard input."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if stop_with_stdin:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", 0))
        gone = asyncio.create_task(reader.read())
        gone.add_done_callback(lambda _: stop.set())
    async with running(settings, load) as worker:
        ready(worker)
        await stop.wait()
        log.info("worker stops", name=settings.name, streams=len(worker.host.streams))
        end_within(settings.drain_s + ENDS_S)
