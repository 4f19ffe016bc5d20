"""How an image's program is started and how it ends, beside Docker."""

import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci.spec.config import parse_config
from tests.support.images.beside_docker import BesideDocker
from tests.support.images.busybox import BUSYBOX
from tests.support.images.image_making import Layer, OddImage, odd_image, shell

PROGRAM = BUSYBOX.read_bytes()
ONE_FILE = Layer().add("busybox", mode=0o755, content=PROGRAM).data()
WAITING = (
    'for s in TERM USR1 37; do trap "echo $s; exit 9" $s; done; echo ready; '
    "while :; do sleep 0.05; done"
)
SCRIPT = b'#!/bin/sh\necho "ran $0:"; printf "<%s>" "$@"; pwd\n'


@pytest.mark.parametrize(
    "command",
    [("ls", "-lan", "/"), ("ls", "-lan", "/etc", "/proc/self/fd"), ("env",), ("pwd",), ("id",)],
    ids=" ".join,
)
def test_an_image_of_one_file(beside: BesideDocker, command: tuple[str, ...]) -> None:
    """No shell, no /tmp, no /etc; and what is made for it looks the same."""
    theirs = beside.run_docker(odd_image(ONE_FILE, Entrypoint=["/busybox"], Cmd=command))
    ours = beside.run_ours(odd_image(ONE_FILE, Entrypoint=["/busybox"], Cmd=command))
    assert (ours.exit_code, ours.stderr) == (theirs.exit_code, theirs.stderr)
    assert set(map(name_of, ours.lines)) - {"run"} == set(map(name_of, theirs.lines)) - {
        ".dockerenv"
    }


def name_of(line: str) -> str:
    """Return what of a line of ``ls -l`` must agree; others are returned whole."""
    if line.startswith("total "):
        return "total"
    fields = line.split()
    return fields[8] if line[:1] in "dl-cp" and len(fields) >= 9 else line


def test_an_empty_layer_on_top(beside: BesideDocker) -> None:
    image = odd_image(ONE_FILE, Layer(), Entrypoint=["/busybox"], Cmd=["echo", "ok"])
    assert beside.same(image).stdout == b"ok\n"


@pytest.mark.parametrize("layers", [(), (Layer(),)], ids=["no layer", "an empty layer"])
def test_images_of_nothing(beside: BesideDocker, layers: tuple[Layer, ...]) -> None:
    image = odd_image(*layers, Cmd=["/program"])
    assert beside.try_docker(image).exit_code != 0
    with pytest.raises(InvalidImage, match="'/program' can't be run"), beside.created(image):
        pass


@pytest.mark.parametrize(
    "variables",
    [
        None,
        ["A=", "B=b=c", "HOME=", "PATH=/bin:/x", "LANG=ü x", "C= y ", "A=2", "A.b-c=d"],
        ["HOME=/h", "HOSTNAME=other", "TERM=vt", "PATH=/bin"],
        ["X=1"],
        ["PATH="],
        ["NOTHING", "X=1", ""],
    ],
)
def test_environment(
    beside: BesideDocker, busybox_layer: bytes, variables: list[str] | None
) -> None:
    command = ["/bin/busybox", "env"]
    image = odd_image(busybox_layer, Entrypoint=command, Env=variables)
    theirs, ours = beside.run_docker(image), beside.run_ours(image)
    assert sorted(ours.lines) == sorted(theirs.lines)
    assert (ours.exit_code, ours.stderr) == (theirs.exit_code, theirs.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("folder", "user"),
    [
        ("/made/up/deep", "1000"),
        ("/a/../b/./c//", ""),
        ("/link", ""),
        ("/link/new", ""),
        ("/closed", "1000"),
        ("/closed", ""),
        ("/volume/new", "1000"),
    ],
)
def test_working_folders(
    beside: BesideDocker, busybox_layer: bytes, folder: str, user: str
) -> None:
    layer = Layer().folder("real").link("link", "/real").folder("closed", mode=0o700)
    layer.add("closed/file")
    script = "pwd; ls -an . | wc -l; stat -c '%A %u %g' . /made /b; ls; touch x"
    run = {"Volumes": {"/volume": {}}, "WorkingDir": folder, "User": user}
    beside.same(odd_image(busybox_layer, layer, Cmd=shell(script), **run))


