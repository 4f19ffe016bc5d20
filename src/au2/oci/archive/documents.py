"""Documents of an archive, and the choice of one of its images."""

import re
from collections.abc import Sequence

from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage, open_image
from au2.oci.archive.candidates import Candidate, find_candidates
from au2.oci.archive.contents import ArchiveContents
from au2.oci.archive.diagnostics import with_hint
from au2.oci.spec.config import ImageConfig, parse_config
from au2.oci.spec.platform import Platform, describe_mismatch, rank
from au2.oci.spec.reference import matches, matches_but_tag

_MOST_SHOWN = 20
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")
"""As Docker shows an image's id: whole, or its first twelve digits."""


class ArchiveDocuments:
    """Documents of an archive, read completely.

    Construction raises InvalidImage for an archive without images, or with damaged lists of images.
    """

    def __init__(self, contents: ArchiveContents) -> None:
        self._contents = contents
        self._candidates = find_candidates(contents)
        self._configs: dict[str, ImageConfig] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images, for people; an image without one is told by its digest."""
        return tuple(dict.fromkeys(candidate.label for candidate in self._candidates))

    def kept(self, path: str) -> bytes | None:
        """Return the bytes of a small member if they look like JSON; None for all others."""
        return self._contents.kept(path)

    def choose(self, name: str | None, machine: Platform) -> ArchivedImage:
        """Return the best image for ``machine``.

        Args:
            name: as typed by users of Docker: ``my-name/my-process``, with or without ``:latest``,
                or an image's id or digest; None if there is one only.
            machine: platform of the machine for the image.

        Raises:
            InvalidImage: there is none, or there are several, of this name or for this platform;
                or the image's documents are damaged or incomplete.
        """
        try:
            return open_image(self._contents, self._choose(name, machine))
        except InvalidImage as error:
            raise with_hint(error) from None

    def _choose(self, name: str | None, machine: Platform) -> Candidate:
        named = self._named(name)
        ranked = [
            (fit, one) for one in named if (fit := rank(self._platform(one), machine)) is not None
        ]
        if not ranked:
            raise self._for_others(named, machine)
        highest = max(fit for fit, _ in ranked)
        best = [one for fit, one in ranked if fit == highest]
        if len({candidate.root for candidate in best}) > 1:
            raise _several(best)
        return best[0]

    def _named(self, name: str | None) -> Sequence[Candidate]:
        if name is None:
            if len({_group(candidate) for candidate in self._candidates}) > 1:
                raise _several(self._candidates)
            return self._candidates
        for fits in (_is_called, _is_called_but_tag):
            if found := [one for one in self._candidates if fits(one, name)]:
                return found
        raise InvalidImage(
            f"the archive has no image {name[:100]!r}, only: {_list(self._candidates)}",
            hint="Say with --image which one is meant.",
        )

    def _platform(self, candidate: Candidate) -> Platform:
        entry = candidate.entry
        if entry is not None and entry.platform is not None:
            return entry.platform
        path = candidate.config_path
        config = self._configs.get(path)
        if config is None:
            config = parse_config(self._contents.document(path, "configuration"))
            self._configs[path] = config
        return config.platform

    def _for_others(self, candidates: Sequence[Candidate], machine: Platform) -> InvalidImage:
        plain = machine._replace(variant="")
        return InvalidImage(
            describe_mismatch(map(self._platform, candidates), machine),
            hint=f"Build or pull it with `--platform {plain}`, then save it again.",
        )


def _group(candidate: Candidate) -> tuple[str, ...]:
    """Return a key common to images with different platforms only."""
    if candidate.names:
        return candidate.names
    states_platform = candidate.entry is not None and candidate.entry.platform is not None
    return () if states_platform else (candidate.root,)


def _is_called(candidate: Candidate, name: str) -> bool:
    if digits := _ID.fullmatch(name):
        return any(digest.startswith(f"sha256:{digits[1]}") for digest in candidate.digests)
    return any(matches(name, own) for own in candidate.names)


def _is_called_but_tag(candidate: Candidate, name: str) -> bool:
    return any(matches_but_tag(name, own) for own in candidate.names)


def _several(candidates: Sequence[Candidate]) -> InvalidImage:
    return InvalidImage(
        f"the archive has several images: {_list(candidates)}",
        hint="Say with --image NAME which one is meant.",
    )


def _list(candidates: Sequence[Candidate]) -> str:
    labels = list(dict.fromkeys(candidate.label[:300] for candidate in candidates))
    return ", ".join(labels[:_MOST_SHOWN]) + (" …" if len(labels) > _MOST_SHOWN else "")
