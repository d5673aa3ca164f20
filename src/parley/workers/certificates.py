"""A small certificate authority for a LAN: one root, and a pair for each worker and server."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from parley.errors import UsageError
from parley.workers.credentials import WORKER_NAME

_CA_DAYS = 3650


def make_authority(folder: Path) -> Path:
    """The root's certificate ``ca.pem`` with its key ``ca.key``; one that is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ca.pem"
    if path.exists():
        return path
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "parley authority")])
    builder = begun(name, name, key.public_key(), _CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    write_file(folder / "ca.key", pem_of(key), secret=True)
    write_file(path, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def make_pair(folder: Path, name: str, *, days: int = 825) -> tuple[Path, Path]:
    """``NAME.pem`` and ``NAME.key``, signed by the authority in `folder`; replaced if they are there.

    Raises `UsageError` when the folder has no authority.
    """
    try:
        authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    except OSError as fault:
        raise UsageError(f"{fault.filename}: {fault.strerror}; make the authority there first") from fault
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = begun(subject, authority.subject, key.public_key(), days)
    names = [x509.DNSName(WORKER_NAME), x509.DNSName(name)]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(issuer, critical=False)  # strict verifiers (Python 3.13) ask for it
    builder = builder.add_extension(_usage(signs=False), critical=True)
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    write_file(folder / f"{name}.key", pem_of(key), secret=True)
    write_file(folder / f"{name}.pem", builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return folder / f"{name}.pem", folder / f"{name}.key"


def begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    """A certificate without extensions and signature; `days` may be negative: expired so many days ago."""
    now = dt.datetime.now(dt.UTC)
    begins = now - dt.timedelta(days=1 - min(0, days - 1))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as a file has it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_file(path: Path, data: bytes, *, secret: bool = False) -> None:
    """In one step, so that a reader never sees half of it."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    fresh.replace(path)
