"""What an image's configuration says for its runs: each start of a job has to work it off."""

from au2.domain.errors import InvalidImage
from au2.oci.spec.config import ImageConfig
from au2.oci.tar.paths import MAX_NAME_BYTES, MAX_PATH_BYTES

_MOST_VOLUMES = 128
_MAX_USER_BYTES = 256


def check_config(config: ImageConfig) -> None:
    """Refuse more than any image needs, and what no system call takes.

    Raises:
        InvalidImage: too many volumes, or a path or the user is too long.
    """
    if len(config.volumes) > _MOST_VOLUMES:
        raise InvalidImage(
            f"the image has {len(config.volumes)} volumes; at most {_MOST_VOLUMES} are taken",
            hint="Build it with fewer VOLUME lines.",
        )
    for path in config.volumes:
        _check_path(path, "a volume", "VOLUME")
    _check_path(config.working_dir, "a working directory", "WORKDIR")
    user_bytes = len(config.user.encode())
    if user_bytes > _MAX_USER_BYTES:
        raise InvalidImage(
            f"the image has a User of {user_bytes} bytes; at most {_MAX_USER_BYTES} bytes "
            "are taken",
            hint="Build it with a USER line of a name or a number.",
        )


def _check_path(path: str, what: str, line: str) -> None:
    """Raise InvalidImage for a path that can't be made. ``line`` is what to mend."""
    data = path.encode()
    hint = f"Build it with a shorter path in its {line} line."
    if len(data) > MAX_PATH_BYTES:
        raise InvalidImage(
            f"the image has {what} whose path has {len(data)} bytes; at most "
            f"{MAX_PATH_BYTES} bytes are taken",
            hint=hint,
        )
    longest = max(map(len, data.split(b"/")))
    if longest > MAX_NAME_BYTES:
        raise InvalidImage(
            f"the image has {what} with a name of {longest} bytes in its path; at most "
            f"{MAX_NAME_BYTES} bytes are taken",
            hint=hint,
        )
