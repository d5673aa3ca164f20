"""A worker's configuration: `worker.yaml`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from parley.errors import UsageError
from parley.models.resident import ManagerSettings
from parley.validation import RedisUrl, explain


class TlsSettings(BaseModel):
    """Certificates of one side of a mutual TLS connection, PEM files; `parley certs` makes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: Path = Field(description="Certificate of the authority that the other side must be signed by.")
    cert: Path = Field(description="This side's certificate.")
    key: Path = Field(description="This side's private key.")


class ModelSettings(BaseModel):
    """One model of a worker: an id of the catalogue, or a family with files of one's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    family: str | None = Field(None, description="Adapter; null: the catalogue knows.")
    kind: Literal["tts", "asr", "duplex"] = "tts"
    files: tuple[Path, ...] = Field((), description="Files of a model that is not in the catalogue.")
    languages: tuple[str, ...] = ()
    voices: tuple[str, ...] = Field((), description="Its speakers, if several; none: known once it is loaded.")
    tags: tuple[str, ...] = ()
    options: dict[str, Any] = Field({}, description="Options of the adapter.")


class WorkerSettings(ManagerSettings):
    """Everything that can be configured of a worker."""

    name: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}", description="Unique name.")
    listen: str = Field("127.0.0.1:7200", description="host:port, or unix:/path; port 0 takes a free one.")
    advertise: str | None = Field(None, description="Address that servers reach it at; null: where it listens.")
    models: tuple[ModelSettings, ...] = Field((), description="Models that it may load.")
    voicepacks: Path | None = Field(None, description="Folder of voice packs, whose models are added.")
    device: str | None = Field(None, description="cpu, or the CUDA device that it is pinned to (0, 1, ...).")
    threads: int | None = Field(None, ge=1, description="Threads of a model's runtime; null: the adapter's default.")
    redis_url: RedisUrl | None = Field(None, description="Where it announces itself (redis://, rediss://).")
    metrics_port: int | None = Field(None, ge=0, le=65535, description="Prometheus metrics on this port; null: none.")
    tls: TlsSettings | None = Field(None, description="Mutual TLS; without it only loopback and Unix sockets.")
    plaintext: bool = Field(False, description="Allow other addresses without TLS.")
    licences: Literal["all", "permissive"] = Field("all", description="'permissive' leaves out copyleft runtimes.")
    drain_s: float = Field(30.0, ge=0, description="On SIGTERM, streams under way have so long to end.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="before")
    @classmethod
    def _short_names(cls, given: Any) -> Any:
        """A model may be given by its id alone."""
        if isinstance(given, dict) and isinstance(given.get("models"), list):
            return {**given, "models": [{"id": m} if isinstance(m, str) else m for m in given["models"]]}
        return given


def read_settings(text: str, source: str, **given: Any) -> WorkerSettings:
    """Settings of YAML text; `given` replace what stands there. Raises `UsageError` that names source and field."""
    try:
        content = yaml.safe_load(text) or {}
        if not isinstance(content, dict):
            raise UsageError(f"{source}: must be a mapping of settings")
        return WorkerSettings(**content | {k: v for k, v in given.items() if v is not None})
    except yaml.YAMLError as fault:
        raise UsageError(f"{source}: not valid YAML ({fault})") from fault
    except ValidationError as fault:
        raise UsageError(f"{source}: {explain(fault)}") from fault
