"""Beginning to send an image in turn: another command of the same account may be at it."""

import time
from collections.abc import Callable
from typing import NamedTuple

from au2.cli.outages import make_patience
from au2.cli.session import Session
from au2.client.images.upload import (
    ImageSession,
    ImageStanding,
    ask_standing,
    begin_image,
)
from au2.domain.errors import ServerUnreachable, StillSending

_ASK_SECONDS = 1.0
"""Between two questions whether the other has ended."""


class Place(NamedTuple):
    """Where an image goes."""

    process_id: str
    version: int


def begin_in_turn(
    session: Session, place: Place, is_there: Callable[[ImageStanding], bool] | None
) -> ImageSession | ImageStanding:
    """Begin to send an image, once no other command of the same account is sending one.

    Returns how it stands with the version instead if ``is_there`` says that nothing is to be sent.
    That may raise, and then nothing was begun. None: nobody knows before it was read.

    Raises:
        NotFound, NotPermitted: of the version.
        Conflict: it has an image, perhaps by now, or somebody else is sending one.
        ServerUnreachable: at once, or for too long while it was waited.
    """
    patience = make_patience(session.console)
    is_told = False
    while True:
        try:
            if is_there is not None:
                standing = ask_standing(session.transport, *place)
                if is_there(standing):
                    return standing
            return begin_image(session.transport, *place)
        except StillSending as error:
            patience.note_progress()
            if not is_told:
                is_told = True
                said = error.message.rstrip(".")
                session.console.remark(f"{said}; waiting until it ends.")
            time.sleep(_ASK_SECONDS)
        except ServerUnreachable as error:
            if not is_told:
                raise
            patience.wait(error)
