"""Packets that come out of order or not at all."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from parley.audio.pcm import Int16, rms_dbfs
from parley.audio.places import placed
from parley.models.fakes import tone
from parley.transports.opus import (
    ConcealingDecoder,
    ReorderBuffer,
    ResilientEncoder,
    receive_with_least_delay,
    wants_stereo,
)


def packet(number: int, data: bytes = b"") -> RtpPacket:
    made: Any = RtpPacket(sequence_number=number % 65536, timestamp=number * 960 % 2**32)
    made._data = data or number.to_bytes(4, "big")
    assert isinstance(made, RtpPacket)
    return made


def run(numbers: list[int]) -> tuple[list[tuple[int, int]], ReorderBuffer]:
    """(lost before, number) of everything that was given."""
    given_: list[tuple[int, int]] = []
    buffer = ReorderBuffer(lambda lost, data: given_.append((lost, int.from_bytes(data, "big"))))
    for number in numbers:
        buffer.add(packet(number))
    return given_, buffer


def test_while_the_order_is_right_every_packet_goes_on_at_once() -> None:
    given_: list[bytes] = []
    buffer = ReorderBuffer(lambda _, data: given_.append(data))
    for count, number in enumerate(range(65530, 65560), 1):
        buffer.add(packet(number))
        assert len(given_) == count


def test_a_lost_packet_costs_one_packet_of_time() -> None:
    assert run([1, 2, 4, 5])[0] == [(0, 1), (0, 2), (1, 4), (0, 5)]


def test_a_packet_that_comes_late_makes_the_next_gap_be_waited_for() -> None:
    given_, buffer = run([1, 3, 2, 4, 6, 5, 7])
    assert given_ == [(0, 1), (1, 3), (0, 4), (0, 5), (0, 6), (0, 7)]
    assert (buffer.lost, buffer.late) == (1, 1)


def test_after_a_calm_time_less_is_waited() -> None:
    _, buffer = run([1, 5, 2, 3, 4])
    deep = buffer.depth
    for number in range(6, 1200):
        buffer.add(packet(number))
    assert buffer.depth < deep


@given(st.lists(st.integers(0, 60), min_size=1, max_size=60, unique=True), st.integers(0, 65535))
def test_whatever_the_order_numbers_only_grow_and_none_is_counted_twice(order: list[int], base: int) -> None:
    given_, buffer = run([base + n for n in order])
    numbers = [number for _, number in given_]
    assert numbers == sorted(set(numbers))
    assert len(numbers) + buffer.late + len(buffer._waiting) == len(order)
    for (_, before), (lost, number) in pairwise(given_):
        assert number - before == lost + 1


def encoded(samples: Int16) -> list[bytes]:
    encoder = ResilientEncoder()
    return [encoder.encode(samples[at : at + 960]) for at in range(0, len(samples), 960)]


def decoded(packets: list[tuple[int, bytes]]) -> Int16:
    decoder = ConcealingDecoder()
    sound: list[Int16] = []
    buffer = ReorderBuffer(lambda lost, data: sound.append(decoder.decode(lost, data)))
    for number, data in packets:
        buffer.add(packet(number, data))
    return np.concatenate(sound)


@pytest.mark.parametrize("lost", [(), (20,), (20, 21, 22), (10, 20, 30)])
def test_lost_sound_is_filled_and_time_goes_on(lost: tuple[int, ...]) -> None:
    packets = list(enumerate(encoded(tone(1.0, 48000))))
    sound = decoded([p for p in packets if p[0] not in lost])
    assert abs(len(sound) - len(packets) * 960) <= 960 * (1 if lost else 0)
    for number in lost:
        filled = sound[number * 960 : (number + 1) * 960]
        assert rms_dbfs(filled) > -40, "something of the tone is there"


def test_rubbish_is_no_sound_and_no_fault() -> None:
    packets = encoded(tone(0.2, 48000))
    mixed = [(n, data if n != 4 else b"\xff" * 7) for n, data in enumerate(packets)]
    assert len(decoded(mixed)) >= 960 * (len(packets) - 2)


def both_channels(packets: list[bytes]) -> Any:
    """As a browser decodes them, shape (samples, 2)."""
    decoder, frames = av.CodecContext.create("libopus", "r"), []
    decoder.sample_rate, decoder.layout, decoder.format = 48000, "stereo", "s16"
    for data in packets:
        frames += [frame.to_ndarray().reshape(-1, 2) for frame in decoder.decode(av.Packet(data))]
    return np.concatenate(frames).astype(np.float64)


def test_a_voice_is_at_its_place_and_mono_between_needs_no_other_encoder() -> None:
    encoder, sound = ResilientEncoder(stereo=True), tone(1.5, 48000)
    packets = []
    for at in range(0, len(sound), 960):
        frame = sound[at : at + 960]
        packets.append(encoder.encode(frame if 25 <= at // 960 < 50 else placed(frame, -0.7)))
    heard = both_channels(packets)
    for since, until, ratio in ((5, 24, 0.3), (30, 48, 1.0), (55, 74, 0.3)):
        left, right = np.sqrt((heard[since * 960 : until * 960] ** 2).mean(axis=0))
        assert right / left == pytest.approx(ratio, abs=0.05)


@pytest.mark.parametrize(
    ("parameters", "stereo"),
    [
        ("111 minptime=10;useinbandfec=1", False),
        ("111 minptime=10;useinbandfec=1;stereo=1", True),
        ("109 maxplaybackrate=48000;stereo=1;useinbandfec=1", True),
        ("111 stereo=1", True),
        ("111 minptime=10; stereo=1", True),
        ("111 stereo=0;sprop-stereo=1", False),
        ("111 minptime=10;sprop-stereo=1", False),
    ],
)
def test_who_offers_to_play_stereo_gets_it(parameters: str, stereo: bool) -> None:
    assert wants_stereo(f"a=rtpmap:111 opus/48000/2\r\na=fmtp:{parameters}\r\n") == stereo


def test_with_an_aiortc_that_keeps_its_buffer_elsewhere_the_sound_comes_by_the_track() -> None:
    transceivers = [SimpleNamespace(kind="audio", receiver=SimpleNamespace())]
    peer: Any = SimpleNamespace(getTransceivers=lambda: transceivers)
    assert receive_with_least_delay(peer, lambda _: None) == []
    setattr(transceivers[0].receiver, "_RTCRtpReceiver__jitter_buffer", None)  # noqa: B010 - mangled
    assert len(receive_with_least_delay(peer, lambda _: None)) == 1
    assert isinstance(getattr(transceivers[0].receiver, "_RTCRtpReceiver__jitter_buffer"), ReorderBuffer)  # noqa: B009
