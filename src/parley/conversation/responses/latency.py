"""Where the time of one response went, from the last word of the turn to its first sound."""

from __future__ import annotations

from dataclasses import dataclass

from parley.conversation import notifications as nt


@dataclass(slots=True)
class LatencyMarks:
    """When things happened, seconds on the loop's clock, for the waterfall."""

    speech_ended: float | None = None
    captured: float | None = None
    detected: float | None = None
    transcribed: float | None = None
    started: float | None = None
    first_token: float | None = None
    first_clause: float | None = None
    first_audio: float | None = None
    committed: float | None = None
    first_frame: float | None = None
    produced: float | None = None
    network_s: float | None = None
    """What the way to the listener and back and his buffers add; None where nobody tells."""
    told: bool = False

    def waterfall(self, response: str) -> nt.Waterfall | None:
        """Stages on the way from the last voiced sample to the first frame heard; they sum to the total. Told once."""
        if self.told or self.speech_ended is None or self.first_frame is None:
            return None
        self.told = True
        at = self.speech_ended
        parts: dict[str, int] = {}
        marks = {
            "capture": self.captured,
            "detection": self.detected,
            "recognition": self.transcribed,
            "first_token": self.first_token,
            "first_clause": self.first_clause,
            "first_audio": self.first_audio,
            "endpointing": self.committed,
        }
        stages = sorted(((n, m) for n, m in marks.items() if m is not None), key=lambda stage: stage[1])
        stages.append(("playout", self.first_frame))
        total = round((self.first_frame - at) * 1000)
        spent = 0
        for name, mark in stages:
            at = max(at, mark)
            parts[name] = round((at - self.speech_ended) * 1000) - spent
            spent += parts[name]
        parts["playout"] += total - spent
        if self.network_s is not None:
            parts["network"] = round(self.network_s * 1000)
        return nt.Waterfall(response, sum(parts.values()), parts)
