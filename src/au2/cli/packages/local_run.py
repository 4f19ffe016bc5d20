"""Local runs of a package: choice of the runner, signals, output and exit code."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from au2.cli.command import Session
from au2.cli.options import Output
from au2.cli.packages.package_remarks import list_remarks
from au2.console.failures import EXIT_INTERRUPTED, exit_failed
from au2.domain.clock import now
from au2.domain.errors import Au2Error, InvalidRequest, Unsupported
from au2.domain.jobs.job import JobState
from au2.domain.wording import format_seconds
from au2.execution.job_results import Status
from au2.execution.termination import ExecutionLimits, JobControl
from au2.files.home import find_home
from au2.files.output import write_output
from au2.local.environments.packages import PackageEnvironments
from au2.local.process_runner import ProcessRunner
from au2.local.request import LocalRequest
from au2.local.runner import LocalResult, Runner, run_package
from au2.local.watch import WatchSession
from au2.package.tree.entries import PackageFiles

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_RUNTIMES_VARIABLE = "AU2_RUNTIMES_CACHE_DIR"


class RunnerChoice(NamedTuple):
    """Runner chosen on the command line: at most one of ``plain`` and ``container`` is true."""

    plain: bool
    container: bool
    own_environment: bool
    data_dir: Path | None


@contextmanager
def choose_runner(choice: RunnerChoice, session: Session) -> Iterator[Runner]:
    """Open a runner: containers where they are possible, else plain processes.

    Raises:
        Unsupported: a container is required and not possible.
    """
    tell = session.console.remark
    own = session.environment
    environments = PackageEnvironments(own, partial(_find_cache, own), tell)
    plain = ProcessRunner(own, tell, None if choice.own_environment else environments)
    with ExitStack() as stack:
        if choice.plain:
            yield plain
            return
        try:
            runner = _open_containers(choice, session, plain, tell, stack)
        except Unsupported as error:
            if choice.container:
                message = f"The package can't run in a container: {error.message}"
                raise Unsupported(message, hint=error.hint) from error
            tell(f"Not in a container: {error.message}")
            runner = plain
        yield runner


def _open_containers(
    choice: RunnerChoice,
    session: Session,
    plain: Runner,
    tell: Callable[[str], None],
    stack: ExitStack,
) -> Runner:
    """Return containers with plain processes to fall back on. Raises Unsupported."""
    if not sys.platform.startswith("linux"):
        raise Unsupported("containers need Linux.")
    if os.geteuid() != 0:
        raise Unsupported("containers need root (sudo).")
    try:
        from au2.local.container_runner import ContainerRunner, FallbackRunner
        from au2.local.engine import open_local_engine
        from au2.local.runtime_search import make_cache_search, search_both
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"the server part of au2 is not installed ({error.name} is missing).",
            hint="Install it from the checkout or wheel that au2 came from: "
            "pip install 'CHECKOUT_OR_WHEEL[server]'",
        ) from error
    cache = _find_cache(session.environment)
    stated = session.environment.get(_RUNTIMES_VARIABLE)
    search_caches = make_cache_search([*([Path(stated)] if stated else []), cache / "runtimes"])
    data_dir = choice.data_dir or _find_data_directory(session)
    if data_dir is None:
        search = search_caches
    else:
        # Imports the whole database library, needed in this case alone.
        from au2.local.server_runtimes import make_server_search

        search = make_server_search(data_dir)
        if choice.data_dir is None:
            search = search_both(search, search_caches)
    local = stack.enter_context(open_local_engine(cache / "local"))

    def install(*arguments: Any) -> Any:
        # Imports HTTP and an installer, needed by packages with requirements alone.
        from au2.local.dependencies import install_dependencies

        return install_dependencies(session.environment, *arguments)

    containers = ContainerRunner(local, search, install, tell)
    return containers if choice.container else FallbackRunner(containers, plain, tell)


def _find_data_directory(session: Session) -> Path | None:
    """Return the data directory of the present server, if the server is on this machine."""
    from au2.local.running_server import find_data_directory

    try:
        address = session.address
    except InvalidRequest:
        return None  # No server was ever named, and none is needed.
    return find_data_directory(address.port) if address.is_loopback else None


def _find_cache(environment: Mapping[str, str]) -> Path:
    """Return the cache folder. Raises Unsupported: there is none."""
    if not environment.get("XDG_CACHE_HOME") and find_home(environment) is None:
        raise Unsupported(
            "there is no home folder to keep images and packages in.", hint="Set HOME."
        )
    from platformdirs import user_cache_path  # slow, and not needed for plain processes

    return user_cache_path("au2", appauthor=False)


class LocalRuns:
    """Runs of one package with one set of options: a single run, or a run after each save."""

    def __init__(
        self,
        session: Session,
        directory: Path,
        request: LocalRequest,
        output: Output,
        *,
        pass_exit_code: bool,
    ) -> None:
        self._session = session
        self._console = session.console
        self._directory = directory
        self._request = request
        self._output = output
        self._pass_exit_code = pass_exit_code
        self._line_is_open = False
        """Whether the last line of the code's stdout has no end yet."""
        self._told: list[str] = []
        """Remarks on the package's files before the last run."""

    def go(self, choice: RunnerChoice, *, watch: bool) -> None:
        """Run the package. Raises Exit unless the run succeeded."""
        with choose_runner(choice, self._session) as runner:
            if watch:
                self._watch(runner)
            else:
                self._run_once(runner)

    def _run_once(self, runner: Runner) -> None:
        control = JobControl()

        def interrupt() -> None:
            if control.stop.is_set():
                control.kill.set()
            control.stop.set()

        with _handling_signals(interrupt):
            result = self._run(runner, control)
        self._show(result)
        if result.succeeded:
            return
        code = result.outcome.exit_code if self._pass_exit_code else None
        if control.stop.is_set() and not self._pass_exit_code:
            code = EXIT_INTERRUPTED
        exit_failed(code)

    def _watch(self, runner: Runner) -> None:
        watching = WatchSession(self._directory)

        def once(control: JobControl) -> None:
            try:
                result = self._run(runner, control)
            except Au2Error as error:
                self._console.error(error)
            else:
                if result.outcome.state is not JobState.STOPPED:
                    self._show(result)
            if not control.stop.is_set():
                self._console.remark("Waiting for the next save; Ctrl-C ends.")

        with _handling_signals(watching.end):
            watching.run(once, self._tell_changed)
        raise click.exceptions.Exit(EXIT_INTERRUPTED)

    def _run(self, runner: Runner, control: JobControl) -> LocalResult:
        return run_package(
            self._directory,
            self._request,
            runner,
            own_environment=self._session.environment,
            limits=ExecutionLimits(),
            control=control,
            show=self._show_log,
            on_status=self._show_status,
            on_files=self._remark_on_files,
        )

    def _remark_on_files(self, files: PackageFiles) -> None:
        remarks = list_remarks(files)
        if remarks == self._told:
            return
        self._told = remarks
        for remark in remarks:
            self._console.remark(remark)

    def _show_log(self, stream: str, data: bytes) -> None:
        to_stdout = stream == "stdout" and self._console.output_format == "table"
        if to_stdout:
            self._line_is_open = not data.endswith(b"\n")
        (self._console.bytes_out if to_stdout else self._console.bytes_err)(data)
        self._console.flush()

    def _show_status(self, status: Status) -> None:
        progress = "" if status.progress is None else f" {status.progress:.0%}"
        self._console.remark(f"[status{progress}] {status.text or ''}".rstrip())

    def _show(self, result: LocalResult) -> None:
        output, is_table = result.output, self._console.output_format == "table"
        if output is not None and self._output.path is not None:
            text = json.dumps(output, indent=2, ensure_ascii=False) + "\n"
            write_output(self._output.path, text.encode())
        if not is_table:
            self._console.show_document(result.to_document())
        elif output is not None and self._output.path is None:
            if self._line_is_open:
                self._console.text("\n")
            self._console.show_document(output)
        self._console.remark(_conclusion(result))

    def _tell_changed(self, paths: Sequence[str]) -> None:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        moment = now().astimezone().strftime("%H:%M:%S")
        self._console.remark(f"\n--- {moment} {paths[0]}{more} saved: running again ---")


def _conclusion(result: LocalResult) -> str:
    outcome = result.outcome
    run = next(phase for phase in result.phases if phase.name == "run")
    seconds = 0.0 if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
    reason = f" ({outcome.reason})" if outcome.reason else ""
    sentence = f": {outcome.reason_text}" if outcome.reason_text else "."
    return f"Run {outcome.state}{reason} after {format_seconds(seconds)}{sentence}"


@contextmanager
def _handling_signals(handle: Callable[[], None]) -> Iterator[None]:
    """Call ``handle`` for Ctrl-C and for signals to end, while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: handle()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
