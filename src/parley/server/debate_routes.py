"""``/v1/debate``: what a client is told before it begins a debate."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from parley.debate.format import PEOPLE, Format, shipped

router = APIRouter()


@router.get("/v1/debate/formats")
async def formats() -> JSONResponse:
    """The formats that come with parley."""
    return JSONResponse({"object": "list", "data": [_shown(one) for one in shipped().values()]})


def _shown(one: Format) -> dict[str, Any]:
    rounds = [{"name": r.name, "seconds": r.seconds, "repeat": r.repeat} for r in one.rounds]
    return {
        "name": one.name, "title": one.title, "about": one.about, "sides": list(one.sides),
        "debaters": one.debaters, "moderator": one.moderator, "vote": one.closing.vote,
        "people": any(PEOPLE in r.order for r in one.rounds), "rounds": rounds,
    }  # fmt: skip
