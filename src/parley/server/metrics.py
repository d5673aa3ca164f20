"""All instruments of the server in one place, fed from what sessions tell."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from parley.conversation import notifications as nt
from parley.models.executor import all_waits
from parley.models.keeper import all_keepers
from parley.transports.rtc_quality import Quality

_SECONDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class Metrics:
    """Prometheus instruments of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.sessions = Gauge("parley_active_sessions", "Conversations going on", registry=registry)
        self.refused = Counter("parley_refused_sessions", "Connections refused", ["reason"], registry=registry)
        self.turns = Counter("parley_user_turns", "Turns taken by users", registry=registry)
        self.responses = Counter("parley_responses", "Responses by how they ended", ["ending"], registry=registry)
        self.barge_ins = Counter("parley_barge_ins", "Answers cut by a user's speech", registry=registry)
        self.false_barge_ins = Counter(
            "parley_false_barge_ins", "Answers paused by a sound and resumed", registry=registry
        )
        self.prepared = Counter(
            "parley_prepared_answers", "Answers begun before their turn was over", ["outcome"], registry=registry
        )
        self.prepared_seconds = Counter(
            "parley_prepared_answer_seconds", "Time spent on them until then", ["outcome"], registry=registry
        )
        self.latency = Histogram(
            "parley_voice_to_first_frame_seconds",
            "Last voiced sample of the user to first frame of the answer, at the server",
            buckets=_SECONDS,
            registry=registry,
        )
        self.stages = Histogram(
            "parley_stage_seconds", "Share of that by stage", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.packets = Counter(
            "parley_webrtc_packets", "RTP packets of calls that are over, by what became of them", ["kind"],
            registry=registry,
        )  # fmt: skip
        self.round_trip = Histogram(
            "parley_webrtc_round_trip_seconds", "Of calls, as RTCP tells it", buckets=_SECONDS, registry=registry
        )
        self.loop_lag = Gauge("parley_loop_lag_seconds", "How late the event loop is", registry=registry)
        self.loop_blocked = Counter(
            "parley_loop_blocked_seconds", "Time for which something held the event loop", registry=registry
        )
        registry.register(_ModelWaits())
        registry.register(_Children())
        ProcessCollector(registry=registry)
        self.tasks = Gauge("parley_tasks", "Tasks of the event loop", registry=registry)
        self.load_seconds = Gauge("parley_model_load_seconds", "Time to load a model", ["part"], registry=registry)

    def count_call(self, quality: Quality) -> None:
        """What the network did to a WebRTC call that is over."""
        for kind, count in (
            ("received", quality.packets_received),
            ("lost", quality.packets_lost),
            ("late", quality.packets_late),
            ("lost_there", quality.lost_there),
        ):
            self.packets.labels(kind).inc(max(0, count))
        if quality.round_trip_s is not None:
            self.round_trip.observe(quality.round_trip_s)

    def observe(self, notification: nt.Notification) -> None:
        """Count what a session tells."""
        match notification:
            case nt.InputTaken():
                self.turns.inc()
            case nt.ResponseEnded():
                self.responses.labels(notification.ending.value).inc()
                if notification.reason == "turn_detected":
                    self.barge_ins.inc()
            case nt.PlayoutResumed():
                self.false_barge_ins.inc()
            case nt.PreparedResponse():
                outcome = "used" if notification.used else "dropped"
                self.prepared.labels(outcome).inc()
                self.prepared_seconds.labels(outcome).inc(notification.spent_ms / 1000)
            case nt.Waterfall():
                self.latency.observe((notification.total_ms - notification.parts_ms.get("network", 0)) / 1000)
                for stage, ms in notification.parts_ms.items():
                    self.stages.labels(stage).observe(ms / 1000)
            case _:
                pass


class _ModelWaits(Collector):
    """Read from the models' queues when somebody looks."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One value for each model."""
        family = GaugeMetricFamily(
            "parley_model_wait_seconds",
            "What four of five requests that somebody waits for stood in the queue",
            labels=["model"],
        )
        for waits in all_waits():
            family.add_metric([waits.name], waits.usual_s)
        yield family


class _Children(Collector):
    """The processes that host models."""

    def collect(self) -> Iterator[Metric]:
        """Two values for each."""
        up = GaugeMetricFamily("parley_child_up", "Whether a model's process can be asked", labels=["child"])
        restarts = CounterMetricFamily(
            "parley_child_restarts", "How often it was started again because it had died", labels=["child"]
        )
        for keeper in all_keepers():
            up.add_metric([keeper.name], float(keeper.up))
            restarts.add_metric([keeper.name], keeper.restarts)
        yield up
        yield restarts
