"""Parley's errors on their way through gRPC: a status, a sentence, and an `ErrorDetail` in the trailing metadata."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
from grpc.aio import AioRpcError, ServicerContext

from parley.errors import ModelError, ModelNotFound, Overloaded, ParleyError, UsageError
from parley.v1 import common_pb2

DETAIL_KEY = "parley-error-bin"


class Draining(Overloaded):
    """The worker finishes what it has begun and takes nothing new."""


def _status(fault: ParleyError) -> tuple[grpc.StatusCode, common_pb2.ErrorDetail]:
    detail = common_pb2.ErrorDetail
    if isinstance(fault, Draining):
        return grpc.StatusCode.UNAVAILABLE, detail(reason="draining", retryable=True)
    if isinstance(fault, Overloaded):
        wait = round(fault.retry_after_s * 1000)
        return grpc.StatusCode.RESOURCE_EXHAUSTED, detail(reason="overloaded", retryable=True, retry_after_ms=wait)
    if isinstance(fault, ModelNotFound):
        return grpc.StatusCode.NOT_FOUND, detail(reason="unknown_model")
    if isinstance(fault, UsageError):
        return grpc.StatusCode.INVALID_ARGUMENT, detail(reason="invalid_argument")
    retryable = isinstance(fault, ModelError) and fault.retryable
    return grpc.StatusCode.INTERNAL, detail(reason="model_failed", retryable=retryable)


async def abort(context: ServicerContext[Any, Any], fault: ParleyError) -> NoReturn:
    """End a call with what went wrong."""
    code, detail = _status(fault)
    await context.abort(code, str(fault), ((DETAIL_KEY, detail.SerializeToString()),))
    raise AssertionError("abort returns never")


def from_rpc(fault: AioRpcError, worker: str) -> ParleyError:
    """What a call to `worker` failed with, as the error that the worker raised."""
    trailing = dict(fault.trailing_metadata() or ())
    detail = common_pb2.ErrorDetail()
    raw = trailing.get(DETAIL_KEY)
    if isinstance(raw, bytes):
        detail.ParseFromString(raw)
    said = f"worker {worker}: {fault.details() or fault.code().name}"
    match fault.code():
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded(said, retry_after_s=(detail.retry_after_ms or 5000) / 1000)
        case grpc.StatusCode.NOT_FOUND:
            return ModelNotFound(said)
        case grpc.StatusCode.INVALID_ARGUMENT:
            return UsageError(said)
        case _:
            return ModelError(said, retryable=detail.retryable or not detail.reason)
