"""Names of images as archives tell them and as users type them."""

from collections.abc import Mapping

from au2.domain.errors import InvalidRequest
from au2.oci.spec.reference import DOCKER_HUB, Reference, parse_reference

_LIBRARY = "library/"
_LOCAL = "localhost"
"""Podman's registry of images that have none."""


def familiar_name(name: str) -> str:
    """Return the name as Docker shows it: ``docker.io/library/debian:12`` is ``debian:12``."""
    reference = _find_reference(name)
    if reference is None or reference.registry != DOCKER_HUB or ":" not in name:
        return name
    repository = reference.repository.removeprefix(_LIBRARY)
    return str(reference).replace(f"{DOCKER_HUB}/{reference.repository}", repository, 1)


def matches(asked: str, name: str) -> bool:
    """Whether an image called ``name`` in an archive is the one that a user calls ``asked``."""
    if asked == name:
        return True
    one, other = _find_reference(asked), _find_reference(name)
    return one is not None and other is not None and _key(one) == _key(other)


def matches_but_tag(asked: str, name: str) -> bool:
    """Whether ``asked`` has no tag, and all else of it is what ``name`` has."""
    one, other = _find_reference(asked), _find_reference(name)
    if one is None or other is None or ":" in asked.rpartition("/")[2] or "@" in asked:
        return False
    return _key(one)[:2] == _key(other)[:2]


def names_by_annotations(annotations: Mapping[str, str]) -> str | None:
    """Return the name that an index gives an image: containerd's whole one, or the OCI one.

    The second may be a tag alone (OCI image specification, "Pre-Defined Annotation Keys").
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