WORDS = st.sampled_from(["", "x", "a b", None])
COMMANDS = st.one_of(
    st.none(), st.sampled_from(["", "x"]), st.lists(WORDS, max_size=3), st.just([""])
)
RUNS = st.fixed_dictionaries(
    {}, optional={"Entrypoint": COMMANDS, "Cmd": COMMANDS, "cmd": COMMANDS}
).filter(lambda run: not {"Cmd", "cmd"} <= set(run))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(run={"Entrypoint": [""], "Cmd": ["x"]})
@example(run={"Entrypoint": [""]})
@example(run={"Entrypoint": "", "Cmd": "x"})
@given(run=RUNS)
def test_what_is_started(beside: BesideDocker, run: dict[str, object]) -> None:
    """Whatever the configuration says, in each form that Docker reads."""
    image = odd_image(ONE_FILE, **run)
    config = parse_config(image.config)
    assert [*config.entrypoint, *config.cmd] == (beside.docker_command(image) or [])


@pytest.mark.parametrize(
    "run",
    [
        {"Entrypoint": [""], "Cmd": ["echo", "cleared"]},
        {"Entrypoint": "", "Cmd": "id"},
        {"Entrypoint": [None], "Cmd": ["echo", None, "x"]},
        {"entrypoint": ["echo"], "CMD": ["a"], "workingdir": "/w"},
        {"Entrypoint": None, "Cmd": ["pwd"], "WorkingDir": None, "User": None, "Volumes": None},
        {"Cmd": ["pwd"], "WorkingDir": "", "User": "", "Volumes": {}, "StopSignal": ""},
    ],
    ids=str,
)
def test_values_that_are_empty(
    beside: BesideDocker, busybox_layer: bytes, run: dict[str, object]
) -> None:
    assert beside.same(odd_image(busybox_layer, **run)).exit_code == 0


@pytest.mark.parametrize(
    "run",
    [
        {"Entrypoint": ["./run"], "Cmd": ["a b", "", "c"], "WorkingDir": "/w"},
        {"Entrypoint": ["run"], "Env": ["PATH=/none:/w:/bin"]},
        {"Entrypoint": ["run"], "Env": ["PATH=/closed:/w:/bin"]},
        {"Cmd": ["w/run"]},
        {"Entrypoint": ["/bin/echo", "a"], "Cmd": ["b"]},
        {"Cmd": shell("exit 7")},
        {"Cmd": shell("kill -9 $$; echo survived")},
        {"Cmd": shell("trap 'echo told; exit 3' TERM; kill -TERM $$; echo on")},
        {"Cmd": shell("sh -c 'kill -SEGV $$'; exit $?")},
        {"Cmd": shell("cat; echo $?; readlink /proc/self/fd/0")},
        {"Cmd": shell("(sleep 0.1 &); sleep 0.4; echo $$; ps -o ppid,stat,comm | grep Z")},
        {"Cmd": shell("ls -ln /proc/self/fd | cut -d' ' -f 1-3; test -t 1; echo $?")},
        {"Cmd": shell("umask; touch /f; mkdir /d; stat -c '%A %u' /f /d; stat -c %a /tmp")},
    ],
    ids=str,
)
def test_commands(beside: BesideDocker, busybox_layer: bytes, run: dict[str, object]) -> None:
    layer = Layer().add("w/run", mode=0o755, content=SCRIPT).add("closed/run")
    beside.same(odd_image(busybox_layer, layer, **run))


@pytest.mark.parametrize(
    ("run", "exit_code", "message"),
    [
        ({"Cmd": ["none"]}, 127, "'none' can't be run: executable file not found"),
        ({"Cmd": ["/none"]}, 127, "'/none' can't be run: .*no such file"),
        ({"Cmd": ["/etc"]}, 126, "'/etc' can't be run: permission denied"),
        ({"Cmd": ["/no-run-bit"]}, 126, "permission denied"),
        ({"Cmd": [""]}, 127, "'' can't be run"),
        ({}, 125, "neither an entry point nor a command"),
        ({"Cmd": ["run"], "Env": ["PATH=w"]}, 125, "relative to current directory"),
        ({"Cmd": ["pwd"], "WorkingDir": "/etc/passwd"}, 125, "working folder can't be entered"),
        # Docker starts these, and its client has the code of a container that never began.
        ({"Cmd": ["/no-interpreter"]}, 1, "'/no-interpreter' can't be executed: no such file"),
        ({"Cmd": ["/no-program"]}, 1, "'/no-program' can't be executed: exec format error"),
        ({"Cmd": ["/no-first-line"]}, 1, "'/no-first-line' can't be executed: exec format error"),
    ],
    ids=str,
)
def test_what_can_not_be_started(
    beside: BesideDocker,
    busybox_layer: bytes,
    run: dict[str, object],
    exit_code: int,
    message: str,
) -> None:
    """Docker's client has codes of its own for it; here it is told as the image's fault."""
    layer = Layer().add("w/run", mode=0o755, content=SCRIPT).add("no-run-bit", content=SCRIPT)
    layer.add("no-interpreter", mode=0o755, content=b"#!/none\n")
    layer.add("no-program", mode=0o755, content=b"\x7fELF but not one")
    layer.add("no-first-line", mode=0o755, content=b"echo hi\n")
    image = odd_image(busybox_layer, layer, **run)
    assert beside.run_docker(image).exit_code == exit_code
    with pytest.raises(InvalidImage, match=message) as caught, beside.created(image):
        pass
    assert caught.value.hint is not None


