"""RunPod (https://docs.runpod.io): a pod is reached by HTTP and WebSocket through a proxy; no UDP gets in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod that this process runs in."""

    id: str
    public_ip: str | None
    tcp_port: int | None
    """Port of the public address that leads to ours, where the pod was given one."""
    port: int

    @property
    def host(self) -> str:
        """By which name the proxy is called."""
        return f"{self.id}-{self.port}.proxy.runpod.net"

    @property
    def url(self) -> str:
        """Where the proxy shows our port."""
        return f"https://{self.host}"


def pod(port: int, environment: Mapping[str, str] = os.environ) -> Pod | None:
    """As the variables that RunPod sets tell; None elsewhere. `port` is the one we listen on."""
    name = environment.get("RUNPOD_POD_ID")
    if not name:
        return None
    mapped = environment.get(f"RUNPOD_TCP_PORT_{port}", "")
    return Pod(name, environment.get("RUNPOD_PUBLIC_IP"), int(mapped) if mapped.isdigit() else None, port)
