"""What every engine promises (au2/engines/base.py)."""

import dataclasses
import socket
import threading

import pytest

from au2.domain.errors import (
    BlobMissing,
    Conflict,
    EngineFailure,
    InvalidRequest,
    NotFound,
    TooLarge,
)
from au2.domain.network import Network
from au2.engines.base import ContainerState
from tests.support.busybox import SmallImage, make_image
from tests.support.engine import Workbench, output_of

LONG = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"


def test_an_exit_code_is_told(workbench: Workbench) -> None:
    result = workbench.run("exit 3")
    assert result.observation.state is ContainerState.EXITED
    assert result.observation.exit_code == 3
    assert not result.observation.out_of_memory_kills


def test_nothing_runs_before_the_start(workbench: Workbench) -> None:
    spec = workbench.spec("echo now")
    workbench.engine.create(spec)
    seen = workbench.engine.observe(spec.container_id)
    assert (seen.state, seen.log_bytes) == (ContainerState.CREATED, 0)
    workbench.engine.start(spec.container_id)
    assert workbench.finish(spec.container_id).stdout == b"now\n"


def test_starting_twice_is_harmless(workbench: Workbench) -> None:
    container_id = workbench.start("echo once")
    workbench.engine.start(container_id)
    result = workbench.finish(container_id)
    workbench.engine.start(container_id)
    assert result.stdout == b"once\n"
    assert workbench.finish(container_id).stdout == b"once\n"


def test_streams_are_kept_apart(workbench: Workbench) -> None:
    result = workbench.run("echo out; echo err >&2; printf unfinished")
    assert result.stdout == b"out\nunfinished"
    assert result.stderr == b"err\n"


def test_bytes_come_as_they_were_printed(workbench: Workbench) -> None:
    result = workbench.run(r"printf '\377\376\000\r\n\033[0m\n'")
    assert result.stdout == b"\xff\xfe\x00\r\n\x1b[0m\n"


def test_the_log_of_the_shortest_container_is_whole(workbench: Workbench) -> None:
    for _ in range(10):
        result = workbench.run("", command=("/bin/echo", "here"))
        assert result.stdout == b"here\n"


def test_a_log_is_read_piece_by_piece(workbench: Workbench) -> None:
    container_id = workbench.start("seq 1000")
    whole = workbench.finish(container_id).raw
    pieces = b""
    while piece := workbench.engine.read_log(container_id, offset=len(pieces), limit_bytes=777):
        pieces += piece
    assert pieces == whole


def test_a_log_over_its_limit_is_cut_and_the_program_goes_on(workbench: Workbench) -> None:
    result = workbench.run("seq 20000; exit 5", log_limit_bytes=10_000)
    assert result.observation.exit_code == 5
    assert result.observation.log_truncated
    assert result.observation.log_bytes == len(result.raw) == 10_000
    assert result.stdout.startswith(b"1\n2\n3\n")


def test_a_log_under_its_limit_is_not_called_cut(workbench: Workbench) -> None:
    assert not workbench.run("echo short").observation.log_truncated


def test_log_news_end_the_wait(workbench: Workbench) -> None:
    container_id = workbench.start(LONG)
    seen = workbench.engine.observe(container_id, timeout_seconds=60.0)
    assert seen.state is ContainerState.RUNNING
    assert seen.log_bytes > 0


def test_job_files_are_news(workbench: Workbench) -> None:
    script = (
        "while [ ! -e /run/au2/go ]; do sleep 0.01; done; echo x > /run/au2/status.json; sleep 99"
    )
    container_id = workbench.start(script)
    told = threading.Event()

    def wait() -> None:
        while workbench.engine.read_file(container_id, "status.json", limit_bytes=9) != b"x\n":
            workbench.engine.observe(container_id, timeout_seconds=60.0)
        told.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    # The container's own folder, as its user sees it: a second container cannot do this, we can.
    (workbench.data_dir / "containers" / container_id / "files" / "go").touch()
    waiting.join()
    assert told.is_set()


def test_a_wait_without_news_ends(workbench: Workbench) -> None:
    container_id = workbench.start("sleep 99")
    seen = workbench.engine.observe(container_id, timeout_seconds=0.05)
    assert (seen.state, seen.log_bytes) == (ContainerState.RUNNING, 0)


