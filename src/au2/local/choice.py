"""Containers where they are possible, else plain processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from au2.domain.errors import NotFound
from au2.local.container_place import ContainerPlace
from au2.local.place import Place, Staged, Tell
from au2.local.play import Control, Limits
from au2.local.request import CheckedRun
from au2.local.stage import Show
from au2.package.load import PackageOnDisk


@dataclass(slots=True)
class EitherPlace:
    """A :class:`~au2.local.place.Place`: decides for each run, since the runtime may change.

    Args:
        containers: the first choice.
        plain: for packages whose runtime is not on this machine.
        tell: takes the reason.
    """

    containers: ContainerPlace
    plain: Place
    tell: Tell
    mode: str = "container"

    @contextmanager
    def staged(
        self,
        package: PackageOnDisk,
        run: CheckedRun,
        *,
        show: Show,
        limits: Limits,
        control: Control,
    ) -> Iterator[Staged]:
        """See :meth:`au2.local.place.Place.staged`."""
        place: Place = self.containers
        try:
            self.containers.find_runtime(package)
        except NotFound as error:
            if self.mode == "container":
                self.tell(f"Not in a container: {error.message} {error.hint or ''}".rstrip())
            place = self.plain
        self.mode = place.mode
        with place.staged(package, run, show=show, limits=limits, control=control) as staged:
            yield staged