def test_volumes(beside: BesideDocker, busybox_layer: bytes) -> None:
    layer = Layer().folder("v", uid=1000, gid=1001, mode=0o2750).add("v/a", uid=5, content=b"hi\n")
    layer.add("v/su", mode=0o4755).link("v/l", "a").folder("real", mode=0o711).link("link", "/real")
    layer.add("real/r", uid=70_000)
    script = (
        "for v in /v /new /new2/deep /link/; do stat -c '%A %u %g %n' $v $v/*; done; "
        "touch /v/x; echo $?; touch /new/x; echo $?; cat /v/l"
    )
    volumes = {path: {} for path in ("/v", "/new", "/new2/deep/", "/link")}
    image = odd_image(busybox_layer, layer, Cmd=shell(script), Volumes=volumes, User="1000")
    assert beside.same(image).exit_code == 0


@pytest.mark.parametrize("signal", ["", "SIGUSR1", "usr1", "10", "SIGRTMIN+3"])
def test_stop_signals(beside: BesideDocker, busybox_layer: bytes, signal: str) -> None:
    image = odd_image(busybox_layer, Cmd=shell(WAITING), StopSignal=signal)
    theirs = stopped_by_docker(beside, image)
    assert stopped_by_us(beside, image) == theirs
    assert theirs[0] == 9


def stopped_by_us(beside: BesideDocker, image: OddImage) -> tuple[int | None, bytes]:
    """Return the exit code and the output of a container that our engine stopped."""
    engine = beside.native_harness.engine
    with beside.created(image) as container_id:
        engine.start(container_id)
        beside.native_harness.wait_for_output(container_id, b"ready")
        engine.signal(container_id, engine.stop_signal(image.save(beside.native_harness.blobs)))
        ended = beside.native_harness.finish(container_id)
    return ended.observation.exit_code, ended.stdout


def stopped_by_docker(beside: BesideDocker, image: OddImage) -> tuple[int, bytes]:
    """Return the exit code and the output of a container that Docker stopped."""
    docker = beside.docker
    docker.ok("load", stdin=image.docker_archive())
    container = docker.ok("run", "-d", "--network", "none", image.id).text.strip()
    while b"ready" not in docker.ok("logs", container).stdout:
        time.sleep(0.05)
    docker.ok("stop", "--time", "20", container)
    code = int(docker.ok("wait", container).text)
    output = docker.ok("logs", container).stdout
    docker.ok("rm", container)
    return code, output


# -- by design ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"WorkingDir": "rel/x", "Cmd": ["pwd"]}, b"/rel/x\n"),
        ({"Volumes": {"/etc/passwd": {}}, "Cmd": ["echo", "ok"]}, b"ok\n"),
    ],
    ids=str,
)
def test_what_docker_refuses(
    beside: BesideDocker, busybox_layer: bytes, run: dict[str, object], expected: bytes
) -> None:
    """It does no harm: a relative working folder is below the root, a file stays one."""
    image = odd_image(busybox_layer, **run)
    assert beside.run_docker(image).exit_code == 125
    assert beside.run_ours(image).stdout == expected


def test_a_stop_signal_that_there_is_not(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Docker kills at once; ours asks first, as of an image that names none."""
    image = odd_image(busybox_layer, Cmd=shell(WAITING), StopSignal="SIGNOTHING")
    assert stopped_by_docker(beside, image) == (137, b"ready\n")
    assert stopped_by_us(beside, image) == (9, b"ready\nTERM\n")