def test_the_command_replaces_only_the_images_command(
    workbench: Workbench, busybox_layer: bytes
) -> None:
    image = make_image([busybox_layer], command=("world",), Entrypoint=["/bin/echo", "hello"])
    digest = image.save(workbench.blobs)
    default = dataclasses.replace(workbench.spec("", image=digest), command=None)
    workbench.engine.create(default)
    workbench.engine.start(default.container_id)
    assert workbench.finish(default.container_id).stdout == b"hello world\n"
    assert workbench.run("", image=digest, command=("there",)).stdout == b"hello there\n"


def test_the_environment_goes_over_the_images(workbench: Workbench, busybox_layer: bytes) -> None:
    image = make_image([busybox_layer], Env=["PATH=/bin", "A=image", "B=image"])
    result = workbench.run(
        'echo "$A $B $C $HOSTNAME"',
        image=image.save(workbench.blobs),
        environment={"B": "given", "C": "a b\nc"},
        hostname="box",
    )
    assert result.stdout == b"image given a b\nc box\n"


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
    workbench: Workbench, busybox_layer: bytes, user: str, expected: bytes
) -> None:
    digest = make_image([busybox_layer], User=user).save(workbench.blobs)
    assert workbench.run('echo "$(id -u) $(id -g) $HOME"', image=digest).stdout == expected


def test_the_working_directory_is_made(workbench: Workbench, busybox_layer: bytes) -> None:
    digest = make_image([busybox_layer], WorkingDir="/new/place").save(workbench.blobs)
    assert workbench.run("pwd", image=digest).stdout == b"/new/place\n"


@pytest.mark.parametrize("user", ["", "1000", "70000"])
def test_job_files_are_for_every_user(
    workbench: Workbench, busybox_layer: bytes, user: str
) -> None:
    digest = make_image([busybox_layer], User=user).save(workbench.blobs)
    container_id = workbench.start(
        "cat /run/au2/args.json; cd /run/au2; echo out > output.json; echo s > scratch/s",
        image=digest,
        files={"args.json": b'{"a": 1}'},
    )
    result = workbench.finish(container_id)
    assert (result.observation.exit_code, result.stdout) == (0, b'{"a": 1}')
    assert workbench.engine.read_file(container_id, "output.json", limit_bytes=100) == b"out\n"
    assert workbench.engine.read_file(container_id, "none.json", limit_bytes=100) is None


def test_a_job_file_over_its_limit_is_refused(workbench: Workbench) -> None:
    container_id = workbench.start("head -c 101 /dev/zero > /run/au2/output.json")
    workbench.finish(container_id)
    with pytest.raises(TooLarge):
        workbench.engine.read_file(container_id, "output.json", limit_bytes=100)


@pytest.mark.parametrize(
    "making",
    [
        "ln -s /etc/passwd output.json",
        "ln -s args.json output.json",
        "mkfifo output.json",
        "mkdir output.json",
    ],
)
def test_only_regular_job_files_are_read(workbench: Workbench, making: str) -> None:
    container_id = workbench.start(f"cd /run/au2 && {making}", files={"args.json": b"{}"})
    assert workbench.finish(container_id).observation.exit_code == 0
    with pytest.raises(InvalidRequest):
        workbench.engine.read_file(container_id, "output.json", limit_bytes=100)


@pytest.mark.parametrize("name", ["..", "../log", "a/b", "", "/etc/passwd", "scratch", "a\0b"])
def test_job_files_have_plain_names(workbench: Workbench, name: str) -> None:
    spec = workbench.spec("true", files={name: b""})
    with pytest.raises(InvalidRequest):
        workbench.engine.create(spec)
    assert spec.container_id not in list(workbench.engine.list_containers())


def test_a_signal_reaches_the_first_process(workbench: Workbench) -> None:
    container_id = workbench.start(LONG)
    workbench.wait_for_output(container_id, b"ready")
    workbench.engine.signal(container_id, "SIGTERM")
    assert workbench.finish(container_id).observation.exit_code == 7
    workbench.engine.signal(container_id, "SIGTERM")


