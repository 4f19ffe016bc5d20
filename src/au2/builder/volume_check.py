"""Volumes that an image names: each start of a job makes a folder for every one that is missing."""

import os
from collections.abc import Collection

from au2.domain.errors import InvalidImage
from au2.oci.paths import MAX_PATH_BYTES

_MOST_VOLUMES = 128


def check_volumes(paths: Collection[str]) -> None:
    """Refuse more than any image needs, and paths that no system call takes.

    Raises:
        InvalidImage: there are too many, or one is too long.
    """
    hint = "Build the image with fewer and shorter VOLUME lines."
    if len(paths) > _MOST_VOLUMES:
        raise InvalidImage(
            f"the image has {len(paths)} volumes; at most {_MOST_VOLUMES} are taken", hint=hint
        )
    for path in paths:
        if len(os.fsencode(path)) > MAX_PATH_BYTES:
            raise InvalidImage(
                f"the image has a volume with a path of {len(path)} characters", hint=hint
            )
