"""What somebody at the page experiences, over WebRTC and over the WebSocket, in a real Chromium.

    python -m benchmarks.browser QUESTION.wav INTERRUPTION.wav --url http://localhost:8000 [--exchanges 12]

The recordings are the microphone. Microphone and loudspeaker are taken down in the page on one time line: from the last
voiced sample of the question to the first audible one of the answer, from the first voiced sample of the interruption
to the last audible one. Start the server with instructions that make long answers.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from playwright.async_api import async_playwright

from parley.audio import files
from parley.audio.pcm import Int16, from_bytes, to_float, to_int16
from parley.audio.resample import resample
from parley.client.audibility import first_audible_s, hops_dbfs

RATE = 48000
_PAUSE_S, _AFTER_S = 3.0, 12.0
_HOP_S = 0.01
_TAP = """
window.taken = [];
const media = navigator.mediaDevices;
const open = media.getUserMedia.bind(media);
media.getUserMedia = async (wanted) => (window.micStream = await open(wanted));
const players = [];
window.Audio = class extends window.Audio { constructor(...given) { super(...given); players.push(this); } };
function take(context, source) {
  const both = context.createChannelMerger(2);
  context.createMediaStreamSource(window.micStream).connect(both, 0, 0);
  plainConnect.call(source, both, 0, 1);
  const tap = context.createScriptProcessor(4096, 2, 1);
  tap.isTap = true;
  tap.onaudioprocess = (e) => {
    const hushed = window.wasHushed; // of the buffer before: the figure is at most a buffer (85 ms) too long
    window.wasHushed = players.some((p) => p.muted);
    const [mic, speaker] = [0, 1].map((n) => e.inputBuffer.getChannelData(n));
    const whole = (v) => Math.round(Math.max(-1, Math.min(1, v)) * 32767);
    window.taken.push([Int16Array.from(mic, whole), Int16Array.from(speaker, (v) => (hushed ? 0 : whole(v)))]);
  };
  window.takenRate = context.sampleRate;
  plainConnect.call(both, tap);
  plainConnect.call(tap, context.destination);
}
window.takenAs = (n) => {
  let text = "";
  for (const pair of window.taken) {
    for (const byte of new Uint8Array(pair[n].buffer)) text += String.fromCharCode(byte);
  }
  return btoa(text);
};
const plainConnect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && !this.isTap && !window.takenRate) take(this.context, this);
  return plainConnect.call(this, target, ...rest);
};
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...given) {
    super(...given);
    this.addEventListener("track", ({ streams }) => {
      const context = new AudioContext({ sampleRate: 48000 });
      take(context, context.createMediaStreamSource(streams[0]));
    });
  }
};
"""


def main(
    question: Path,
    interruption: Path,
    url: str = "http://localhost:8000",
    exchanges: Annotated[int, typer.Option(help="Questions with an interruption, each way")] = 12,
    way: Annotated[list[str] | None, typer.Option(help="websocket, webrtc; both if not given")] = None,
) -> None:
    """Measure both ways in one run."""
    asyncio.run(measure(load(question), load(interruption), url, exchanges, way or ["websocket", "webrtc"]))


def load(path: Path) -> Int16:
    """At the browser's rate."""
    samples, rate_hz = files.read(path)
    return to_int16(resample(to_float(samples), rate_hz, RATE))


async def measure(question: Int16, interruption: Int16, url: str, exchanges: int, ways: list[str]) -> None:
    """Print both figures for each way."""

    def quiet(seconds: float) -> Int16:
        return np.zeros(round(seconds * RATE), np.int16)

    one = [question, quiet(_PAUSE_S), interruption, quiet(_AFTER_S)]
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "microphone.wav"
        files.write(microphone, np.concatenate([quiet(4.0), *one * exchanges]), RATE)
        seconds = 4.0 + exchanges * sum(map(len, one)) / RATE
        for way in ways:
            mic, speaker = await take(microphone, f"{url}/?transport={way}", seconds)
            answers, stops = scored(mic, speaker)
            typer.echo(f"{way:10} voice to voice {figures(answers)}   barge-in to the last sound {figures(stops)}")


async def take(microphone: Path, url: str, seconds: float) -> tuple[Int16, Int16]:
    """Hold the conversation; returns microphone and loudspeaker."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}%noloop",
                "--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns",
            ],
        )  # fmt: skip
        page = await browser.new_page()
        await page.add_init_script(_TAP)
        await page.goto(url)
        await page.get_by_role("button", name="Start talking").click()
        await page.wait_for_timeout(seconds * 1000 + 2000)
        rate = int(await page.evaluate("window.takenRate"))
        raw = [base64.b64decode(await page.evaluate(f"window.takenAs({n})")) for n in (0, 1)]
        await browser.close()
    sounds = [to_int16(resample(to_float(from_bytes(data)), rate, RATE)) for data in raw]
    return sounds[0], sounds[1]


def scored(mic: Int16, speaker: Int16) -> tuple[list[float], list[float]]:
    """Milliseconds to each answer, and from each interruption to silence."""
    answers: list[float] = []
    stops: list[float] = []
    for number, (begins, ends) in enumerate(stretches(mic)):
        if number % 2 == 0:
            audible = first_audible_s(speaker, RATE, ends)
            if audible is not None and audible - ends < _PAUSE_S:
                answers.append((audible - ends) * 1000)
        else:
            loud = np.flatnonzero(hops_dbfs(speaker, RATE)[int(begins / _HOP_S) :][: int(0.6 / _HOP_S)] > -45)
            before = hops_dbfs(speaker, RATE)[int((begins - 0.5) / _HOP_S) : int(begins / _HOP_S)] > -45
            if before.any():  # else there was nothing to interrupt
                stops.append((loud[-1] + 1) * _HOP_S * 1000 if len(loud) else 0.0)
    return answers, stops


def stretches(mic: Int16) -> list[tuple[float, float]]:
    """Voiced stretches of the microphone, joined over pauses shorter than 1.2 s."""
    voiced = np.flatnonzero(hops_dbfs(mic, RATE) > hops_dbfs(mic, RATE).max() - 30)
    borders = np.flatnonzero(np.diff(voiced) > 1.2 / _HOP_S)
    first, last = np.r_[voiced[0], voiced[borders + 1]], np.r_[voiced[borders], voiced[-1]]
    return [(a * _HOP_S, (b + 1) * _HOP_S) for a, b in zip(first, last, strict=True)]


def figures(ms: list[float]) -> str:
    """Median and tail."""
    if not ms:
        return "n 0"
    return f"p50 {np.percentile(ms, 50):4.0f} ms p95 {np.percentile(ms, 95):4.0f} ms (n {len(ms)})"


if __name__ == "__main__":
    typer.run(main)
