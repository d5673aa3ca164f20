"""Sounds in IPA as voices read them."""

from __future__ import annotations

import pytest

from parley.adapters.ipa import espeaks, misakis

KNOWN = frozenset("abdefhijklmnoprstuvwzæɑɒəɚɛɜɡɪɹɾʃʊʌʒθðŋɔˈˌː ")
MISAKI = KNOWN | frozenset("AIOQTWYʤʧ")


@pytest.mark.parametrize(
    ("ipa", "american", "british"),
    [
        ("təˈmeɪtoʊ", "təmˈAtO", "təmˈAtQ"),
        ("/təˈmɑː.təʊ/", "təmˈɑtO", "təmˈɑːtQ"),
        ("[ˈd͡ʒʌdʒ]", "ʤˈʌʤ", "ʤˈʌʤ"),
        ("'tʃɜːtʃ", "ʧˈɜɹʧ", "ʧˈɜːʧ"),
        ("ˈlɛɾɚ", "lˈɛTəɹ", "lˈɛtə"),
        ("ˌɪntəˈnæʃnəl", "ˌɪntənˈæʃnəl", "ˌɪntənˈaʃnəl"),
        ("greɪt skwɛə", "ɡɹAt skwɛə", "ɡɹAt skwɛə"),
        ("skweə", "skwɛə", "skwɛː"),
        ("bɔɪ haʊs faɪv", "bY hWs fIv", "bY hWs fIv"),
        ("stɹiːt", "stɹit", "stɹiːt"),
        ("ʘǂ", "", ""),
    ],
)
def test_voices_that_were_taught_a_letter_for_each_diphthong(ipa: str, american: str, british: str) -> None:
    assert misakis(ipa, MISAKI, british=False) == american
    assert misakis(ipa, MISAKI, british=True) == british


@pytest.mark.parametrize(
    ("ipa", "english", "spoken"),
    [
        ("təˈmeɪtoʊ", True, "təmˈeɪtoʊ"),
        ("ˈstraɪk", True, "stɹˈaɪk"),
        ("ˈpero", False, "pˈero"),
        ("g", True, "ɡ"),
        ("  a  b ", True, "a b"),
        ("ãʘ", False, "a"),
    ],
)
def test_voices_that_read_what_espeak_writes(ipa: str, english: bool, spoken: str) -> None:
    assert espeaks(ipa, KNOWN, english=english) == spoken
