"""The interfaces of models, split by what flows through them. All are asynchronous and cancellable.

Audio into a model is float32 mono at 16 kHz; speech out of one is int16 mono at the model's own rate.
A call that fails raises `ModelError`; cancelling the awaiting task abandons the work.
"""

# Above 300 lines: what a model is, of every kind, is read as a whole.
from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

from parley.audio.pcm import Float32, Int16

MODEL_RATE_HZ = 16000


class Priority(IntEnum):
    """Who goes first when callers share a model; lower goes first."""

    COMMITTED = 0
    PARTIAL = 1
    SPECULATIVE = 2
    BACKGROUND = 3
    """Nobody listens while it is made (REST). What is prepared for a live answer goes before it: it delays nobody in a
    conversation, while a conversation that waits is heard."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a model works: fairness is between owners, urgency by priority."""

    owner: str = ""
    priority: Priority = Priority.COMMITTED
    wanted: Callable[[], bool] = lambda: True
    """Whether the result is still of use: asked, from any thread, when the request's turn has come."""
    about: str = ""
    """Which of an owner's prompts this one goes on from, where there are several (each agent has its own): a model that
    remembers prompts keeps a place for each."""


class VadStream(Protocol):
    """Voice activity of one input."""

    async def feed(self, samples: Float32) -> list[float]:
        """Add audio; return the speech probability of each 32 ms window that it completed."""

    def close(self) -> None:
        """Forget the stream."""


class Vad(Protocol):
    """Voice activity detector, shared by all inputs."""

    window_samples: int

    def open(self) -> VadStream:
        """Begin a stream."""


class EndOfTurn(Protocol):
    """Judges from sound whether a speaker has finished."""

    languages: Sequence[str]
    """Those that it knows; "*" stands for all."""

    async def probability(self, samples: Float32, caller: Caller) -> float:
        """Probability (0 to 1) that the speaker of `samples` (the turn so far, 16 kHz) is finished."""


class SpeakerEncoder(Protocol):
    """Tells voices apart."""

    async def embed(self, samples: Float32, caller: Caller) -> Float32:
        """Where the voice of `samples` (one speaker, 16 kHz) lies among voices: a vector of unit length. Two of the
        same speaker point in about the same direction."""

    def close(self) -> None:
        """Release it."""


class EndOfSentence(Protocol):
    """Judges from words whether a turn can end where it stands."""

    languages: Sequence[str]

    async def probability(self, text: str, caller: Caller, before: str = "") -> float:
        """Probability (0 to 1) that nothing follows the last words of `text`, said to somebody who said `before`."""

    async def read(self, before: str, caller: Caller) -> None:
        """Be told `before` while there is time: the turn that answers it begins."""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A stretch of recognised speech with its place in the audio, seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser understood."""

    text: str
    language: str = ""
    segments: tuple[TimedText, ...] = ()
    tokens: tuple[int, ...] = ()
    """The recogniser's own, with which a later pass over the same beginning may save work."""
    words: tuple[TimedText, ...] = ()
    """When each word was said, where that was asked for."""
    mean_logprob: float = 0.0
    """Of its tokens: how sure the recogniser is."""
    no_speech: float = 0.0
    """Probability that nobody spoke."""
    finished: float | None = None
    """Probability that the speaker has finished, by how the end sounded; None where the recogniser does not tell."""


class RecognizerStream(Protocol):
    """Recognition of one growing utterance. `finish` may be called again after more audio."""

    def feed(self, samples: Float32) -> None:
        """Add audio, 16 kHz."""

    async def partial(self, caller: Caller) -> Transcript:
        """The words so far; they may change."""

    async def finish(self, caller: Caller) -> Transcript:
        """The words of everything fed so far, at full quality."""

    def close(self) -> None:
        """Nothing more will be fed; questions that are under way are still answered."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a recogniser is told beside the language; it takes what `Recognizer.guided_by` names."""

    prompt: str = ""
    """Words that may occur, or what was said before."""
    languages: tuple[str, ...] = ()
    """Those that it may be, where none is named."""
    temperature: float = 0.0
    """0: the likeliest words."""
    translate: bool = False
    """English words of whatever is spoken."""
    word_times: bool = False
    """Also when each word was said."""

    @property
    def given(self) -> frozenset[str]:
        """The names of what is wished."""
        return frozenset(f.name for f in fields(self) if getattr(self, f.name))


UNGUIDED = Guidance()


def prompt_with(prompt: str | None, keywords: Sequence[str]) -> str:
    """The prompt of a `Guidance` that also names words: a recogniser takes them as words of its prompt."""
    return " ".join(filter(None, (prompt, ", ".join(keywords))))


class Recognizer(Protocol):
    """Speech recogniser, shared by all utterances."""

    languages: Sequence[str]
    guided_by: Collection[str]
    """Fields of `Guidance` that it takes."""
    tells_ends: bool
    """Whether it tells of each transcript how finished the speaker sounded: no other model is asked then."""

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do, so that words nobody waits for may be asked for."""

    def open(self, language: str | None = None, guidance: Guidance = UNGUIDED) -> RecognizerStream:
        """Begin an utterance; `language` None lets the model decide."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """When each word of a text is said."""

    words: tuple[TimedText, ...]
    mean_logprob: float
    """Of the letters, where they are said: how well the text fits the sound (0 at best)."""


@runtime_checkable
class Aligner(Protocol):
    """A recogniser that also tells when a text is said that is known before."""

    async def align(self, samples: Float32, text: str, caller: Caller) -> Alignment | None:
        """Find the words of `text` in speech of 16 kHz; those with letters alone that the model does not know are
        left out. None where the sound is too short for the text."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A fragment of a function call that a model asks for.

    The fragments of one call share its index; `arguments` is what is new of them (JSON text), and the last fragment
    (`done`) has them as a whole, mended if the model wrote no proper JSON.
    """

    index: int
    id: str
    name: str
    arguments: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a response cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a chat answer: some text, a fragment of a tool call, or the closing facts.

    One without any of them is a sign of life: the model is at work on what nobody is to hear.
    """

    text: str = ""
    tool_call: ToolCall | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    retracts: bool = False
    """The text that came so far was none of the answer (a thought that only its end gave away)."""


