"""A Firefox of the system with a microphone and a loudspeaker (PulseAudio), driven by WebDriver BiDi, which it speaks.

https://www.w3.org/TR/webdriver-bidi/
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from parley.audio.pcm import Int16

PULSEAUDIO = shutil.which("pulseaudio")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
RATE_HZ = 48000
_START_S, _ANSWER_S, _LOOK_S = 60.0, 30.0, 0.1


class FirefoxPage:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._context = ""

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(_ANSWER_S):
            while True:
                message = json.loads(await self._socket.recv())
                if message.get("id") == number:
                    assert message["type"] == "success", message
                    return dict(message["result"])

    async def open(self, url: str, script: str = "() => {}") -> None:
        """Go to a page; the function `script` runs in it before its own."""
        await self.command("session.new", capabilities={})
        self._context = (await self.command("browsingContext.create", type="tab"))["context"]
        await self.command("script.addPreloadScript", functionDeclaration=script)
        await self.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression, a primitive one."""
        told = await self.command(
            "script.evaluate", expression=expression, target={"context": self._context}, awaitPromise=True,
            userActivation=True,
        )  # fmt: skip
        assert told["type"] == "success", told
        return told["result"].get("value")

    async def until(self, selector: str, pattern: str, seconds: float) -> str:
        """The text of the elements of a kind, joined, once it matches."""
        joined = f"[...document.querySelectorAll({selector!r})].map((e) => e.textContent).join(' | ')"
        text = ""
        try:
            async with asyncio.timeout(seconds):
                while not re.search(pattern, text, re.IGNORECASE):
                    await asyncio.sleep(_LOOK_S)  # the page is asked: it tells nothing of itself
                    text = str(await self.evaluate(joined))
        except TimeoutError:
            raise AssertionError(f"{selector} is {text!r}, not {pattern!r}") from None
        return text


class Microphone:
    """What Firefox takes for one: silence, and what is said into it, 16 bit mono at `RATE_HZ`."""

    def __init__(self) -> None:
        self._queue = np.empty(0, np.int16)

    def say(self, samples: Int16) -> None:
        """After whatever is queued."""
        self._queue = np.concatenate([self._queue, samples])

    async def run(self, pipe: Path) -> None:
        """Write 20 ms after 20 ms, for ever: PulseAudio takes what comes as the time that has passed."""
        loop, size = asyncio.get_running_loop(), RATE_HZ // 50
        sink = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            due = loop.time()
            while True:
                frame, self._queue = self._queue[:size], self._queue[size:]
                with contextlib.suppress(BlockingIOError):  # nobody records, and the pipe is full
                    os.write(sink, np.pad(frame, (0, size - len(frame))).tobytes())
                due += 0.02
                await asyncio.sleep(due - loop.time())
        finally:
            os.close(sink)


@asynccontextmanager
async def sound_devices(folder: Path) -> AsyncIterator[tuple[str, Microphone]]:
    """A sound server of its own; gives its address, and its microphone."""
    assert PULSEAUDIO is not None
    folder.mkdir()
    socket, pipe = folder / "socket", folder / "microphone"
    process = await asyncio.create_subprocess_exec(
        PULSEAUDIO, "-n", "--daemonize=no", "--exit-idle-time=-1", "--load=module-null-sink",
        f"--load=module-pipe-source source_name=microphone file={pipe} format=s16le rate={RATE_HZ} channels=1",
        f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
        env={**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    speaking = None
    try:
        async with asyncio.timeout(_START_S):
            while not socket.exists():
                assert process.returncode is None, "PulseAudio ended"
                await asyncio.sleep(_LOOK_S)  # of another process: there is nothing to wait for
        microphone = Microphone()
        speaking = asyncio.create_task(microphone.run(pipe))
        yield f"unix:{socket}", microphone
    finally:
        if speaking is not None:
            speaking.cancel()
            await asyncio.wait([speaking])
        process.terminate()
        await process.wait()


@asynccontextmanager
async def firefox(profile: Path, sound_server: str) -> AsyncIterator[FirefoxPage]:
    """Start one with an empty profile, without a window."""
    assert FIREFOX is not None
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    process = await asyncio.create_subprocess_exec(
        FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank",
        env={**os.environ, "PULSE_SERVER": sound_server},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    draining = None
    try:
        async with asyncio.timeout(_START_S):
            while not (
                found := re.search(r"listening on (ws://\S+)", line := (await process.stderr.readline()).decode())
            ):
                assert line, "Firefox ended"
        draining = asyncio.create_task(_drain(process.stderr))
        async with connect(f"{found[1]}/session", max_size=None) as socket:
            yield FirefoxPage(socket)
    finally:
        process.terminate()
        await process.wait()
        if draining is not None:
            await draining


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass
