"""A certificate for phones on the LAN."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
from cryptography import x509

from parley.server import lan
from tests.conftest import start_server, stop_server


def names(cert: Path) -> set[str]:
    shown = x509.load_pem_x509_certificate(cert.read_bytes())
    alternatives = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(a) for a in alternatives.get_values_for_type(x509.IPAddress)}


def test_a_certificate_is_kept_while_it_fits_and_made_anew_for_another_address(tmp_path: Path) -> None:
    cert, key = lan.certificate(tmp_path, ["192.168.1.5"])
    assert names(cert) == {"127.0.0.1", "192.168.1.5"}
    assert key.stat().st_mode & 0o777 == 0o600
    first = cert.read_bytes()
    lan.certificate(tmp_path, ["192.168.1.5"])
    assert cert.read_bytes() == first
    lan.certificate(tmp_path, ["192.168.1.5", "10.0.0.7"])
    assert names(cert) == {"127.0.0.1", "192.168.1.5", "10.0.0.7"}


async def test_serving_by_https_needs_the_key_that_the_picture_carries(tmp_path: Path) -> None:
    log = tmp_path / "serve.log"
    given = {"PARLEY_TLS": "true", "PARLEY_LLM": "smollm2-135m"}
    process, running = await asyncio.to_thread(start_server, log, **given)
    try:
        text = log.read_text()
        key = text.split("#key=", 1)[1].split()[0] if "#key=" in text else None
        assert running.url.startswith("https://localhost:")
        url = running.url.replace("localhost", "127.0.0.1")
        context = ssl.create_default_context(cafile=str(_home_certificate()))
        async with httpx.AsyncClient(verify=context) as client:
            assert (await client.get(url + "/")).status_code == 200
            assert (await client.get(url + "/v1/parley")).status_code == 401
            if key is not None:  # a machine without a network has no address for phones
                headers = {"Authorization": f"Bearer {key}", "Origin": url}
                assert (await client.get(url + "/v1/parley", headers=headers)).status_code == 200
    finally:
        await asyncio.to_thread(stop_server, process, running)


def _home_certificate() -> Path:
    from parley.models.home import home

    return home() / "tls" / "page.pem"


def test_the_key_for_phones_is_the_same_at_every_start(tmp_path: Path) -> None:
    first = lan.kept_key(tmp_path / "tls")
    assert len(first) >= 16
    assert lan.kept_key(tmp_path / "tls") == first
    assert (tmp_path / "tls/access.key").stat().st_mode & 0o077 == 0
