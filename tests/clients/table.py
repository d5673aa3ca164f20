"""The clients and what each can do: the tests hold them to it, and docs/clients.md shows it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.clients.environments import version

FEATURES = ("realtime", "two tools", "speech", "transcription", "chat")
TALK = frozenset({"realtime", "two tools"})
REST = frozenset({"speech", "transcription"})


@dataclass(frozen=True)
class Client:
    """One row of the table."""

    folder: str
    package: str
    label: str
    features: frozenset[str]


SCRIPTS = (
    Client("openai_python", "openai", "openai (Python)", TALK | REST | {"chat"}),
    Client("openai_node", "openai", "openai (Node)", TALK | REST | {"chat"}),
    Client("openai_agents", "openai-agents", "openai-agents", TALK | REST | {"chat"}),
    Client("agents_realtime", "@openai/agents-realtime", "@openai/agents-realtime (Node)", TALK),
    Client("pipecat", "pipecat-ai", "Pipecat", TALK | REST),
    Client("livekit", "livekit-plugins-openai", "LiveKit Agents", TALK | REST),
    Client("litellm", "litellm", "litellm", REST | {"chat", "two tools"}),
    Client("ai_sdk", "ai", "Vercel AI SDK", REST | {"chat", "two tools"}),
)
PAGE = Client("agents_realtime", "@openai/agents-realtime", "@openai/agents-realtime (Chromium, WebRTC)", TALK)
"""Not a script but a page, which test_browser.py opens."""


def table() -> str:
    """A row for each client, a column for each feature."""
    lines = [f"| client | version | {' | '.join(FEATURES)} |", "|---|---|" + "---|" * len(FEATURES)]
    for client in sorted((*SCRIPTS, PAGE), key=lambda c: c.label.lower()):
        cells = ["yes" if feature in client.features else "–" for feature in FEATURES]
        lines.append(f"| {client.label} | {version(client.folder, client.package)} | {' | '.join(cells)} |")
    return "\n".join(lines)
