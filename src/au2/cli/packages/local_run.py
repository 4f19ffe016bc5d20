"""Running a package on this machine: signals, what is shown, and the exit code."""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from au2.cli.output_file import Output
from au2.cli.packages.package_remarks import list_remarks
from au2.cli.packages.runner_choice import RunnerChoice, choose_runner
from au2.cli.session import Session
from au2.domain.clock import now
from au2.domain.errors import Au2Error
from au2.domain.job import JobState
from au2.domain.wording import format_seconds
from au2.execution.job_results import Status
from au2.execution.termination import ExecutionLimits, JobControl
from au2.files.output import write_output
from au2.local.request import LocalRequest
from au2.local.runner import LocalResult, Runner, run_package
from au2.local.watch import WatchSession
from au2.package.tree.entries import PackageFiles

_EXIT_INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LocalRuns:
    """One use of the command: a run, or many."""

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
        self._terminal = session.console
        self._directory = directory
        self._request = request
        self._output = output
        self._pass_exit_code = pass_exit_code
        self._line_is_open = False
        """Whether the last line that the code printed to stdout has no end yet."""
        self._told: list[str] = []
        """What was told of the package's files before the last run."""

    def go(self, choice: RunnerChoice, *, watch: bool) -> None:
        """Run; ends by an exception unless all went well."""
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

        with handling_signals(interrupt):
            result = self._run(runner, control)
        self._show(result)
        if result.succeeded:
            return
        code = result.outcome.exit_code if self._pass_exit_code else None
        if control.stop.is_set() and not self._pass_exit_code:
            code = _EXIT_INTERRUPTED
        # A run can fail although its program ended with 0; a failure never passes for success.
        raise click.exceptions.Exit((code or 1) & 0xFF or 1)

    def _watch(self, runner: Runner) -> None:
        watching = WatchSession(self._directory)

        def once(control: JobControl) -> None:
            try:
                result = self._run(runner, control)
            except Au2Error as error:
                self._terminal.error(error)
            else:
                if result.outcome.state is not JobState.STOPPED:
                    self._show(result)
            if not control.stop.is_set():
                self._terminal.remark("Waiting for the next save; Ctrl-C ends.")

        with handling_signals(watching.end):
            watching.run(once, self._tell_changed)
        raise click.exceptions.Exit(_EXIT_INTERRUPTED)

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
            self._terminal.remark(remark)

    def _show_log(self, stream: str, data: bytes) -> None:
        to_stdout = stream == "stdout" and self._terminal.output_format == "table"
        if to_stdout:
            self._line_is_open = not data.endswith(b"\n")
        (self._terminal.bytes_out if to_stdout else self._terminal.bytes_err)(data)
        self._terminal.flush()

    def _show_status(self, status: Status) -> None:
        progress = "" if status.progress is None else f" {status.progress:.0%}"
        self._terminal.remark(f"[status{progress}] {status.text or ''}".rstrip())

    def _show(self, result: LocalResult) -> None:
        output, is_table = result.output, self._terminal.output_format == "table"
        if output is not None and self._output.path is not None:
            text = json.dumps(output, indent=2, ensure_ascii=False) + "\n"
            write_output(self._output.path, text.encode())
        if not is_table:
            self._terminal.show_document(result.to_document())
        elif output is not None and self._output.path is None:
            if self._line_is_open:
                self._terminal.text("\n")
            self._terminal.show_document(output)
        self._terminal.remark(_conclusion(result))

    def _tell_changed(self, paths: Sequence[str]) -> None:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        moment = now().astimezone().strftime("%H:%M:%S")
        self._terminal.remark(f"\n--- {moment} {paths[0]}{more} saved: running again ---")


def _conclusion(result: LocalResult) -> str:
    outcome = result.outcome
    run = next(phase for phase in result.phases if phase.name == "run")
    seconds = 0.0 if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
    reason = f" ({outcome.reason})" if outcome.reason else ""
    sentence = f": {outcome.reason_text}" if outcome.reason_text else "."
    return f"Run {outcome.state}{reason} after {format_seconds(seconds)}{sentence}"


@contextmanager
def handling_signals(handle: Callable[[], None]) -> Iterator[None]:
    """Call ``handle`` for Ctrl-C and requests to end, while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: handle()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
