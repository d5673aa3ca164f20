"""Who may talk to whom: mutual TLS between server and workers, plain text on loopback only."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import grpc

from parley.errors import UsageError
from parley.workers.settings import TlsSettings

WORKER_NAME = "parley-worker"
"""Every worker's certificate carries this name: workers are told apart by address, their right by the authority."""


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_local(address: str) -> bool:
    """Whether an address (host:port or unix:/path) cannot leave this machine."""
    if address.startswith("unix:"):
        return True
    host = address.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_plain(address: str, *, allowed: bool) -> None:
    """Raise `UsageError` when plain text to or at this address would leave the machine unasked."""
    if not allowed and not is_local(address):
        raise UsageError(
            f"{address} would be reached without encryption: set tls (see 'parley certs'), or plaintext: true on a "
            "network that you trust"
        )


def check_announced(address: str, networks: Sequence[Network]) -> None:
    """Raise `UsageError` when an address that somebody wrote into Redis is not one to send conversations to.

    Without TLS nothing proves who is there, so it must be in one of the `networks`; where none are configured in a
    private one, on this machine, or a name without a dot, which no public DNS has.
    """
    if is_local(address):
        return
    host = address.rsplit(":", 1)[0].strip("[]")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        believed = not networks and "." not in host
    else:
        believed = any(ip in network for network in networks) if networks else ip.is_private
    if not believed:
        raise UsageError(f"{address} was announced but is in none of worker_networks, and no TLS proves who is there")


def _read(tls: TlsSettings) -> tuple[bytes, bytes, bytes]:
    try:
        return tls.key.read_bytes(), tls.cert.read_bytes(), tls.ca.read_bytes()
    except OSError as fault:
        raise UsageError(f"tls: {fault.filename}: {fault.strerror}") from fault


def server_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """A worker's: callers must show a certificate of the authority. Files are read anew for every connection."""
    key, cert, ca = _read(tls)
    first = grpc.ssl_server_certificate_configuration([(key, cert)], root_certificates=ca)
    state = [(key, cert, ca)]

    def renew() -> grpc.ServerCertificateConfiguration | None:
        try:
            fresh = _read(tls)
        except UsageError:
            return None  # half-written: the old one serves on
        if fresh == state[0]:
            return None
        state[0] = fresh
        return grpc.ssl_server_certificate_configuration([(fresh[0], fresh[1])], root_certificates=fresh[2])

    return grpc.dynamic_ssl_server_credentials(
        first,
        renew,  # type: ignore[arg-type]  # None keeps what is in use
        require_client_authentication=True,
    )


def channel(address: str, tls: TlsSettings | None, *, plaintext: bool = False) -> grpc.aio.Channel:
    """A connection to a worker; raises `UsageError` when it would be open to listeners unasked."""
    options = [
        ("grpc.max_receive_message_length", 4 * 1024 * 1024),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", 2000),  # a connection that died without a word is noticed and made anew
        ("grpc.keepalive_timeout_ms", 2000),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    if tls is None or address.startswith("unix:"):
        check_plain(address, allowed=plaintext)
        return grpc.aio.insecure_channel(address, options)
    key, cert, ca = _read(tls)
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    return grpc.aio.secure_channel(address, credentials, [*options, ("grpc.ssl_target_name_override", WORKER_NAME)])
