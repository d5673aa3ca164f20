"""Languages by any of their names, and what names none."""

from __future__ import annotations

import pytest

from parley.languages import NAMES, code_of, knows, name_of, usual_language


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("en", "en"), ("EN", "en"), (" en ", "en"), ("en-US", "en"), ("en_GB", "en"), ("eng", "en"), ("English", "en"),
        ("English (US)", "en"), ("te-IN", "te"), ("telugu", "te"), ("tel", "te"), ("zh_Hans", "zh"),
        ("zh-Hant-TW", "zh"), ("cmn-Hans-CN", "zh"), ("Mandarin", "zh"), ("yue", "yue"), ("pt-BR", "pt"),
        ("es-419", "es"), ("nb-NO", "no"), ("iw", "he"), ("fil-PH", "tl"), ("jv", "jw"), ("haitian creole", "ht"),
        ("ger", "de"), ("auto", None), ("", None), ("multi", None), ("Detect", None),
    ],
)  # fmt: skip
def test_every_name_of_a_language_is_one_code(given: str, code: str | None) -> None:
    assert code_of(given) == code


@pytest.mark.parametrize("given", ["klingon", "xx", "e", "en-", "en-US!", "12", "english-", "en US", "-", "tlh-TLH"])
def test_what_names_no_language_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="is no language"):
        code_of(given)


def test_every_code_is_its_own_name_and_has_one() -> None:
    assert all(code_of(code) == code for code in NAMES)
    assert all(code_of(name) == code for code, name in NAMES.items())
    assert name_of("te") == "telugu"


def test_who_has_all_languages_has_each_and_nobody_lacks_the_one_that_is_not_named() -> None:
    assert knows(["*"], "te")
    assert knows(["en"], None)
    assert not knows(["en"], "te")


@pytest.mark.parametrize(
    ("languages", "usual"),
    [((), "en"), (("*",), "en"), (("te",), "te"), (("af", "de", "en"), "en"), (("ja", "zh"), "ja")],
)
def test_a_voice_speaks_english_unless_it_cannot(languages: tuple[str, ...], usual: str) -> None:
    assert usual_language(languages) == usual
