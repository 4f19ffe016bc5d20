"""Containers where they are possible, else plain processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from au2.domain.errors import NotFound
from au2.execution.hooks import Show
from au2.execution.supervise import Control, Limits
from au2.local.container_runner import ContainerRunner
from au2.local.request import CheckedRun
from au2.local.runner import PreparedExecution, Runner, Tell
from au2.package.load import PackageOnDisk


@dataclass(slots=True)
class FallbackRunner:
    """A :class:`~au2.local.runner.Runner`: decides for each run, since the runtime may change.

    Args:
        containers: the first choice.
        plain: for packages whose runtime is not on this machine.
        tell: takes the reason.
    """

    containers: ContainerRunner
    plain: Runner
    tell: Tell
    mode: str = "container"

    @contextmanager
    def prepare(
        self,
        package: PackageOnDisk,
        run: CheckedRun,
        *,
        show: Show,
        limits: Limits,
        control: Control,
    ) -> Iterator[PreparedExecution]:
        """See :meth:`au2.local.runner.Runner.staged`."""
        runner: Runner = self.containers
        try:
            self.containers.find_runtime(package)
        except NotFound as error:
            if self.mode == "container":
                self.tell(f"Not in a container: {error.message} {error.hint or ''}".rstrip())
            runner = self.plain
        self.mode = runner.mode
        with runner.prepare(package, run, show=show, limits=limits, control=control) as prepare:
            yield prepare
