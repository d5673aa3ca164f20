"""What an engine is asked for one answer: the prompt, how to answer, in which voice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from parley.conversation.answer import Answer, ResponseWish
from parley.conversation.engines.base import AnswerRequest
from parley.conversation.memory import CHARS_PER_TOKEN
from parley.conversation.prompt import add_user_words, answerable, as_messages
from parley.models.interfaces import Caller, ChatOptions, Priority, SpeakingStyle, Synthesizer
from parley.turns import words

if TYPE_CHECKING:
    from parley.conversation.session import Session

_SURELY_FITS = 0.85  # of the context: tokens are reckoned from characters
_LEAST_MEMORY_TOKENS = 200
_MOST_MEMORY_TOKENS = 24_000  # unless more is asked for: longer prompts answer later
_UNKNOWN_CONTEXT_TOKENS = 4096


class Requests:
    """Made of one session's settings and history."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._share = 1.0

    def shorten(self) -> None:
        """What was asked did not fit: the conversation gets half the room from now on."""
        self._share /= 2

    def of(self, answer: Answer) -> AnswerRequest:
        """What the engine is asked."""
        session, wish = self._session, answer.wish
        instructions = self._instructions(wish)
        if wish.input is not None:
            messages = as_messages(list(wish.input), instructions)
        else:
            own = {i.id for i in answer.items}  # of one that is begun anew: what there is of it comes behind the prompt
            messages = session.history.messages(instructions, self.budget_tokens(wish), without=own)
        if not answer.committed:
            add_user_words(messages, answer.transcript)
        priority = Priority.COMMITTED if answer.committed else Priority.SPECULATIVE
        synthesizer, style = self._voice(wish.voice or session.settings.voice)
        return AnswerRequest(
            answerable(messages), self.options(wish), style, synthesizer if answer.speaks else None,
            Caller(session.id, priority), speech=answer.speech, say=wish.say or self._repetition(answer),
            voice_stalled=answer.voice_stalled, spoken_chars=lambda: session.ledger.spoken_chars(answer.key),
            left_s=lambda: session.playout.buffered_s(answer.key) if answer.committed else math.inf,
        )  # fmt: skip

    def _instructions(self, wish: ResponseWish) -> str:
        return wish.instructions if wish.instructions is not None else self._session.settings.instructions

    def options(self, wish: ResponseWish) -> ChatOptions:
        """How to answer, as the client or the session says."""
        settings = self._session.settings
        return ChatOptions(
            tools=wish.tools if wish.tools is not None else settings.tools,
            tool_choice=wish.tool_choice if wish.tool_choice is not None else settings.tool_choice,
            max_tokens=wish.max_output_tokens or settings.max_output_tokens or settings.longest_answer_tokens,
            temperature=settings.temperature,
        )

    def _repetition(self, answer: Answer) -> str | None:
        """The last answer as far as it was heard, when the user asks for nothing else."""
        session = self._session
        if answer.turn is None or not words.asks_for_repetition(answer.transcript, session.settings.turns.language):
            return None
        said = (i.heard_text for i in reversed(session.history.items) if i.role == "assistant" and i.heard_text.strip())
        return next(said, None)

    def _voice(self, name: str | None) -> tuple[Synthesizer | None, SpeakingStyle]:
        voices, settings = self._session.cast.voices, self._session.settings
        style = SpeakingStyle(name, settings.speed, settings.language)
        if name is not None and name in voices:
            return voices[name], style
        return next(iter(voices.values()), None), style

    def budget_tokens(self, wish: ResponseWish) -> int:
        """Tokens for the conversation's items: what the model's context leaves beside all else, at most what is set."""
        settings, engine = self._session.settings, self._session.cast.engine
        options = self.options(wish)
        taken = len(self._instructions(wish)) + sum(len(repr(tool)) for tool in options.tools)
        context = engine.context_tokens or _UNKNOWN_CONTEXT_TOKENS
        room = (context - (options.max_tokens or 0)) * _SURELY_FITS - taken / CHARS_PER_TOKEN
        usual = _MOST_MEMORY_TOKENS if engine.elsewhere else room / 2  # here every token is read by these processors
        most = settings.memory_tokens or usual
        return max(_LEAST_MEMORY_TOKENS, int(min(room, most) * settings.memory_share * self._share))
