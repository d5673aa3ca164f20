"""The pages, which know at once what languages they can be in: no other one is seen first."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.responses import HTMLResponse

_UNTOLD = 'data-languages="en" data-language=""'


def page(file: Path, language: str | None) -> Callable[[], Awaitable[HTMLResponse]]:
    """The route of a page.

    `language`: the code of what the server speaks; the page is in it for those who have chosen none. The others are
    those of the catalogues in ``strings/`` beside it.
    """
    codes = sorted(catalogue.stem for catalogue in (file.parent / "strings").glob("*.json"))
    told = f'data-languages="{" ".join(codes)}" data-language="{html.escape(language or "")}"'
    text = file.read_text(encoding="utf-8")
    assert _UNTOLD in text, file
    text = text.replace(_UNTOLD, told, 1)

    async def answer() -> HTMLResponse:
        return HTMLResponse(text)

    return answer
