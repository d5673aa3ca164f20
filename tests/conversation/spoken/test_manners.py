"""How a text asks to be said: marks, tags, their nesting, and what a voice makes of them."""

from __future__ import annotations

import pytest

from parley.conversation.output.text_chunker import Chunker, chunks_of
from parley.conversation.output.text_normalizer import speakable
from parley.conversation.spoken.manners import Manner, Manners
from parley.models.fakes import FakeSynthesizer
from parley.models.interfaces import SpeakingStyle


@pytest.mark.parametrize(
    ("text", "manner"),
    [
        ("[happy] Good.", Manner("happy")),
        ("[sad 0.8] Well.", Manner("sad", 0.8)),
        ("[angry: 1] No.", Manner("angry", 1.0)),
        ("[calm=1.7]", Manner("calm", 1.0)),
        ("[happy] Good. [neutral] So.", Manner("neutral")),
        ('<prosody rate="slow">', Manner(rate=0.8)),
        ("<prosody rate='+20%'>", Manner(rate=1.2)),
        ('<prosody rate="80%">', Manner(rate=0.8)),
        ('<prosody rate="1.5" pitch="high">', Manner(rate=1.5)),
        ('<prosody rate="-90%">', Manner(rate=0.5)),
        ('<prosody rate="900%">', Manner(rate=2.0)),
        ('<prosody rate="quick">', Manner()),
        ('<prosody rate="slow"><prosody rate="slow">', Manner(rate=0.8 * 0.8)),
        ('<prosody rate="slow">a</prosody>', Manner()),
        ('<prosody rate="slow"/>', Manner()),
        ('<mstts:express-as style="cheerful" styledegree="2">', Manner("happy", 1.0)),
        ('<express-as style="depressed">', Manner("sad")),
        ('<express-as style="cheerful">a<prosody rate="fast">', Manner("happy", rate=1.25)),
        ('<express-as style="cheerful">a<prosody rate="fast">b</express-as>', Manner()),
        ('<express-as style="pirate">', Manner()),
        ('[sad] a <prosody rate="fast"> b [happy] c', Manner("happy", rate=1.25)),
        ('[sad] a <prosody rate="fast"> b [happy] c </prosody>', Manner("sad")),
        ("</prosody>", Manner()),
        ("[furious] [Happy] [happy birthday] [happy", Manner()),
    ],
)
def test_what_holds_behind_a_text(text: str, manner: Manner) -> None:
    assert Manners().take(text) == manner


def test_marks_hold_over_what_comes_later() -> None:
    manners = Manners()
    manners.take("[happy 0.9] Good morning.")
    assert manners.take(" And good night.") == manners.now == Manner("happy", 0.9)


def test_words_that_are_said_otherwise_are_pieces_of_their_own() -> None:
    text = 'Well. [happy] We won, we really did! [neutral]Now <prosody rate="slow">slowly</prosody> on.'
    pieces = [(p.text, p.manner) for p in chunks_of(text)]
    assert "".join(text for text, _ in pieces) == text
    assert [(speakable(text).text.strip(), manner) for text, manner in pieces] == [
        ("Well.", Manner()),
        ("We won, we really did!", Manner("happy")),
        ("Now", Manner("neutral")),
        ("slowly", Manner("neutral", rate=0.8)),
        ("on.", Manner("neutral")),
    ]


def test_a_stream_is_cut_at_a_mark_once_that_is_whole() -> None:
    chunker, said = Chunker(), []
    for token in ("Oh no", " [", "sa", "d]", " it rains", ".", " Yes."):
        said += chunker.push(token)
    said += chunker.flush()
    assert [(p.start, p.text, p.manner.emotion) for p in said] == [
        (0, "Oh no ", None), (6, "[sad] it rains.", "sad"), (21, " Yes.", "sad")
    ]  # fmt: skip


def test_what_was_said_before_still_holds_for_an_answer_that_goes_on() -> None:
    (piece,) = [*(chunker := Chunker("[sad] It rains.")).push(" Again. "), *chunker.flush()][:1]
    assert (piece.start, piece.manner) == (15, Manner("sad"))


def test_brackets_that_mark_nothing_are_read_as_before() -> None:
    assert speakable("[furious] Go.").text == "furious Go."
    assert speakable("[happy] Go.").text == "Go."


def test_a_voice_keeps_the_marks_that_it_can() -> None:
    voice, asked = FakeSynthesizer(), SpeakingStyle(speed=1.5, emotion="sad", intensity=0.2)
    assert Manner().of(asked, voice) == asked
    assert Manner("happy", 1.0, 0.8).of(asked, voice) == SpeakingStyle(
        speed=1.5 * 0.8, emotion="happy", intensity=1.0
    )  # fmt: skip
    assert Manner("angry").of(asked, voice).emotion == "neutral", "it has no such"
    voice.fixed_speed = True
    assert Manner(rate=0.8).of(asked, voice).speed == 1.5
