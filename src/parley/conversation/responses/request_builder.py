"""What an engine is asked for one answer: the prompt, how to answer, in which voice."""

from __future__ import annotations

import math
from collections.abc import Collection

from parley.conversation.agent import Agent
from parley.conversation.context import Context
from parley.conversation.engines.base import ResponseRequest
from parley.conversation.memory import CHARS_PER_TOKEN
from parley.conversation.responses.prompt import Messages, add_user_words, answerable, as_messages, named, spoken
from parley.conversation.responses.response import Response, ResponseOptions
from parley.conversation.responses.voice_choice import VoiceChoice
from parley.conversation.sounds import TOKENS_PER_S, sound_part
from parley.conversation.tools.executor import offered
from parley.languages import knows
from parley.models.interfaces import Caller, ChatOptions, Priority, SpeakingStyle, Synthesizer

_SURELY_FITS = 0.85  # of the context: tokens are reckoned from characters
_LEAST_MEMORY_TOKENS = 200
_MOST_MEMORY_TOKENS = 24_000  # unless more is asked for: longer prompts answer later
_UNKNOWN_CONTEXT_TOKENS = 4096


class RequestBuilder:
    """Made of one session's settings and history."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._share = 1.0
        self.voices = VoiceChoice(context)

    def shorten(self) -> None:
        """What was asked did not fit: the conversation gets half the room from now on."""
        self._share /= 2

    def of(self, response: Response) -> ResponseRequest:
        """What the engine is asked."""
        context, options, agent = self._context, response.options, self._context.agent(response.agent)
        messages, heard = self._messages(response, agent), self._heard(response, agent)
        if heard is not None and _roles(heard) != _roles(messages):
            messages = heard  # there are no words of what was said
        about = agent.name if options.input is None else "asked"
        priority = Priority.COMMITTED if response.committed else Priority.SPECULATIVE
        synthesizer, style = self._voice(agent, options.voice or agent.settings.voice)
        return ResponseRequest(
            answerable(messages), self.chat_options(agent, options), style, synthesizer if response.speaks else None,
            Caller(context.id, priority, about=about),
            heard=None if heard is None else answerable(heard), say=options.say or self._repetition(response),
            voice_stalled=response.voice_stalled, spoken_chars=lambda: context.ledger.spoken_chars(response.key),
            left_s=lambda: context.audience.left_s(response.key) if response.committed else math.inf,
            speaker=agent.name if context.several else "", most_sentences=options.most_sentences,
            said_before=options.said_before or (),
        )  # fmt: skip

    def _messages(self, response: Response, agent: Agent) -> Messages:
        options = response.options
        if options.input is not None:
            messages = as_messages(list(options.input), self._instructions(agent, options))
        else:  # of one that is begun anew, what there is of it comes behind the prompt
            messages = self.prompt(agent, options, without={i.id for i in response.items})
        if not response.committed and not options.ahead:
            add_user_words(messages, self.said(response.participant, response.transcript))
        return messages

    def _heard(self, response: Response, agent: Agent) -> Messages | None:
        """The same with sound, for an engine that hears and where something was said."""
        context, options = self._context, response.options
        if options.input is not None or not agent.models.engine.accepts_audio:
            return None
        messages = self.prompt(agent, options, without={i.id for i in response.items}, heard=True)
        if not response.committed and response.speech is not None:
            name = response.participant if context.several else ""
            add_user_words(messages, spoken(sound_part(response.speech), name))
        elif not context.history.sounds.seconds:
            return None
        return messages

    def prompt(
        self, agent: Agent, options: ResponseOptions, *, ahead: bool = False, without: Collection[str] = (),
        heard: bool = False,
    ) -> Messages:  # fmt: skip
        """The conversation as an agent sees it; see `History.messages` for the rest."""
        context = self._context
        return context.history.messages(
            self._instructions(agent, options), self.budget_tokens(agent, options), ahead=ahead, without=without,
            seen_by=agent.name if context.several else None, heard=heard,
        )  # fmt: skip

    def said(self, speaker: str, words: str) -> str:
        """Somebody's words as they stand in a prompt: with a name where there are several."""
        return named(speaker, words) if self._context.several else words

    def _instructions(self, agent: Agent, options: ResponseOptions) -> str:
        own = options.instructions if options.instructions is not None else agent.settings.opening
        return "\n\n".join(filter(None, [own, self._circle(agent), self._moods(agent)]))

    def _moods(self, agent: Agent) -> str:
        """How the model chooses its voice's emotion, where it may and there are some."""
        voice = agent.models.voices.get(agent.settings.voice or "") or next(iter(agent.models.voices.values()), None)
        moods = [f"[{emotion}]" for emotion in (voice.emotions if voice else ()) if emotion != "neutral"]
        if not agent.settings.expressive or not moods:
            return ""
        return (
            f"You may begin a sentence with {' or '.join(moods)} where it is to sound so, and with [neutral] where no "
            "longer. Use nothing else in brackets."
        )

    def _circle(self, agent: Agent) -> str:
        """Who else takes part, where it matters."""
        context = self._context
        if not context.several:
            return ""
        others = ", ".join([f"{name} (an agent like you)" for name in context.agents if name != agent.name]
                           + [name for name, here in context.people.items() if here])  # fmt: skip
        return (
            f"You are {agent.name}. You talk with: {others}. What the others say begins with their name. "
            "Speak for yourself alone, and do not begin with your name."
        )

    def chat_options(self, agent: Agent, options: ResponseOptions) -> ChatOptions:
        """How to answer, as the client or the session says."""
        settings = agent.settings
        tools = options.tools if options.tools is not None else settings.tools
        return ChatOptions(
            tools=(*tools, *(tool.shown for tool in offered(settings, options).values())),
            tool_choice=options.tool_choice if options.tool_choice is not None else settings.tool_choice,
            max_tokens=options.max_output_tokens or settings.max_output_tokens or settings.longest_answer_tokens,
            temperature=settings.temperature if options.temperature is None else options.temperature,
            parallel_tool_calls=settings.parallel_tool_calls if options.parallel_tool_calls is None
            else options.parallel_tool_calls,
            reasoning_effort=options.reasoning_effort or settings.reasoning_effort,
        )  # fmt: skip

    def _repetition(self, response: Response) -> str | None:
        """The last answer as far as it was heard, when the user asks for nothing else."""
        context = self._context
        if not response.again:
            return None
        said = (i.heard_text for i in reversed(context.history.items) if i.role == "assistant" and i.heard_text.strip())
        return next(said, None)

    def _voice(self, agent: Agent, name: str | None) -> tuple[Synthesizer | None, SpeakingStyle]:
        voices, settings, name = agent.models.voices, agent.settings, self.voices.of(name)
        voice = voices[name] if name is not None and name in voices else next(iter(voices.values()), None)
        speaks = voice is not None and knows(voice.languages or ("*",), settings.language)
        emotion = settings.emotion if voice is None or settings.emotion in voice.emotions else "neutral"
        style = SpeakingStyle(
            name, settings.speed, settings.language if speaks else None, emotion, settings.intensity
        )  # fmt: skip
        return voice, style

    def budget_tokens(self, agent: Agent, options: ResponseOptions) -> int:
        """Tokens for the conversation's items: what the model's context leaves beside all else, at most what is set."""
        settings, engine = agent.settings, agent.models.engine
        chat_options = self.chat_options(agent, options)
        taken = len(self._instructions(agent, options)) + sum(len(repr(tool)) for tool in chat_options.tools)
        if engine.accepts_audio:
            taken += round(self._context.history.sounds.seconds * TOKENS_PER_S * CHARS_PER_TOKEN)
        context = engine.context_tokens or _UNKNOWN_CONTEXT_TOKENS
        room = (context - (chat_options.max_tokens or 0)) * _SURELY_FITS - taken / CHARS_PER_TOKEN
        usual = _MOST_MEMORY_TOKENS if engine.off_host else room / 2  # here every token is read by these processors
        most = settings.memory_tokens or usual
        return max(_LEAST_MEMORY_TOKENS, int(min(room, most) * settings.memory_share * self._share))


def _roles(messages: Messages) -> list[str]:
    return [message["role"] for message in messages]
