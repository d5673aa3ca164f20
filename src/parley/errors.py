"""Every error that parley raises on purpose, by who is at fault.

ParleyError
├── UsageError          the caller asked for something impossible (command line: exit 2)
│   ├── AudioError      sound that cannot be read as what it claims to be
│   └── ProtocolError   a client event that breaks the protocol; names the field
├── UnavailableError    a model or a server could not be had (command line: exit 3)
│   ├── ModelNotFound   nothing of that name in the catalogue or the store
│   ├── PullError       no source answered; carries what each one said
│   ├── LicenceRefused  the licence asks for the operator's consent first
│   └── UnpinnedRefused a file has no hash to be checked by, which the operator may accept
├── ModelError          a loaded model failed; `retryable` says whether trying again may help
│   └── PromptTooLong   more was asked of a language model than fits into its context
├── RequestAbandoned    the result was of no use any more when the request's turn came (`Caller.wanted`)
└── Overloaded          a limit of this server is reached; `retry_after_s` says when to return
"""

from __future__ import annotations


class ParleyError(Exception):
    """Base of all errors that parley raises on purpose."""


class UsageError(ParleyError):
    """The caller asked for something that cannot be done; the message names what and the mend."""


class AudioError(UsageError):
    """Sound that cannot be read as what it claims to be."""


class ProtocolError(UsageError):
    """A client event that breaks the protocol.

    `field` is the path of the field at fault (``session.audio.input.format``), `code` a stable word.
    """

    def __init__(self, message: str, *, field: str | None = None, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class UnavailableError(ParleyError):
    """A model or a server that is needed could not be had."""


class ModelNotFound(UnavailableError):
    """No model of that name is known."""


class PullError(UnavailableError):
    """No source of a model's files answered; the message lists every source and what it said."""


class LicenceRefused(UnavailableError):
    """The model's licence asks for consent: ``--accept-licence NAME``."""


class UnpinnedRefused(UnavailableError):
    """A model's files have no hash to be checked by: ``--accept-unpinned``."""


class ModelError(ParleyError):
    """A loaded model failed."""

    def __init__(self, message: str, *, retryable: bool = False, status: int | None = None) -> None:
        """`status`: with which a server answered, where it was one."""
        super().__init__(message)
        self.retryable = retryable
        self.status = status


class PromptTooLong(ModelError):
    """The prompt does not fit into the model's context."""


class RequestAbandoned(ParleyError):
    """Nothing was done: who asked has no use for the result any more."""


class Overloaded(ParleyError):
    """A limit of this server is reached."""

    def __init__(self, message: str, *, retry_after_s: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
