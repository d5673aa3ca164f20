"""For phones on the LAN: this machine's addresses, a certificate for them, and a picture of the page's address.

Browsers give no microphone to plain HTTP from another machine. A certificate that nobody has signed is enough for
them, after a warning; it is kept, so that a phone has to be told once.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
import socket
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from parley.workers.certificates import begun, pem_of, write_file

_DAYS = 397  # browsers refuse longer ones
_RENEW_DAYS = 14


def addresses() -> list[str]:
    """IPv4 addresses by which others may reach this machine, the most likely one first."""
    found = [
        entry.address
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if entry.family == socket.AF_INET and not name.startswith(("lo", "docker", "br-", "veth"))
    ]
    usable = [a for a in found if not (ip := ipaddress.ip_address(a)).is_loopback and not ip.is_link_local]
    return sorted(usable, key=lambda a: not ipaddress.ip_address(a).is_private)


def certificate(folder: Path, names: list[str]) -> tuple[Path, Path]:
    """Certificate and key for these addresses, PEM; those that are there are kept while they fit."""
    cert, key = folder / "page.pem", folder / "page.key"
    if not (cert.exists() and key.exists() and _fits(cert, names)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(cert, key, names)
    return cert, key


def kept_key(folder: Path) -> str:
    """The key that the page's address carries, the same at every start: a phone keeps its bookmark."""
    path = folder / "access.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_file(path, secrets.token_urlsafe(12).encode(), secret=True)
    return path.read_text().strip()


def _fits(path: Path, names: list[str]) -> bool:
    shown = x509.load_pem_x509_certificate(path.read_bytes())
    alternatives = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(a) for a in alternatives.get_values_for_type(x509.IPAddress)}
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=_RENEW_DAYS)
    return set(names) <= known and shown.not_valid_after_utc > soon


def _make(cert: Path, key: Path, names: list[str]) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"parley on {socket.gethostname()}"[:64])])
    alternatives = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname())]
    ips = [x509.IPAddress(ipaddress.ip_address(a)) for a in dict.fromkeys(("127.0.0.1", *names))]
    made = (
        begun(name, name, secret.public_key(), _DAYS)
        .add_extension(x509.SubjectAlternativeName([*alternatives, *ips]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    write_file(key, pem_of(secret), secret=True)
    write_file(cert, made.public_bytes(serialization.Encoding.PEM))
