"""The supervisor with real processes: it starts, restarts and ends them, and leaves none behind."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from au2.local.running_server import find_data_directory

pytestmark = pytest.mark.slow

SERVE = Path(__file__).parent / "doubles" / "serve.py"


class Server:
    """A server in the making, with its output as one stream of lines."""

    def __init__(
        self,
        root: Path,
        *,
        listen: str = "127.0.0.1:0",
        prepare: str = "passing",
        dispatcher: str = "calm",
        patience: str = "0",
        silent: str = "1000",
        notify: str = "",
    ) -> None:
        self.root = root
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, str(SERVE), str(root), listen, prepare, dispatcher],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PATIENCE": patience, "SILENT": silent, "NOTIFY_SOCKET": notify},
        )

    def wait_for(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen += line
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"{pattern!r} is not in:\n{self.seen}")

    def wait_until_ready(self) -> str:
        return self.wait_for(r"^au2 server ready on (http://127\.0\.0\.1:\d+)$")[1]

    def end(self) -> tuple[int, str]:
        """Wait for its end; the exit code and all that it wrote."""
        rest, _ = self.process.communicate()
        self.seen += rest
        return self.process.returncode, self.seen

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def serve(**arguments: str) -> Server:
        servers.append(Server(tmp_path, **arguments))
        return servers[-1]

    yield serve
    for server in servers:
        if server.process.poll() is None:
            children = server.children()
            server.process.kill()
            wait_until_gone(children)
            server.process.wait()
        if server.process.stdout is not None:
            server.process.stdout.close()


def get(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


def wait_until_gone(pids: list[int]) -> None:
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        select.select([descriptor], [], [])
        os.close(descriptor)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_answer_and_end(
    serve: Callable[..., Server], tmp_path: Path, number: signal.Signals
) -> None:
    server = serve()
    url = server.wait_until_ready()
    assert get(url).isdigit()
    noted = json.loads((tmp_path / "server.json").read_text())
    assert (noted["url"], noted["pid"]) == (url, server.process.pid)
    assert (tmp_path / "server.json").stat().st_mode & 0o777 == 0o600
    port = int(url.rsplit(":", 1)[1])
    assert find_data_directory(port, tmp_path / "run") == tmp_path
    children = server.children()
    assert len(children) == 2
    server.process.send_signal(number)
    code, _ = server.end()
    assert code == 0
    wait_until_gone(children)
    assert not (tmp_path / "server.json").exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_an_open_stream_is_ended_and_not_cut(serve: Callable[..., Server]) -> None:
    server = serve()
    with urllib.request.urlopen(server.wait_until_ready() + "/stream") as stream:
        assert stream.read(1).isdigit()
        server.process.terminate()
        assert stream.read().endswith(b" end")
    assert server.end()[0] == 0


def test_a_process_that_falls_over_is_started_again(serve: Callable[..., Server]) -> None:
    server = serve()
    url = server.wait_until_ready()
    for _ in range(3):
        pid = int(get(url))
        os.kill(pid, signal.SIGKILL)
        server.wait_for(r"ERROR supervisor.*api ended \(SIGKILL\), starts again in 0\.0 s")
        # The socket is the supervisor's: nobody is refused meanwhile.
        assert int(get(url)) != pid
    server.process.terminate()
    assert server.end()[0] == 0


def test_nothing_is_left_when_the_supervisor_is_killed(serve: Callable[..., Server]) -> None:
    server = serve()
    server.wait_until_ready()
    children = server.children()
    server.process.kill()
    wait_until_gone(children)
    assert len(children) == 2
    assert "the supervisor is gone" in server.end()[1]


def test_the_next_server_waits_for_the_processes_of_a_killed_one(
    serve: Callable[..., Server],
) -> None:
    server = serve(dispatcher="stubborn")
    url = server.wait_until_ready()
    orphans = server.children()
    server.process.kill()
    server.process.wait()
    assert serve().end()[0] == 5
    following = serve(patience="1000")
    for pid in orphans:
        with suppress(ProcessLookupError):  # One of them ends by itself.
            os.kill(pid, signal.SIGKILL)
    assert following.wait_until_ready() != url


def test_the_second_server_on_a_data_directory_is_refused(serve: Callable[..., Server]) -> None:
    first = serve()
    first.wait_until_ready()
    code, output = serve().end()
    assert code == 5
    assert "in use by another au2-server" in output
    assert first.process.poll() is None


def test_a_process_that_does_not_end_is_killed_when_asked_again(
    serve: Callable[..., Server],
) -> None:
    server = serve(dispatcher="stubborn")
    server.wait_until_ready()
    server.process.terminate()
    server.wait_for("asked to stop")
    server.wait_for(r"api ended")
    server.process.terminate()
    code, output = server.end()
    assert code == 0
    assert "dispatcher does not end, so it is killed" in output


def test_a_port_that_is_taken(serve: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = serve(listen=f"127.0.0.1:{port}").end()
    assert code == 1
    assert f"can't listen on 127.0.0.1:{port}: Address already in use" in output
    assert "--listen" in output


def test_the_server_does_not_start_unprepared(serve: Callable[..., Server]) -> None:
    code, output = serve(prepare="broken").end()
    assert code == 1
    assert "error: The server was not started: see above." in output
    assert "ready on" not in output


def test_the_server_ends_when_a_process_never_gets_ready(serve: Callable[..., Server]) -> None:
    server = serve(dispatcher="broken")
    code, output = server.end()
    assert code == 1
    assert "dispatcher ended while starting (exit code 7)" in output
    assert "ready on" not in output


def test_a_process_that_hangs_is_started_again(serve: Callable[..., Server]) -> None:
    server = serve(dispatcher="hanging", silent="0.5")
    server.wait_until_ready()
    server.wait_for(r"dispatcher gives no sign of life any more, so it is killed")
    server.wait_for(r"dispatcher ended \(SIGKILL\)")
    server.wait_for(r"dispatcher starts again")


def test_a_process_that_is_stopped_is_started_again(serve: Callable[..., Server]) -> None:
    """SIGSTOP: it exists, and does nothing."""
    server = serve(silent="2")
    url = server.wait_until_ready()
    os.kill(int(get(url)), signal.SIGSTOP)
    server.wait_for(r"api gives no sign of life any more")
    server.wait_for(r"api starts again")
    assert get(url).isdigit()


def test_the_service_manager_is_told(serve: Callable[..., Server], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        server = serve(notify=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"
        for pid in server.children():
            # runc would hand the socket on to containers.
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
        server.process.terminate()
        assert manager.recv(100) == b"STOPPING=1"
    assert server.end()[0] == 0


def test_a_service_manager_that_is_gone_does_no_harm(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(notify=str(tmp_path / "nobody"))
    server.wait_until_ready()
    server.wait_for(r"the service manager can't be told 'READY=1': No such file")


def test_hanging_up_reaches_the_processes_and_ends_none(serve: Callable[..., Server]) -> None:
    server = serve()
    url = server.wait_until_ready()
    pid = get(url)

    server.process.send_signal(signal.SIGHUP)

    server.wait_for(r"asked to read the certificate again, but the settings name none")
    assert get(url) == pid


def test_a_terminal_that_closes_ends_the_server(tmp_path: Path) -> None:
    arguments = [str(SERVE), str(tmp_path), "127.0.0.1:0", "passing", "calm"]
    terminal = pexpect.spawn(sys.executable, arguments, timeout=None)
    terminal.expect("ready on")

    os.close(terminal.child_fd)

    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    terminal.closed = terminal.terminated = True
