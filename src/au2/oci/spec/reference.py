"""References: names of images in registries and archives, as ``docker pull`` reads them."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from au2.domain.errors import InvalidRequest
from au2.domain.processes.repository import MOST_CHARACTERS, REPOSITORY_NAME
from au2.oci.spec.digest import parse_digest

DOCKER_HUB = "docker.io"
_HOST = re.compile(
    r"(?:\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(?::[0-9]{1,5})?"
)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry. With a digest, a tag is only a remark."""

    registry: str
    """Host, and port if it is not the usual one; Docker Hub is ``docker.io``."""
    repository: str
    tag: str | None
    digest: str | None

    @property
    def target(self) -> str:
        """Tag or digest to request from the registry."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        """Write everything out; inverse of :func:`parse_reference`."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Return the reference ``[HOST[:PORT]/]NAME[:TAG][@sha256:…]``.

    As for Docker, a first part without dot and port is no host (``localhost`` aside), and a name of
    one part is one of Docker Hub's own: ``python:3.11`` is ``docker.io/library/python:3.11``.

    Raises:
        InvalidRequest: malformed.
    """
    name, at, digest_text = text.partition("@")
    digest = parse_digest(digest_text) if at else None
    registry, path = _split_host(name)
    repository, colon, tag = path.partition(":")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if not _HOST.fullmatch(registry) or not REPOSITORY_NAME.fullmatch(repository):
        raise _not_a_reference(text, "lower-case letters, digits and . _ - between slashes")
    if colon and not TAG.fullmatch(tag):
        raise _not_a_reference(text, "the tag has up to 128 letters, digits and . _ -")
    if len(repository) > MOST_CHARACTERS:
        raise _not_a_reference(text, f"the name has more than {MOST_CHARACTERS} characters")
    given = tag if colon else None
    return Reference(registry, repository, given or (None if digest else "latest"), digest)


def is_loopback(registry: str) -> bool:
    """Whether the registry is this machine itself, by its name alone."""
    host = host_of(registry)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(registry: str) -> str:
    """Return the host without its port and brackets, in lower case."""
    host = registry.rpartition(":")[0] if re.search(r":[0-9]+$", registry) else registry
    return host.strip("[]").lower()


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return ("docker.io" if first == "index.docker.io" else first), rest
    return DOCKER_HUB, name


def _not_a_reference(text: str, why: str) -> InvalidRequest:
    shown = repr(text if len(text) <= 100 else text[:100] + "…")
    return InvalidRequest(f"{shown} does not name an image: {why}")


_LIBRARY = "library/"
_LOCAL = "localhost"
"""Podman's registry of images that have none."""


def familiar_name(name: str) -> str:
    """Return the name as shown by Docker: ``docker.io/library/debian:12`` is ``debian:12``."""
    reference = _find_reference(name)
    if reference is None or reference.registry != DOCKER_HUB or ":" not in name:
        return name
    repository = reference.repository.removeprefix(_LIBRARY)
    return str(reference).replace(f"{DOCKER_HUB}/{reference.repository}", repository, 1)


def matches(asked: str, name: str) -> bool:
    """Whether the name ``asked`` by a user means the image ``name`` of an archive."""
    if asked == name:
        return True
    one, other = _find_reference(asked), _find_reference(name)
    return one is not None and other is not None and _key(one) == _key(other)


def matches_but_tag(asked: str, name: str) -> bool:
    """Whether ``asked`` has no tag, and equals ``name`` in all else."""
    one, other = _find_reference(asked), _find_reference(name)
    if one is None or other is None or ":" in asked.rpartition("/")[2] or "@" in asked:
        return False
    return _key(one)[:2] == _key(other)[:2]


def names_by_annotations(annotations: Mapping[str, str]) -> str | None:
    """Return an image's name in an index: containerd's whole name, or the OCI name.

    The OCI name may be a tag alone (OCI image specification, "Pre-Defined Annotation Keys").
    """
    whole = annotations.get("io.containerd.image.name")
    return whole or annotations.get("org.opencontainers.image.ref.name") or None


def _key(reference: Reference) -> tuple[str, str, str]:
    registry, repository = reference.registry, reference.repository
    if registry == _LOCAL:
        registry = DOCKER_HUB
    return registry, repository.removeprefix(_LIBRARY), reference.target


def _find_reference(name: str) -> Reference | None:
    try:
        return parse_reference(name)
    except InvalidRequest:
        return None
