"""``response.create`` as what a conversation is asked for."""

from __future__ import annotations

from parley.conversation.connection import Connection
from parley.conversation.responses.response import ResponseOptions
from parley.realtime.client_events import CreateResponse
from parley.realtime.session_object import RealtimeSession
from parley.transports.client_items import own_input
from parley.transports.mapping import AvailableModels, chat_tool_choice, chat_tools
from parley.transports.server_event_encoder import ResponseShape


def options_of(
    wish: CreateResponse, shown: RealtimeSession, connection: Connection, available: AvailableModels
) -> ResponseOptions:
    """What a client of the session `shown` asks for; raises `ProtocolError` for what is not to be had."""
    most = wish.max_output_tokens
    # what a guest's own session object names are not the conversation's
    tools = shown.tools if wish.tools is None and connection.place.host else wish.tools
    return ResponseOptions(
        instructions=wish.instructions,
        tools=None if tools is None else chat_tools(tools),
        tool_choice=chat_tool_choice(wish.tool_choice),
        parallel_tool_calls=wish.parallel_tool_calls,
        reasoning_effort=wish.reasoning_effort,
        max_output_tokens=connection.settings.longest_answer_tokens if most == "inf" else most,
        modality=wish.modality,
        voice=available.voices.resolve(wish.voice, "response.audio.output.voice") if wish.voice else None,
        metadata=wish.metadata,
        out_of_band=wish.out_of_band,
        input=None if wish.input is None else own_input(connection.conversation.history, wish.input),
        participant=connection.name,
        agents=wish.agents,
        shown=ResponseShape.of(shown).overridden(wish),
    )
