"""An address as a picture that phones read: the debate page's invitations."""

from __future__ import annotations

import io

import segno
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from parley.errors import ProtocolError

router = APIRouter()


class WantedPicture(BaseModel):
    """What the picture is to say."""

    text: str = Field(min_length=1, max_length=1000)


@router.post("/v1/parley/qr")
async def qr(wanted: WantedPicture) -> Response:
    """A QR code as SVG. By POST, so that no log has what an invitation opens."""
    drawn = io.BytesIO()
    try:
        code = segno.make(wanted.text, error="m", micro=False)
    except ValueError as fault:  # it is too long, or has characters that are none
        raise ProtocolError(f"this cannot be drawn: {fault}", field="text") from fault
    code.save(drawn, kind="svg", border=3, light="#fff", xmldecl=False, omitsize=True)
    return Response(drawn.getvalue(), media_type="image/svg+xml")
