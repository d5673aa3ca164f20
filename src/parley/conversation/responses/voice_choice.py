"""Which voice speaks: the one that is wanted, and until it is in memory the one that spoke before."""

from __future__ import annotations

from parley.conversation import notifications as nt
from parley.conversation.context import Context
from parley.errors import ModelError


class VoiceChoice:
    """Of one conversation."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._speaks: str | None = None
        """The session's last voice that was in memory; None: the server's default."""
        self._here: set[str] = set()
        """Voices that were in memory once: what becomes of their workers later is not the conversation's business."""
        self._coming: set[str] = set()
        self._failed: set[str] = set()
        """Voices that could not be had: they are tried again when the settings change, not with every answer."""

    def settle(self) -> None:
        """The settings may name another voice: one that is not in memory is brought."""
        self._failed.clear()
        for agent in self._context.agents.values():
            self.of(agent.settings.voice)

    def of(self, wanted: str | None) -> str | None:
        """The voice of an answer that wants one; None: the server's default."""
        usual = self._context.settings.voice
        if self._is_here(wanted):
            self._speaks = wanted if wanted == usual else self._speaks
            return wanted
        return self._speaks if wanted == usual else self.of(usual)

    def _is_here(self, name: str | None) -> bool:
        if name is None or name in self._here:
            return True
        if self._context.models.voice_is_here(name):
            self._here.add(name)
            return True
        if name not in self._coming | self._failed:
            self._coming.add(name)
            self._context.spawn(self._bring(name), "bring voice")
        return False

    async def _bring(self, name: str) -> None:
        context = self._context
        context.emit(nt.VoiceChosen(name, "coming"))
        try:
            await context.models.bring_voice(name)
        except ModelError as fault:
            self._failed.add(name)
            context.emit(nt.VoiceChosen(name, "failed", str(fault)))
        else:
            self._here.add(name)
            context.emit(nt.VoiceChosen(name, "here"))
        finally:
            self._coming.discard(name)