def test_who_ignores_signals_is_killed(workbench: Workbench) -> None:
    container_id = workbench.start("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    workbench.wait_for_output(container_id, b"ready")
    workbench.engine.signal(container_id, "SIGTERM")
    assert workbench.engine.observe(container_id).state is ContainerState.RUNNING
    workbench.engine.signal(container_id, "SIGKILL")
    assert workbench.finish(container_id).observation.exit_code == 137


def test_one_that_is_killed_before_its_start_has_ended(workbench: Workbench) -> None:
    spec = workbench.spec("echo never")
    workbench.engine.create(spec)
    workbench.engine.signal(spec.container_id, "SIGKILL")
    assert workbench.finish(spec.container_id).observation.exit_code == 137
    workbench.engine.start(spec.container_id)
    assert workbench.finish(spec.container_id).stdout == b""


def test_unknown_signals_are_refused(workbench: Workbench) -> None:
    container_id = workbench.start("sleep 99")
    with pytest.raises(InvalidRequest):
        workbench.engine.signal(container_id, "SIGNONSENSE")


def test_the_images_stop_signal(workbench: Workbench, busybox_layer: bytes) -> None:
    other = make_image([busybox_layer], StopSignal="SIGUSR1").save(workbench.blobs)
    assert workbench.engine.stop_signal(workbench.image_digest) == "SIGTERM"
    assert workbench.engine.stop_signal(other) == "SIGUSR1"


def test_an_id_is_taken_once(workbench: Workbench) -> None:
    spec = workbench.spec("echo first")
    workbench.engine.create(spec)
    with pytest.raises(Conflict):
        workbench.engine.create(spec)
    workbench.engine.start(spec.container_id)
    assert workbench.finish(spec.container_id).stdout == b"first\n"


def test_an_id_is_free_again_after_removal(workbench: Workbench) -> None:
    spec = workbench.spec("echo $(ls /tmp) > /tmp/left; echo $(ls /tmp)")
    for _ in range(2):
        workbench.engine.create(spec)
        workbench.engine.start(spec.container_id)
        assert workbench.finish(spec.container_id).stdout == b"left\n"
        workbench.engine.remove(spec.container_id)


@pytest.mark.parametrize("container_id", ["", "..", "a/b", "-a", "a" * 65, "ä"])
def test_ids_that_are_none(workbench: Workbench, container_id: str) -> None:
    spec = dataclasses.replace(workbench.spec("true"), container_id=container_id)
    with pytest.raises(InvalidRequest):
        workbench.engine.create(spec)
    assert workbench.engine.observe(container_id).state is ContainerState.LOST
    workbench.engine.remove(container_id)


def test_a_container_that_is_not_there(workbench: Workbench) -> None:
    engine = workbench.engine
    assert engine.observe("never-was", timeout_seconds=60.0).state is ContainerState.LOST
    with pytest.raises(NotFound):
        engine.start("never-was")
    with pytest.raises(NotFound):
        engine.signal("never-was", "SIGTERM")
    with pytest.raises(NotFound):
        engine.read_log("never-was", offset=0, limit_bytes=10)
    engine.remove("never-was")


def test_a_running_container_is_removed(workbench: Workbench) -> None:
    container_id = workbench.start("echo ready; sleep 99", network=Network.INTERNET)
    workbench.wait_for_output(container_id, b"ready")
    assert container_id in list(workbench.engine.list_containers())
    workbench.engine.remove(container_id)
    assert container_id not in list(workbench.engine.list_containers())
    assert workbench.engine.observe(container_id).state is ContainerState.LOST
    workbench.engine.remove(container_id)


def test_a_created_container_is_removed(workbench: Workbench) -> None:
    spec = workbench.spec("true", network=Network.INTERNET)
    workbench.engine.create(spec)
    workbench.engine.remove(spec.container_id)
    assert spec.container_id not in list(workbench.engine.list_containers())


def test_what_cannot_be_created_leaves_nothing(workbench: Workbench) -> None:
    spec = workbench.spec("", command=("/no/such/program",), network=Network.INTERNET)
    with pytest.raises(EngineFailure, match="/no/such/program"):
        workbench.engine.create(spec)
    assert spec.container_id not in list(workbench.engine.list_containers())


def test_an_image_that_is_not_there(workbench: Workbench, busybox_layer: bytes) -> None:
    complete = make_image([busybox_layer, b"\0" * 10240])
    partial = {digest: data for digest, data in complete.blobs.items() if data != b"\0" * 10240}
    digest = SmallImage(complete.manifest_digest, partial).save(workbench.blobs)
    with pytest.raises(BlobMissing):
        workbench.engine.prepare(digest)
    with pytest.raises(BlobMissing):
        workbench.engine.prepare("sha256:" + "0" * 64)


def test_memory_is_limited(workbench: Workbench) -> None:
    result = workbench.run("exec tail /dev/zero", memory=16 << 20)
    assert result.observation.exit_code == 137
    assert result.observation.out_of_memory_kills


def test_killed_children_are_counted(workbench: Workbench) -> None:
    script = "tail /dev/zero; tail /dev/zero; echo went on"
    result = workbench.run(script, memory=16 << 20)
    assert result.observation.exit_code == 0
    assert result.observation.out_of_memory_kills == 2
    assert result.observation.reached_memory_limit
    assert result.stdout == b"went on\n"


@pytest.mark.parametrize("script", ["exit 137", "kill -9 $$", "(kill -9 $(sh -c 'echo $PPID'))"])
def test_a_code_or_signal_of_its_own_is_no_kill_for_memory(
    workbench: Workbench, script: str
) -> None:
    assert workbench.run(script).observation.out_of_memory_kills == 0


def test_use_is_measured(workbench: Workbench) -> None:
    seen = workbench.run("head -c 20000000 /dev/zero > /dev/shm/x").observation
    assert seen.memory_peak_bytes is not None
    assert seen.memory_peak_bytes >= 20_000_000
    assert seen.cpu_seconds is not None
    assert seen.cpu_seconds > 0


def test_many_at_once(workbench: Workbench) -> None:
    outputs: dict[str, bytes] = {}

    def run(number: int) -> None:
        network = Network.INTERNET if number % 2 else Network.NONE
        outputs[f"{number}\n"] = workbench.run(f"echo {number}", network=network).stdout

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {key: key.encode() for key in (f"{number}\n" for number in range(8))}


def test_checks_say_what_is_there(workbench: Workbench) -> None:
    findings = workbench.engine.check()
    assert findings
    assert [finding for finding in findings if not finding.ok] == []


def test_opening_again_disturbs_nothing(workbench: Workbench) -> None:
    container_id = workbench.start("echo ready; sleep 0.2; echo done", network=Network.INTERNET)
    workbench.wait_for_output(container_id, b"ready")
    workbench.engine.open()
    result = workbench.finish(container_id)
    assert output_of(result.raw, "stdout") == b"ready\ndone\n"


def test_the_platform_answers_on_the_container_s_own_loopback(workbench: Workbench) -> None:
    spec = workbench.spec("echo ping | nc 127.0.0.1 8099")
    workbench.engine.create(spec)
    with workbench.engine.listen(spec.container_id, 8099) as listener:
        with pytest.raises(Conflict):
            workbench.engine.listen(spec.container_id, 8099)
        workbench.engine.start(spec.container_id)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b"ping\n"
            connection.sendall(b"pong\n")
        assert workbench.finish(spec.container_id).stdout == b"pong\n"


def test_nobody_else_is_reached_by_listening_inside(workbench: Workbench) -> None:
    spec = workbench.spec("true")
    workbench.engine.create(spec)
    with (
        workbench.engine.listen(spec.container_id, 8099) as listener,
        socket.socket() as elsewhere,
    ):
        # The same address and port of the host are free.
        elsewhere.bind(listener.getsockname())
    neighbour = workbench.run("nc -w 1 127.0.0.1 8099")
    assert neighbour.observation.exit_code != 0


def test_nothing_listens_in_a_container_that_is_not_there(workbench: Workbench) -> None:
    with pytest.raises(NotFound):
        workbench.engine.listen("t-nobody", 8099)
