"""Which certificates of a server are believed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from parley.errors import UsageError


@dataclass(frozen=True, slots=True)
class Trust:
    """Which certificates of a server are believed; by default those that the system believes."""

    ca: Path | None = None
    """PEM of an authority, or of the server itself."""
    insecure: bool = False
    """Any."""

    def context(self) -> ssl.SSLContext | None:
        """For the TLS of a connection; None: the default. Raises `UsageError` for a file that is none."""
        if self.insecure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context
        if self.ca is None:
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca))
        except (OSError, ssl.SSLError) as fault:
            raise UsageError(f"{self.ca} is not a certificate in PEM form ({fault})") from fault
