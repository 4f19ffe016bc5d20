"""Reading long bodies: in pieces that are worth a thread's while, never whole."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

_PIECE_BYTES = 1 << 20
_PIECE_SECONDS = 5.0


async def read_pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in larger pieces than the network's; a slow sender's in smaller ones.

    Raises:
        ClientDisconnect: it broke off. All that came before was yielded; it is not the whole, so
            nothing may be concluded from it.
    """
    broken: ClientDisconnect | None = None
    waiting: list[bytes] = []
    waiting_bytes = 0
    clock = asyncio.get_running_loop().time
    handed_at = clock()
    try:
        async for chunk in request.stream():
            waiting.append(chunk)
            waiting_bytes += len(chunk)
            if waiting_bytes >= _PIECE_BYTES or clock() - handed_at >= _PIECE_SECONDS:
                yield b"".join(waiting)
                waiting, waiting_bytes, handed_at = [], 0, clock()
    except ClientDisconnect as error:
        broken = error
    if waiting_bytes:
        yield b"".join(waiting)
    if broken is not None:
        raise broken
