"""What every engine promises (au2/engines/protocol.py)."""

import dataclasses
import socket
import threading
from pathlib import Path

import pytest

from au2.domain.errors import (
    BlobMissing,
    Conflict,
    EngineFailure,
    InvalidRequest,
    NotFound,
    TooLarge,
)
from au2.domain.jobs.container_contract import Network
from au2.engines.fake.engine import FakeEngine
from au2.engines.fake.program import (
    Exit,
    FailCreate,
    KillForMemory,
    OnSignal,
    Print,
    Wait,
    WriteFile,
)
from au2.engines.native.engine import NativeEngine
from au2.engines.protocol import Capability, ContainerState
from tests.support.images.busybox import SmallImage, make_image, make_layer
from tests.support.machine.engine import FakeHarness, NativeHarness, make_fake_harness, output_of

AnyHarness = NativeHarness | FakeHarness
HARNESSES = {"native": NativeEngine, "fake": FakeEngine}
LONG = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"
LONG_STEPS = [OnSignal("SIGTERM", 7), Print(b"ready\n"), Wait()]
UNTIL_TOLD = "while [ ! -e /run/au2/go ]; do sleep 0.01; done"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on every engine that has the capabilities it needs."""
    needed = {mark.args[0] for mark in metafunc.definition.iter_markers("needs_capability")}
    engines = [name for name, engine in HARNESSES.items() if needed <= engine.capabilities]
    metafunc.parametrize("engine_name", engines)


@pytest.fixture
def harness(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> AnyHarness:
    if engine_name == "fake":
        return make_fake_harness(tmp_path, make_image([make_layer({})]))
    native: NativeHarness = request.getfixturevalue("native_harness")
    return native


@pytest.fixture
def layer(engine_name: str, request: pytest.FixtureRequest) -> bytes:
    """A layer that programs run in."""
    if engine_name == "fake":
        return make_layer({})
    found: bytes = request.getfixturevalue("busybox_layer")
    return found


def numbers(count: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(1, count + 1))


def test_an_exit_code_is_told(harness: AnyHarness) -> None:
    result = harness.run("exit 3", [Exit(3)])
    assert result.observation.state is ContainerState.EXITED
    assert result.observation.exit_code == 3
    assert not result.observation.out_of_memory_kills


def test_nothing_runs_before_the_start(harness: AnyHarness) -> None:
    spec = harness.spec("echo now", [Print(b"now\n")])
    harness.engine.create(spec)
    seen = harness.engine.observe(spec.container_id)
    assert (seen.state, seen.log_bytes) == (ContainerState.CREATED, 0)
    harness.engine.start(spec.container_id)
    assert harness.finish(spec.container_id).stdout == b"now\n"


def test_starting_twice_is_harmless(harness: AnyHarness) -> None:
    container_id = harness.start("echo once", [Print(b"once\n")])
    harness.engine.start(container_id)
    result = harness.finish(container_id)
    harness.engine.start(container_id)
    assert result.stdout == b"once\n"
    assert harness.finish(container_id).stdout == b"once\n"


def test_streams_are_kept_apart(harness: AnyHarness) -> None:
    result = harness.run(
        "echo out; echo err >&2; printf unfinished",
        [Print(b"out\n"), Print(b"err\n", "stderr"), Print(b"unfinished")],
    )
    assert result.stdout == b"out\nunfinished"
    assert result.stderr == b"err\n"


def test_bytes_come_as_they_were_printed(harness: AnyHarness) -> None:
    printed = b"\xff\xfe\x00\r\n\x1b[0m\n"
    result = harness.run(r"printf '\377\376\000\r\n\033[0m\n'", [Print(printed)])
    assert result.stdout == printed


def test_the_log_of_the_shortest_container_is_whole(harness: AnyHarness) -> None:
    for _ in range(10):
        result = harness.run("", command=("/bin/echo", "here"))
        assert result.stdout == b"here\n"


def test_a_log_is_read_piece_by_piece(harness: AnyHarness) -> None:
    container_id = harness.start("seq 1000", [Print(numbers(1000))])
    whole = harness.finish(container_id).raw
    pieces = b""
    while piece := harness.engine.read_log(container_id, offset=len(pieces), limit_bytes=777):
        pieces += piece
    assert pieces == whole


def test_a_log_over_its_limit_is_cut_and_the_program_goes_on(harness: AnyHarness) -> None:
    result = harness.run(
        "seq 20000; exit 5", [Print(numbers(20_000)), Exit(5)], log_limit_bytes=10_000
    )
    assert result.observation.exit_code == 5
    assert result.observation.log_truncated
    assert result.observation.log_bytes == len(result.raw) == 10_000
    assert result.stdout.startswith(b"1\n2\n3\n")


def test_a_log_under_its_limit_is_not_called_cut(harness: AnyHarness) -> None:
    assert not harness.run("echo short", [Print(b"short\n")]).observation.log_truncated


def test_log_news_end_the_wait(harness: AnyHarness) -> None:
    container_id = harness.start(LONG, LONG_STEPS)
    seen = harness.engine.observe(container_id, timeout_seconds=60.0)
    assert seen.state is ContainerState.RUNNING
    assert seen.log_bytes > 0


def test_job_files_are_news(harness: AnyHarness) -> None:
    script = f"{UNTIL_TOLD}; echo x > /run/au2/status.json; sleep 99"
    container_id = harness.start(script, [Wait(), WriteFile("status.json", b"x\n"), Wait()])
    told = threading.Event()

    def wait() -> None:
        while harness.engine.read_file(container_id, "status.json", limit_bytes=9) != b"x\n":
            harness.engine.observe(container_id, timeout_seconds=60.0)
        told.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    harness.resume(container_id)
    waiting.join()
    assert told.is_set()


def test_a_wait_without_news_ends(harness: AnyHarness) -> None:
    container_id = harness.start("sleep 99", [Wait()])
    seen = harness.engine.observe(container_id, timeout_seconds=0.05)
    assert (seen.state, seen.log_bytes) == (ContainerState.RUNNING, 0)


def test_the_command_replaces_only_the_images_command(harness: AnyHarness, layer: bytes) -> None:
    image = make_image([layer], command=("world",), Entrypoint=["/bin/echo", "hello"])
    digest = image.save(harness.blobs)
    default = dataclasses.replace(harness.spec("", image=digest), command=None)
    harness.engine.create(default)
    harness.engine.start(default.container_id)
    assert harness.finish(default.container_id).stdout == b"hello world\n"
    assert harness.run("", image=digest, command=("there",)).stdout == b"hello there\n"


def test_the_environment_goes_over_the_images(harness: AnyHarness, layer: bytes) -> None:
    image = make_image([layer], Env=["PATH=/bin", "A=image", "B=image"])
    result = harness.run(
        'echo "$A $B $C $HOSTNAME"',
        lambda given: [
            Print(" ".join(map(given.get, ("A", "B", "C", "HOSTNAME"))).encode() + b"\n")
        ],
        image=image.save(harness.blobs),
        environment={"B": "given", "C": "a b\nc"},
        hostname="box",
    )
    assert result.stdout == b"image given a b\nc box\n"


@pytest.mark.needs_capability(Capability.ROOT_FILE_SYSTEM)
@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", b"0 0 /root\n"),
        ("user", b"1000 1000 /home\n"),
        ("1000", b"1000 1000 /home\n"),
        ("4000000", b"4000000 0 /\n"),
        ("user:77", b"1000 77 /home\n"),
    ],
)
def test_the_images_user_runs_it(
    harness: AnyHarness, layer: bytes, user: str, expected: bytes
) -> None:
    digest = make_image([layer], User=user).save(harness.blobs)
    assert harness.run('echo "$(id -u) $(id -g) $HOME"', image=digest).stdout == expected


@pytest.mark.needs_capability(Capability.ROOT_FILE_SYSTEM)
def test_the_working_directory_is_made(harness: AnyHarness, layer: bytes) -> None:
    digest = make_image([layer], WorkingDir="/new/place").save(harness.blobs)
    assert harness.run("pwd", image=digest).stdout == b"/new/place\n"


@pytest.mark.parametrize("user", ["", "1000", "70000"])
def test_job_files_are_for_every_user(harness: AnyHarness, layer: bytes, user: str) -> None:
    digest = make_image([layer], User=user).save(harness.blobs)
    container_id = harness.start(
        "cat /run/au2/args.json; cd /run/au2; echo out > output.json; echo s > scratch/s",
        [Print(b'{"a": 1}'), WriteFile("output.json", b"out\n")],
        image=digest,
        files={"args.json": b'{"a": 1}'},
    )
    result = harness.finish(container_id)
    assert (result.observation.exit_code, result.stdout) == (0, b'{"a": 1}')
    assert harness.engine.read_file(container_id, "output.json", limit_bytes=100) == b"out\n"
    assert harness.engine.read_file(container_id, "none.json", limit_bytes=100) is None


def test_a_job_file_over_its_limit_is_refused(harness: AnyHarness) -> None:
    container_id = harness.start(
        "head -c 101 /dev/zero > /run/au2/output.json", [WriteFile("output.json", bytes(101))]
    )
    harness.finish(container_id)
    with pytest.raises(TooLarge):
        harness.engine.read_file(container_id, "output.json", limit_bytes=100)


@pytest.mark.needs_capability(Capability.ROOT_FILE_SYSTEM)
@pytest.mark.parametrize(
    "making",
    [
        "ln -s /etc/passwd output.json",
        "ln -s args.json output.json",
        "mkfifo output.json",
        "mkdir output.json",
    ],
)
def test_only_regular_job_files_are_read(harness: AnyHarness, making: str) -> None:
    container_id = harness.start(f"cd /run/au2 && {making}", files={"args.json": b"{}"})
    assert harness.finish(container_id).observation.exit_code == 0
    with pytest.raises(InvalidRequest):
        harness.engine.read_file(container_id, "output.json", limit_bytes=100)


@pytest.mark.parametrize("name", ["..", "../log", "a/b", "", "/etc/passwd", "scratch", "a\0b"])
def test_job_files_have_plain_names(harness: AnyHarness, name: str) -> None:
    spec = harness.spec("true", files={name: b""})
    with pytest.raises(InvalidRequest):
        harness.engine.create(spec)
    assert spec.container_id not in list(harness.engine.list_containers())


def test_a_signal_reaches_the_first_process(harness: AnyHarness) -> None:
    container_id = harness.start(LONG, LONG_STEPS)
    harness.wait_for_output(container_id, b"ready")
    harness.engine.signal(container_id, "SIGTERM")
    assert harness.finish(container_id).observation.exit_code == 7
    harness.engine.signal(container_id, "SIGTERM")


def test_who_ignores_signals_is_killed(harness: AnyHarness) -> None:
    container_id = harness.start(
        "trap '' TERM; echo ready; while :; do sleep 0.05; done", [Print(b"ready\n"), Wait()]
    )
    harness.wait_for_output(container_id, b"ready")
    harness.engine.signal(container_id, "SIGTERM")
    assert harness.engine.observe(container_id).state is ContainerState.RUNNING
    harness.engine.signal(container_id, "SIGKILL")
    assert harness.finish(container_id).observation.exit_code == 137


def test_one_that_is_killed_before_its_start_has_ended(harness: AnyHarness) -> None:
    spec = harness.spec("echo never", [Print(b"never\n")])
    harness.engine.create(spec)
    harness.engine.signal(spec.container_id, "SIGKILL")
    assert harness.finish(spec.container_id).observation.exit_code == 137
    harness.engine.start(spec.container_id)
    assert harness.finish(spec.container_id).stdout == b""


def test_unknown_signals_are_refused(harness: AnyHarness) -> None:
    container_id = harness.start("sleep 99", [Wait()])
    with pytest.raises(InvalidRequest):
        harness.engine.signal(container_id, "SIGNONSENSE")


def test_the_images_stop_signal(harness: AnyHarness, layer: bytes) -> None:
    other = make_image([layer], StopSignal="SIGUSR1").save(harness.blobs)
    assert harness.engine.stop_signal(harness.image_digest) == "SIGTERM"
    assert harness.engine.stop_signal(other) == "SIGUSR1"


def test_an_id_is_taken_once(harness: AnyHarness) -> None:
    spec = harness.spec("echo first", [Print(b"first\n")])
    harness.engine.create(spec)
    with pytest.raises(Conflict):
        harness.engine.create(spec)
    harness.engine.start(spec.container_id)
    assert harness.finish(spec.container_id).stdout == b"first\n"


def test_an_id_is_free_again_after_removal(harness: AnyHarness) -> None:
    spec = harness.spec("echo $(ls /tmp) > /tmp/left; echo $(ls /tmp)", [Print(b"left\n")])
    for _ in range(2):
        harness.engine.create(spec)
        harness.engine.start(spec.container_id)
        assert harness.finish(spec.container_id).stdout == b"left\n"
        harness.engine.remove(spec.container_id)


@pytest.mark.parametrize("container_id", ["", "..", "a/b", "-a", "a" * 65, "ä"])
def test_ids_that_are_none(harness: AnyHarness, container_id: str) -> None:
    spec = dataclasses.replace(harness.spec("true"), container_id=container_id)
    with pytest.raises(InvalidRequest):
        harness.engine.create(spec)
    assert harness.engine.observe(container_id).state is ContainerState.LOST
    harness.engine.remove(container_id)


def test_a_container_that_is_not_there(harness: AnyHarness) -> None:
    engine = harness.engine
    assert engine.observe("never-was", timeout_seconds=60.0).state is ContainerState.LOST
    with pytest.raises(NotFound):
        engine.start("never-was")
    with pytest.raises(NotFound):
        engine.signal("never-was", "SIGTERM")
    with pytest.raises(NotFound):
        engine.read_log("never-was", offset=0, limit_bytes=10)
    engine.remove("never-was")


def test_a_running_container_is_removed(harness: AnyHarness) -> None:
    container_id = harness.start(
        "echo ready; sleep 99", [Print(b"ready\n"), Wait()], network=Network.INTERNET
    )
    harness.wait_for_output(container_id, b"ready")
    assert container_id in list(harness.engine.list_containers())
    harness.engine.remove(container_id)
    assert container_id not in list(harness.engine.list_containers())
    assert harness.engine.observe(container_id).state is ContainerState.LOST
    harness.engine.remove(container_id)


def test_a_created_container_is_removed(harness: AnyHarness) -> None:
    spec = harness.spec("true", network=Network.INTERNET)
    harness.engine.create(spec)
    harness.engine.remove(spec.container_id)
    assert spec.container_id not in list(harness.engine.list_containers())


def test_what_cannot_be_created_leaves_nothing(harness: AnyHarness) -> None:
    spec = harness.spec(
        "",
        [FailCreate("/no/such/program: not found")],
        command=("/no/such/program",),
        network=Network.INTERNET,
    )
    with pytest.raises(EngineFailure, match="/no/such/program"):
        harness.engine.create(spec)
    assert spec.container_id not in list(harness.engine.list_containers())


def test_an_image_that_is_not_there(harness: AnyHarness, layer: bytes) -> None:
    complete = make_image([layer, b"\0" * 10240])
    partial = {digest: data for digest, data in complete.blobs.items() if data != b"\0" * 10240}
    digest = SmallImage(complete.manifest_digest, partial).save(harness.blobs)
    with pytest.raises(BlobMissing):
        harness.engine.prepare(digest)
    with pytest.raises(BlobMissing):
        harness.engine.prepare("sha256:" + "0" * 64)


def test_memory_is_limited(harness: AnyHarness) -> None:
    result = harness.run("exec tail /dev/zero", [KillForMemory()], memory=16 << 20)
    assert result.observation.exit_code == 137
    assert result.observation.out_of_memory_kills


def test_killed_children_are_counted(harness: AnyHarness) -> None:
    script = "tail /dev/zero; tail /dev/zero; echo went on"
    killed = KillForMemory(is_first_process=False)
    result = harness.run(script, [killed, killed, Print(b"went on\n")], memory=16 << 20)
    assert result.observation.exit_code == 0
    assert result.observation.out_of_memory_kills == 2
    assert result.observation.reached_memory_limit
    assert result.stdout == b"went on\n"


@pytest.mark.parametrize("script", ["exit 137", "kill -9 $$", "(kill -9 $(sh -c 'echo $PPID'))"])
def test_a_code_or_signal_of_its_own_is_no_kill_for_memory(
    harness: AnyHarness, script: str
) -> None:
    assert harness.run(script, [Exit(137)]).observation.out_of_memory_kills == 0


@pytest.mark.needs_capability(Capability.ACCOUNTING)
def test_use_is_measured(harness: AnyHarness) -> None:
    seen = harness.run("head -c 20000000 /dev/zero > /dev/shm/x").observation
    assert seen.memory_peak_bytes is not None
    assert seen.memory_peak_bytes >= 20_000_000
    assert seen.cpu_seconds is not None
    assert seen.cpu_seconds > 0


def test_many_at_once(harness: AnyHarness) -> None:
    outputs: dict[str, bytes] = {}

    def run(number: int) -> None:
        network = Network.INTERNET if number % 2 else Network.NONE
        outputs[f"{number}\n"] = harness.run(
            f"echo {number}", [Print(f"{number}\n".encode())], network=network
        ).stdout

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {key: key.encode() for key in (f"{number}\n" for number in range(8))}


def test_checks_say_what_is_there(harness: AnyHarness) -> None:
    findings = harness.engine.check()
    assert findings
    assert [finding for finding in findings if not finding.ok] == []


def test_opening_again_disturbs_nothing(harness: AnyHarness) -> None:
    container_id = harness.start(
        f"echo ready; {UNTIL_TOLD}; echo done",
        [Print(b"ready\n"), Wait(), Print(b"done\n")],
        network=Network.INTERNET,
    )
    harness.wait_for_output(container_id, b"ready")
    harness.engine.open()
    harness.resume(container_id)
    result = harness.finish(container_id)
    assert output_of(result.raw, "stdout") == b"ready\ndone\n"


@pytest.mark.needs_capability(Capability.NETWORK)
def test_the_platform_answers_on_the_container_s_own_loopback(harness: AnyHarness) -> None:
    spec = harness.spec("echo ping | nc 127.0.0.1 8099")
    harness.engine.create(spec)
    with harness.engine.listen(spec.container_id, 8099) as listener:
        with pytest.raises(Conflict):
            harness.engine.listen(spec.container_id, 8099)
        harness.engine.start(spec.container_id)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b"ping\n"
            connection.sendall(b"pong\n")
        assert harness.finish(spec.container_id).stdout == b"pong\n"


@pytest.mark.needs_capability(Capability.NETWORK)
def test_nobody_else_is_reached_by_listening_inside(harness: AnyHarness) -> None:
    spec = harness.spec("true")
    harness.engine.create(spec)
    with (
        harness.engine.listen(spec.container_id, 8099) as listener,
        socket.socket() as elsewhere,
    ):
        # The same address and port of the host are free.
        elsewhere.bind(listener.getsockname())
    neighbour = harness.run("nc -w 1 127.0.0.1 8099")
    assert neighbour.observation.exit_code != 0


def test_nothing_listens_in_a_container_that_is_not_there(harness: AnyHarness) -> None:
    with pytest.raises(NotFound):
        harness.engine.listen("t-nobody", 8099)
