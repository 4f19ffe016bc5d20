"""Fixtures: a server for many tests, and one for a single test that will hurt it."""

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.machine.memory_disk import memory_is_ample, mounted_in_memory
from tests.support.servers.server_process import ServerProcess

MakeServer = Callable[..., ServerProcess]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the server's log with a test that failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, ServerProcess):
                report.sections.append(("End of the server's log", value.log_tail()))
    return report


@pytest.fixture(scope="session")
def short_directory() -> Iterator[Path]:
    """A folder with a short path: socket names below it have about 100 bytes at most."""
    directory = Path(tempfile.mkdtemp(prefix="au2-"))
    # Containers' root file systems lie below; a user namespace must be able to enter.
    directory.chmod(0o711)
    with mounted_in_memory(directory, "5g") if memory_is_ample() else nullcontext():
        yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def server(short_directory: Path) -> Iterator[ServerProcess]:
    """A running server with a Python runtime, shared by the tests of one worker.

    Tests may add to it but not restart it or count what is on it.
    """
    # Code that ignores its stop signal is not to keep the tests waiting.
    process = ServerProcess(short_directory / "server", {"AU2_JOBS_STOP_GRACE_SECONDS": "1"})
    process.init()
    process.add_runtime()
    process.start()
    yield process
    process.remove()


@pytest.fixture
def make_server(short_directory: Path) -> Iterator[MakeServer]:
    """A server of one's own: ``make_server(env={…}, data_dir=…)``; initialised, not started."""
    made: list[ServerProcess] = []

    def make(
        *, env: Mapping[str, str] | None = None, data_dir: Path | None = None
    ) -> ServerProcess:
        directory = data_dir or Path(tempfile.mkdtemp(prefix="own-", dir=short_directory)) / "data"
        process = ServerProcess(directory, dict(env or {}))
        made.append(process)
        directory.parent.chmod(0o711)
        process.init()
        process.add_runtime()
        return process

    yield make
    for process in made:
        process.remove()


@pytest.fixture
def private_server(make_server: MakeServer) -> ServerProcess:
    """A running server of one's own, to be killed and restarted."""
    process = make_server()
    process.start()
    return process