Message = Mapping[str, Any]
"""A message in the form of the OpenAI chat interface; a user's may be sound (content parts `input_audio`, WAV files)
where the model hears."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How to answer."""

    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: Any = "auto"
    max_tokens: int | None = None
    temperature: float | None = None
    parallel_tool_calls: bool | None = None
    """Whether it may call several tools at once; None: as it likes."""
    reasoning_effort: str | None = None
    """How much it is to think before it answers ("none" to "xhigh"); None: not at all, where that can be said."""


class ChatModel(Protocol):
    """A language model."""

    name: str
    off_host: bool
    """Whether it leaves this machine's processors alone: an answer that nobody may want delays nobody."""

    @property
    def hears(self) -> bool:
        """Whether users' messages may be sound; one that was refused does not any more."""

    @property
    def context_tokens(self) -> int | None:
        """What fits into its context, prompt and answer together; None: nobody knows."""

    def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        """Answer; closing the iterator stops the model."""

    async def prefill(self, messages: Sequence[Message], options: ChatOptions, caller: Caller) -> None:
        """Read a prompt ahead of time so that the answer to it starts sooner; may do nothing.

        `messages` and `options` are those of the answer, as far as they are known.
        """


@runtime_checkable
class Reachable(Protocol):
    """A model that may be down for a while."""

    @property
    def up(self) -> bool:
        """Whether it can be asked now, as far as is known; asking may make it find out for the next time."""


@runtime_checkable
class Quickening(Protocol):
    """A language model that can be made faster for the machine that it is on."""

    async def quicken(self) -> bool:
        """Do what takes minutes, once for all starts; whether it is faster when it is loaded anew."""


@dataclass(frozen=True, slots=True)
class WordTiming:
    """A word of a synthesised text: its span in the text and its place in the audio."""

    text_start: int
    text_end: int
    start_s: float
    end_s: float
    estimated: bool = False
    """Whether nobody measured it."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of synthesised speech, with the words that begin in it (times from the start of the text)."""

    samples: Int16
    words: tuple[WordTiming, ...] = ()


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a part of a text sounds, whatever its letters say: characters `start` to `end`, in IPA."""

    start: int
    end: int
    ipa: str


@dataclass(frozen=True, slots=True)
class SpeakingStyle:
    """How to say it."""

    voice: str | None = None
    speed: float = 1.0
    language: str | None = None
    emotion: str = "neutral"
    """One of `emotions.EMOTIONS` that the voice has."""
    intensity: float = 0.5
    """How much of the emotion, 0 to 1; of no account for a model without degrees."""
    pronounced: tuple[Pronunciation, ...] = ()
    """Parts of this text, in order; a voice that knows no IPA says their letters."""


class Synthesizer(Protocol):
    """A text-to-speech model."""

    name: str
    rate_hz: int
    voices: Sequence[str]
    languages: Sequence[str]
    times_words: bool
    """Whether its chunks tell when each word is said; else `word_times` reckons that."""
    fixed_speed: bool
    """Whether it speaks at its own speed only, whatever the style says."""
    emotions: Collection[str]
    """Of `emotions.EMOTIONS`, "neutral" among them."""

    def synthesize(self, text: str, style: SpeakingStyle, caller: Caller) -> AsyncGenerator[SpeechChunk, None]:
        """Say `text`; closing the iterator stops the model."""


@dataclass(frozen=True, slots=True)
class DuplexFrame:
    """What a duplex model gives for each frame it takes: sound, and the words it believes it says."""

    samples: Int16
    text: str = ""


@dataclass(frozen=True, slots=True)
class DuplexOpening:
    """What a duplex model is told, as text, before a conversation begins."""

    role: str = ""
    """Who it is to be; empty: as the model's own options say."""
    so_far: tuple[str, ...] = ()
    """What was said before, a line for each who spoke; of too many the last count."""
    voice: str = ""
    """One of the model's `voices`; empty: its own."""


UNTOLD = DuplexOpening()


class DuplexSlot(Protocol):
    """One conversation on a duplex model; `step` is called once for each input frame."""

    async def step(self, samples: Float32) -> DuplexFrame:
        """Take one frame (`frame_samples` at `rate_hz`), give one frame."""

    async def whisper(self, text: str) -> None:
        """Let the model know something that nobody hears, from the next frame on.

        It is silent meanwhile, for about a frame a word. A model that cannot read does as if it had not heard.
        """

    async def aclose(self) -> None:
        """Free the slot."""


class DuplexModel(Protocol):
    """Native speech-to-speech: frames in, frames out, turns of its own."""

    name: str
    rate_hz: int
    frame_samples: int
    voices: Sequence[str]
    """Ways of speaking that a conversation may have instead of the model's own."""

    async def open_slot(self, opening: DuplexOpening = UNTOLD) -> DuplexSlot:
        """Take a slot; raises `Overloaded` when all are taken. A model that cannot read leaves `opening` aside."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What an adapter gets to load a model: its files on disk and its options."""

    id: str
    family: str
    files: Mapping[str, Any] = field(default_factory=dict)
    """File name in the catalogue to `pathlib.Path`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "llm"
    """Of one that answers: `catalogue.ANSWERS`."""
    languages: Sequence[str] = ("*",)
    """Those that it is said to know, for an adapter whose files do not tell; "*" stands for all."""
