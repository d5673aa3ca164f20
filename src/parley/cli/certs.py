"""``parley certs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parley.cli.terminal import errors
from parley.errors import UsageError
from parley.workers.certificates import make_authority, make_pair


def certs(
    names: Annotated[list[str], typer.Argument(help="A name for each server and worker")],
    folder: Annotated[Path, typer.Option(help="Where the files go")] = Path("certs"),
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long the pairs are valid")] = 825,
) -> None:
    """Certificates for mutual TLS between servers and workers.

    Makes an authority (kept if it is there) and a pair for each name. Copy ca.pem and its own pair to each host; ca.key
    stays here. A pair that is made anew takes effect without a restart. Example:

      parley certs server gpu1 gpu2
    """
    if bad := [n for n in names if not n.replace("-", "").replace(".", "").isalnum() or n == "ca"]:
        raise UsageError(f"'{bad[0]}' cannot be a name: letters, digits, '-' and '.' only, and not 'ca'")
    authority = make_authority(folder)
    for name in names:
        cert, key = make_pair(folder, name, days=days)
        errors.print(f"tls: {{ca: {authority}, cert: {cert}, key: {key}}}", highlight=False)
