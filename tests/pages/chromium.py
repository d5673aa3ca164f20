"""A real Chromium: how it is started, a recording as its microphone, and what a page plays in it."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright

from parley.audio import files
from parley.audio.pcm import Int16

RATE = 48000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

BARE = ("--no-sandbox", "--disable-gpu")
"""Of a Chromium that has no microphone and asks nobody."""
OpenPage = Callable[..., Awaitable[Page]]
# Taps what the page plays, in the page, and hands it out as 16-bit samples.
TAP = """
const connect = AudioNode.prototype.connect;
window.tapped = [];
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && !this.isTap) {
    const tap = this.context.createScriptProcessor(4096, 1, 1);
    tap.isTap = true;
    tap.onaudioprocess = (e) => {
      const x = e.inputBuffer.getChannelData(0);
      window.tapped.push(Array.from(x, (v) => Math.round(v * 32767)));
    };
    window.tapRate = this.context.sampleRate;
    connect.call(this, tap);
    connect.call(tap, target);
  }
  return connect.call(this, target, ...rest);
};
"""


# The same of what comes by WebRTC.
RTC_TAP = """
window.tapped = [];
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...given) {
    super(...given);
    this.addEventListener("track", ({ streams }) => {
      const context = new AudioContext({ sampleRate: 48000 });
      window.tapRate = context.sampleRate;
      const tap = context.createScriptProcessor(4096, 1, 1);
      tap.onaudioprocess = (e) => {
        window.tapped.push(Array.from(e.inputBuffer.getChannelData(0), (v) => Math.round(v * 32767)));
      };
      context.createMediaStreamSource(streams[0]).connect(tap);
      tap.connect(context.destination);
    });
  }
};
"""


async def launched(playwright: Playwright, sound: Path | None = None) -> Browser:
    """One whose microphone hears `sound`, if anything."""
    args = BARE if sound is None else flags(sound)
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=list(args))


def microphone(path: Path, *parts: Int16) -> Path:
    files.write(path, np.concatenate(parts), RATE)
    return path


def flags(sound: Path) -> list[str]:
    """Of a Chromium whose microphone hears `sound` once, and that asks nobody."""
    return [
        "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}%noloop", "--autoplay-policy=no-user-gesture-required",
        "--disable-background-networking", "--disable-features=WebRtcHideLocalIpsWithMdns",
    ]  # fmt: skip


def note_faults(page: Page, faults: list[str]) -> None:
    """What goes wrong in a page, and where; that /health says that a server is too busy for a moment is no fault."""

    def note(message: ConsoleMessage) -> None:
        url = str(message.location.get("url", ""))
        if message.type == "error" and not (url.endswith("/health") and " 503 " in message.text):
            faults.append(f"{message.text} ({url})")

    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", note)
