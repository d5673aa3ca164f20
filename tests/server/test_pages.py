"""The pages as the server hands them out: they know the languages there are, and its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.server.app import WEB
from parley.server.pages import page


@pytest.mark.parametrize("name", ["index.html", "debate.html"])
@pytest.mark.parametrize(("language", "told"), [("te", "te"), (None, "")])
async def test_a_page_knows_its_languages_and_the_servers(name: str, language: str | None, told: str) -> None:
    answer = bytes((await page(WEB / name, language)()).body).decode()
    assert f'<html lang="en" data-languages="en hi te" data-language="{told}">' in answer


async def test_a_language_more_is_a_file_more(tmp_path: Path) -> None:
    (tmp_path / "strings").mkdir()
    for code in ("en", "kn"):
        (tmp_path / "strings" / f"{code}.json").write_text("{}")
    (tmp_path / "some.html").write_text('<html lang="en" data-languages="en" data-language="">')
    assert (
        bytes((await page(tmp_path / "some.html", None)()).body)
        == b'<html lang="en" data-languages="en kn" data-language="">'
    )
