"""What a client may do in a conversation by what it is there: the host everything, guests what concerns themselves."""

from __future__ import annotations

from dataclasses import fields, replace

from parley.conversation.circle import Place
from parley.errors import ProtocolError
from parley.realtime import client_events as ce
from parley.realtime.debate_events import ExportDebate, VoteInDebate
from parley.realtime.room_events import ConsentToRecording, RaiseHand
from parley.realtime.session_object import RealtimeSession

_OF_ALL = (ce.UpdateSession, ce.RetrieveItem, ce.PlayoutPosition, ce.AppendAudio, ce.CommitAudio, ce.ClearAudio,
           ce.GoAway, VoteInDebate, ExportDebate, RaiseHand, ConsentToRecording)  # fmt: skip
"""What counts for the client itself; sound of who has no microphone is refused elsewhere."""
_OF_SPEAKERS = (ce.CreateItem, ce.CreateResponse, ce.CancelResponse, ce.ClearOutput, ce.TruncateItem)
_OWN_WISH = ("metadata", "modality", "output_format", "agents")
"""What a guest may ask of a response; all else is for the host to say."""

_OWN_SETTINGS = ("input_format", "output_format", "transcription", "language", "noise_reduction", "turn_detection")
_OWN_EXTENSIONS = ("exact", "binary_audio", "echo_cancellation")
_CALLED = {"kind": "type", "output_modality": "output_modalities", "voice": "audio.output.voice",
           "speed": "audio.output.speed", "extensions": "parley.style"}  # fmt: skip


def own_part(before: RealtimeSession, wanted: RealtimeSession) -> tuple[RealtimeSession, tuple[str, ...]]:
    """Of a session object as a guest wants it: with what concerns the guest alone, and what else it names.

    A client that knows nothing of rooms sends all its settings at once, and those of its microphone are to count.
    """
    extensions = before.extensions
    if extensions is not None and wanted.extensions is not None:
        extensions = replace(extensions, **{name: getattr(wanted.extensions, name) for name in _OWN_EXTENSIONS})
    own = replace(before, extensions=extensions, **{name: getattr(wanted, name) for name in _OWN_SETTINGS})
    others = (f.name for f in fields(RealtimeSession) if getattr(own, f.name) != getattr(wanted, f.name))
    return own, tuple(_CALLED.get(name, name) for name in others)


def check(command: ce.Command, place: Place, *, muted: bool = False) -> None:
    """Raise `ProtocolError` for what is not a client's to do; `muted`: by the host."""
    if place.host or isinstance(command, _OF_ALL):
        return
    if not isinstance(command, _OF_SPEAKERS):
        raise _refused("only the host of the conversation does this", "type")
    if not place.speaks:
        raise ProtocolError("this connection only listens", field="type", code="unsupported")
    if muted:
        raise ProtocolError("the host of the conversation has muted you", field="type", code="muted")
    if isinstance(command, ce.CreateItem) and (command.item.type != "message" or command.item.role != "user"):
        raise _refused("a guest adds words of its own alone", "item")
    if isinstance(command, ce.CreateResponse):
        asked = ce.CreateResponse(**{name: getattr(command, name) for name in _OWN_WISH})
        if command != asked:
            raise _refused(f"a guest's response has these of its own alone: {', '.join(_OWN_WISH)}", "response")


def _refused(why: str, field: str) -> ProtocolError:
    return ProtocolError(why, field=field, code="not_the_host")
