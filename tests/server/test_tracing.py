"""Traces as a collector receives them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from parley.conversation import notifications as nt
from parley.models.interfaces import Usage
from parley.server.tracing import Tracing
from parley.turns.actions import Ending


class Collector(HTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def spans(self) -> dict[str, object]:
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        import gzip

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_is_a_trace_of_its_stages(collector: Collector) -> None:
    tracing = Tracing(f"http://127.0.0.1:{collector.server_port}/")
    tracing.observe("sess_1", nt.Waterfall("resp_1", 300, {"detection": 100, "recognition": 150, "playout": 50}))
    tracing.observe("sess_1", nt.ResponseEnded("resp_1", Ending.CUT, "turn_detected", (), Usage()))
    tracing.observe("sess_1", nt.ResponseEnded("other", Ending.FINISHED, "", (), Usage()))
    tracing.close()
    spans = collector.spans
    assert set(spans) == {"answer", "detection", "recognition", "playout", "speaking"}
    answer, recognition = spans["answer"], spans["recognition"]
    assert recognition.parent_span_id == answer.span_id  # type: ignore[attr-defined]
    took = recognition.end_time_unix_nano - recognition.start_time_unix_nano  # type: ignore[attr-defined]
    assert took == 150_000_000
    attributes = {a.key: a.value.string_value for a in answer.attributes}  # type: ignore[attr-defined]
    assert attributes == {
        "session.id": "sess_1", "response.id": "resp_1", "ending": "cut", "reason": "turn_detected",
    }  # fmt: skip
