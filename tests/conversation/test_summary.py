"""Facts of earlier turns outlive the turns: what leaves the prompt is summed up while nobody waits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from parley.conversation import happenings as hp
from parley.conversation.answer import ResponseWish
from parley.conversation.items import Item, new_id
from parley.conversation.settings import SessionSettings
from parley.models.fakes import FakeChat
from parley.models.interfaces import Caller, ChatDelta, ChatOptions, Message
from tests.stage import Stage
from tests.virtual_time import run_virtual


class Notes(FakeChat):
    """Keeps notes when it is asked to; else as its base."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(["That is good to know, thank you very much."])
        self.fails = fails
        self.asked: list[str] = []

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions, caller: Caller
    ) -> AsyncGenerator[ChatDelta, None]:
        if "notes" in str(messages[0]["content"])[:40]:
            self.asked.append(str(messages[-1]["content"]))
            yield ChatDelta(text="" if self.fails else "Her name is Ann.")
            return
        async for delta in super().stream(messages, options, caller):
            yield delta


async def converse(stage: Stage, turns: int) -> None:
    for number in range(turns):
        text = "My name is Ann." if number == 0 else f"Fact {number} is that grass is green and the sky is blue."
        stage.session.add_item(Item(new_id("item"), role="user", text=text))
        stage.session.request_response(ResponseWish(modality="text"))
        await stage.silence_until(hp.ResponseEnded, number + 1)
        await stage.silence(1.0)


def small() -> SessionSettings:
    return SessionSettings(instructions="Be kind.", memory_tokens=400)


def test_a_name_is_still_known_thirty_turns_later() -> None:
    chat = Notes()

    async def script() -> None:
        async with Stage(chat=chat, settings=small()) as stage:
            await converse(stage, 30)

    run_virtual(script())
    last = chat.prompts[-1]
    assert not any("My name is Ann." in str(m["content"]) for m in last), "the turn itself has left"
    assert "Her name is Ann." in str(last[0]["content"])
    assert "Fact 29" in str(last[-1]["content"])
    assert "My name is Ann." in chat.asked[0]
    assert all("Her name is Ann." in asked for asked in chat.asked[1:]), "a summary goes into the next one"


def test_without_a_summary_the_conversation_goes_on() -> None:
    chat = Notes(fails=True)

    async def script() -> None:
        async with Stage(chat=chat, settings=small()) as stage:
            await converse(stage, 30)
            assert len(stage.of(hp.ResponseEnded)) == 30

    run_virtual(script())
    assert "Fact 29" in str(chat.prompts[-1][-1]["content"])
    assert len(chat.prompts[-1]) < 30
    assert "My name is Ann." in str(chat.prompts[-1][0]["content"]), "what the user said is kept as it is"
