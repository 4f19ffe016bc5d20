"""Is the server there?"""

from typing import Literal

from fastapi import APIRouter, Request

from au2.wire.base import ResponseType

router = APIRouter(tags=["health"])


class Health(ResponseType):
    """The server is there."""

    status: Literal["ok"]
    version: str


@router.get("/health")
async def get_health(request: Request) -> Health:
    """Whether the server is there, and which version."""
    return Health(status="ok", version=request.app.version)
