"""What pydantic found wrong, in one line that names each field."""

from __future__ import annotations

from pydantic import ValidationError


def explain(fault: ValidationError) -> str:
    """``port: Input should be ...; tls.ca: Field required``; what is wrong with the whole is said of ``file``."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in fault.errors())
