"""Each answer as an OpenTelemetry trace: the stages on its way to the first frame, then its speaking."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from parley.conversation import notifications as nt
from parley.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_NS_PER_MS = 1_000_000
_MOST_OPEN = 1024


class Tracing:
    """Sends traces to an OTLP/HTTP collector, in batches and off the event loop."""

    def __init__(self, endpoint: str) -> None:
        """`endpoint`: the collector's base URL; raises `UsageError` when the packages are missing."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as fault:
            raise UsageError(
                f"otlp_endpoint needs the extra 'otel': pip install 'parley-voice[otel]' ({fault})"
            ) from fault
        self._provider = TracerProvider(resource=Resource.create({"service.name": "parley"}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
        self._tracer = self._provider.get_tracer("parley")
        self._open: dict[str, tuple[Span, int]] = {}
        """By response: its span and when its first frame left (ns)."""

    def observe(self, session: str, notification: nt.Notification) -> None:
        """Take what a session tells."""
        match notification:
            case nt.Waterfall():
                self._begin(session, notification)
            case nt.ResponseEnded(response=response) if response in self._open:
                self._end(notification)
            case _:
                pass

    def _begin(self, session: str, waterfall: nt.Waterfall) -> None:
        from opentelemetry.trace import set_span_in_context

        now = time.time_ns()
        at = now - waterfall.total_ms * _NS_PER_MS
        answer = self._tracer.start_span(
            "answer", start_time=at, attributes={"session.id": session, "response.id": waterfall.response}
        )
        inside = set_span_in_context(answer)
        for stage, ms in waterfall.parts_ms.items():
            span = self._tracer.start_span(stage, context=inside, start_time=at)
            at += ms * _NS_PER_MS
            span.end(end_time=at)
        if len(self._open) < _MOST_OPEN:
            self._open[waterfall.response] = (answer, now)
        else:
            answer.end(end_time=now)

    def _end(self, ended: nt.ResponseEnded) -> None:
        from opentelemetry.trace import set_span_in_context

        answer, spoke = self._open.pop(ended.response)
        self._tracer.start_span("speaking", context=set_span_in_context(answer), start_time=spoke).end()
        answer.set_attributes({"ending": ended.ending.value, "reason": ended.reason})
        answer.end()

    def close(self) -> None:
        """Send what is left; takes as long as the collector needs, at most some seconds."""
        for answer, _ in self._open.values():
            answer.end()
        self._open.clear()
        self._provider.shutdown()
