"""Mutual TLS between servers and workers: who is let in, who is refused and why, renewal without a restart."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import ip_network
from pathlib import Path

import grpc
import pytest

from parley.errors import UsageError
from parley.models.interfaces import Caller, SpeakingStyle
from parley.v1 import worker_pb2 as pb
from parley.v1 import worker_pb2_grpc
from parley.workers.announcement import Offer
from parley.workers.certificates import make_authority, make_pair
from parley.workers.credentials import WORKER_NAME, channel, check_announced, check_plain
from parley.workers.fleet import Fleet
from parley.workers.remote_synthesizer import RemoteSynthesizer
from parley.workers.settings import TlsSettings
from tests.workers.fake_worker import fake_settings, fake_worker


def tls(folder: Path, name: str, ca: Path | None = None) -> TlsSettings:
    return TlsSettings(ca=(ca or folder) / "ca.pem", cert=folder / f"{name}.pem", key=folder / f"{name}.key")


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    make_authority(folder)
    for name in ("server", "worker"):
        make_pair(folder, name)
    make_pair(folder, "expired", days=-1)
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    make_authority(folder)
    make_pair(folder, "server")
    return folder


async def capabilities(connection: grpc.aio.Channel) -> pb.Capabilities:
    async with connection:
        stub = worker_pb2_grpc.WorkerStub(connection)
        return await stub.GetCapabilities(pb.GetCapabilitiesRequest(), timeout=60)


async def test_only_callers_of_the_authority_are_let_in_and_the_log_says_why(
    ours: Path, foreign: Path, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    given = fake_settings("w", "127.0.0.1:0", tls=tls(ours, "worker").model_dump(mode="json"))
    async with fake_worker(given, log) as worker:
        assert (await capabilities(channel(worker.address, tls(ours, "server")))).name == "w"
        nobody = grpc.ssl_channel_credentials((ours / "ca.pem").read_bytes())
        options = [("grpc.ssl_target_name_override", WORKER_NAME)]
        refused = {
            "PEER_DID_NOT_RETURN_A_CERTIFICATE": grpc.aio.secure_channel(worker.address, nobody, options),
            "unable to get local issuer certificate": channel(worker.address, tls(foreign, "server", ca=ours)),
            "certificate has expired": channel(worker.address, tls(ours, "expired")),
        }
        for reason, connection in refused.items():
            with pytest.raises(grpc.aio.AioRpcError):
                await capabilities(connection)
            assert reason in log.read_text()
        with pytest.raises(grpc.aio.AioRpcError):  # and we do not talk to a worker of another authority
            await capabilities(channel(worker.address, tls(ours, "server", ca=foreign)))


async def test_a_voice_speaks_over_mutual_tls_and_a_new_pair_needs_no_restart(ours: Path) -> None:
    given = fake_settings("w", "127.0.0.1:0", tls=tls(ours, "worker").model_dump(mode="json"))
    async with fake_worker(given) as worker:

        async def serial() -> int:
            host, port = worker.address.rsplit(":", 1)
            return await asyncio.to_thread(_serial, ours, host, int(port))

        async with Fleet([worker.address], tls=tls(ours, "server")) as fleet:
            assert await fleet.until(lambda: "w" in fleet.workers, 60)
            voice = RemoteSynthesizer(fleet, Offer(id="voice"))
            assert [c async for c in voice.synthesize("one two", SpeakingStyle(), Caller("s"))]
        before = await serial()
        make_pair(ours, "worker")
        assert await serial() != before
        assert (await capabilities(channel(worker.address, tls(ours, "server")))).name == "w"


def _serial(folder: Path, host: str, port: int) -> int:
    """Of the certificate that is shown there."""
    import socket
    import ssl

    from cryptography import x509

    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host, port), timeout=60) as raw,
        context.wrap_socket(raw, server_hostname=WORKER_NAME) as secure,
    ):
        shown = secure.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("127.0.0.1:7200", True), ("localhost:7200", True), ("[::1]:7200", True), ("unix:/run/w.sock", True),
        ("10.0.0.5:7200", False), ("gpu1:7200", False), ("0.0.0.0:7200", False),
    ],
)  # fmt: skip
def test_plain_text_stays_on_this_machine(address: str, fine: bool) -> None:
    check_plain(address, allowed=True)
    if fine:
        check_plain(address, allowed=False)
    else:
        with pytest.raises(UsageError, match="without encryption"):
            check_plain(address, allowed=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody\.key: No such file"):
        channel("10.0.0.5:1", tls(tmp_path, "nobody"))
    with pytest.raises(UsageError, match="make the authority there first"):
        make_pair(tmp_path, "x")


async def test_certificates_that_are_being_replaced_do_not_end_the_watch(ours: Path) -> None:
    given = fake_settings("w", "127.0.0.1:0", tls=tls(ours, "worker").model_dump(mode="json"))
    async with fake_worker(given) as worker, Fleet([worker.address], tls=tls(ours, "server")) as fleet:
        assert await fleet.until(lambda: "w" in fleet.workers, 60)
        known = fleet.workers["w"]
        before = known.channel
        (ours / "server.pem").unlink()
        await fleet._renew(known)
        assert known.channel is before
        make_pair(ours, "server")
        await fleet._renew(known)
        assert known.channel is not before


async def test_after_a_change_of_the_authority_a_server_comes_back_without_a_restart(ours: Path) -> None:
    given = fake_settings("w", "127.0.0.1:0", tls=tls(ours, "worker").model_dump(mode="json"))
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(fake_worker(given))
        fleet = await stack.enter_async_context(Fleet([first.address], tls=tls(ours, "server")))

        def well() -> bool:
            return any(w.healthy for w in fleet.workers.values())

        assert await fleet.until(well, 5)
        for old in ours.iterdir():
            old.unlink()
        make_authority(ours)
        for name in ("server", "worker"):
            make_pair(ours, name)
        first.process.kill()
        assert await fleet.until(lambda: not well(), 60)
        await stack.enter_async_context(fake_worker(given | {"listen": first.address}))
        assert await fleet.until(well, 10)


@pytest.mark.parametrize("address", ["10.1.2.3:50051", "127.0.0.1:1", "[fd00::1]:50051", "worker:50051", "unix:/run/w"])
def test_announced_workers_are_believed_in_private_networks(address: str) -> None:
    check_announced(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8:50051", "worker.evil.example:50051", "[2001:4860::1]:443"])
def test_announced_workers_elsewhere_are_not(address: str) -> None:
    with pytest.raises(UsageError, match="worker_networks"):
        check_announced(address, ())


def test_configured_networks_are_the_only_ones() -> None:
    networks = [ip_network("203.0.113.0/24")]
    check_announced("203.0.113.7:50051", networks)
    check_announced("localhost:50051", networks)
    for address in ("10.1.2.3:50051", "worker:50051"):
        with pytest.raises(UsageError, match="none of worker_networks"):
            check_announced(address, networks)
