"""What can be set for one session, and the models that it talks through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from parley.conversation.engines.base import Engine
from parley.conversation.input.echo import Canceller
from parley.conversation.tools.tool import Tool
from parley.models.interfaces import UNGUIDED, EndOfSentence, EndOfTurn, Guidance, Recognizer, Synthesizer, Vad
from parley.turns.settings import TurnSettings

DEFAULT_INSTRUCTIONS = (
    "You are a friendly voice assistant. Your words are spoken aloud: answer in one or two short, plain "
    "sentences, without lists, mark-up or emoji."
)
APOLOGY = "Sorry, I could not answer that."
NOT_UNDERSTOOD = "Sorry, I could not make out what you said."


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Settings of one session; replaced as a whole, never changed in place."""

    instructions: str = DEFAULT_INSTRUCTIONS
    circumstances: str = ""
    """What the assistant is told besides, such as the date. It never changes in a conversation, so that what a model
    has read of the prompt stays read."""
    engine: str | None = None
    """One of `SessionModels.engines`; None: the server's default, as with the following two."""
    delegate: str | None = None
    """One of `SessionModels.engines`, which looks up and calls tools for one that takes turns itself."""
    recognizer: str | None = None
    """One of `SessionModels.recognizers`."""
    voice: str | None = None
    """One of `SessionModels.voices`."""
    speed: float = 1.0
    emotion: str = "neutral"
    """See `SpeakingStyle`, which the next is of, too."""
    intensity: float = 0.5
    expressive: bool = False
    """Whether the language model may choose the emotion, sentence by sentence, of a voice that has some."""
    language: str | None = None
    """Spoken language (ISO 639-1); None: the recogniser decides, words are judged as English."""
    guidance: Guidance = UNGUIDED
    """What else the recogniser is told."""
    answers: bool = True
    """Whether what is said is answered; else it is only written down."""
    modality: Literal["audio", "text"] = "audio"
    tools: tuple[Mapping[str, Any], ...] = ()
    """The client's, in the form of the chat interface."""
    server_tools: tuple[Tool, ...] = ()
    """Those that are carried out here."""
    tool_choice: Any = "auto"
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    max_output_tokens: int | None = None
    """What the client asks for; None: `longest_answer_tokens`."""
    longest_answer_tokens: int = 160
    """Nobody listens for minutes: the bound when the client names none."""
    temperature: float | None = None
    memory_tokens: int | None = None
    """Most tokens of the conversation in a prompt, beyond which the older half leaves; None: as the model's context
    allows."""
    memory_share: float = 1.0
    """The share of that which is used."""
    anticipate: bool | None = None
    """Whether answers are prepared while the user still speaks; None: by engines that run elsewhere."""
    evidence_folder: Path | None = None
    """Where to record what turn-taking is decided on (times and words, no sound), for `parley replay`."""
    echo_cancellation: bool | None = None
    """Take the assistant's own voice out of the microphone's sound while it speaks; None: once it is found there."""
    noise_reduction: bool = False
    """Take steady noise out of the microphone's sound."""
    greeting: str | None = None
    apology: str | None = APOLOGY
    """Spoken when an answer fails; None: silence."""
    not_understood: str = NOT_UNDERSTOOD
    """Spoken when an answer is wanted to a turn whose words could not be had."""
    turns: TurnSettings = field(default_factory=TurnSettings)

    @property
    def opening(self) -> str:
        """What a prompt begins with."""
        return "\n\n".join(filter(None, [self.instructions, self.circumstances]))


async def _nothing(_: str) -> None:
    """There is nothing to bring."""


@dataclass(frozen=True, slots=True)
class SessionModels:
    """The models behind a session."""

    vad: Vad
    recognizer: Recognizer
    engine: Engine
    end_of_turn: EndOfTurn | None = None
    end_of_sentence: EndOfSentence | None = None
    canceller: Callable[[bool, bool], Canceller] | None = None
    """Makes what cancels an echo, suppresses noise, or both; None: nobody can here."""
    voices: Mapping[str, Synthesizer] = field(default_factory=dict)
    """Voice names to synthesisers; the first is the default."""
    voice_is_here: Callable[[str], bool] = lambda _: True
    """Whether a voice is in memory, so that it can speak at once."""
    bring_voice: Callable[[str], Awaitable[None]] = _nothing
    """Has one in memory; raises `ModelError`."""
    over: Callable[[str], None] = lambda _: None
    """Told the id of a session that ends, so that what models keep for it is let go."""
    hold: Callable[[str, bool], None] = lambda *_: None
    """Told the id of a session and whether its answer is paused: models elsewhere need not make sound then."""
    engines: Mapping[str, Engine] = field(default_factory=dict)
    """Others than `engine` that a session may choose."""
    recognizers: Mapping[str, Recognizer] = field(default_factory=dict)

    def turns_of(self, settings: SessionSettings) -> TurnSettings:
        """How turns are taken: answers are prepared ahead of a pause where words can be judged and are answered.

        Beside a model that takes turns itself they are only written down.
        """
        model, engine = self.end_of_sentence, self.engine
        if engine.turns == "model":
            return replace(
                settings.turns, mode="silence", create_response=False, interrupt_response=engine.pausable,
                idle_timeout_s=None, anticipate=False,
            )  # fmt: skip
        judges = model is not None and (settings.language or "en") in model.languages
        wanted = engine.off_host if settings.anticipate is None else settings.anticipate
        return replace(settings.turns, anticipate=judges and not engine.accepts_audio and wanted)

    def chosen(self, settings: SessionSettings) -> SessionModels:
        """With the engine and the recogniser that a session chose."""
        engine = self.engines.get(settings.engine or "", self.engine)
        return replace(self, engine=engine, recognizer=self.recognizers.get(settings.recognizer or "", self.recognizer))
