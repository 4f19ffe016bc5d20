"""Containers that take all they get of what the kernel counts: others, and the host, go on.

Each program takes one thing until it is refused, and keeps it. Then another container, and a
process of the host's root, must get some of the same.
"""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from au2.domain.jobs.container_contract import Network
from au2.engines.native.host.cgroup import find_hierarchies
from au2.engines.native.paths import EnginePaths
from tests.support.machine.engine import MEBIBYTE, NativeHarness

COMMON = """\
import ctypes, fcntl, os, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
kept = []
def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result
def take(number):
    \"\"\"Take one more.\"\"\"
{take}
def take_all(most=200_000):
    for number in range(most):
        try:
            take(number)
        except OSError:
            return number
    return most
"""
KEEP = "print('taken', take_all(), flush=True)\ntime.sleep(600)\n"
KEEP_AS_MANY_USERS = """\
total = 0
for user in range(2, 42):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setuid(user)
        os.write(write, str(take_all()).encode())
        time.sleep(600)
    total += int(os.read(read, 100))
print('taken', total, flush=True)
time.sleep(600)
"""
SOME = "for number in range(5): take(number)\nprint('ok')\n"

RESOURCES = {
    "inotify instances": "    check(libc.inotify_init())",
    # Real-time signals are queued, each one.
    "queued signals": "    signal.pthread_sigmask(signal.SIG_BLOCK, [40])\n"
    "    check(libc.sigqueue(os.getpid(), 40, None))",
    "message queues": "    attributes = (ctypes.c_long * 8)(0, 10, 8192)\n"
    "    rt = ctypes.CDLL('librt.so.1', use_errno=True)\n"
    "    name = f'/au2-{os.getpid()}-{number}'.encode()\n"
    "    check(rt.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, attributes))\n"
    "    sys.argv[1:] == ['host'] and check(rt.mq_unlink(name))",
    "locked memory": "    segment = check(libc.shmget(0, 65536, 0o1600))\n"
    "    locked = libc.shmctl(segment, 11, None)\n"
    "    sys.argv[1:] == ['host'] and libc.shmctl(segment, 0, None)\n"
    "    check(locked)",
    "terminals": "    kept.append(os.openpty())",
}
SHARED_BY_JOBS = {
    "data in pipes": "    kept.append(os.pipe())\n"
    "    sys.argv[1:] == ['host'] and fcntl.fcntl(kept[-1][0], 1031, 1 << 20)",
    "descriptors in flight": "    if number % 50 == 0:\n"
    "        kept.append(socket.socketpair())\n"
    "    socket.send_fds(kept[-1][0], [b'x'], [0])",
}
"""What the kernel counts by host user, who is the same in all containers."""


def program(resource: str, do: str) -> str:
    return COMMON.format(take=(RESOURCES | SHARED_BY_JOBS)[resource]) + do


def start(native_harness: NativeHarness, image: str, code: str, **more: object) -> str:
    command: Sequence[str] = ("python3", "-c", code)
    return native_harness.start("", image=image, command=command, memory=256 * MEBIBYTE, **more)


def on_the_host(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, "host"], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("keep", [KEEP, KEEP_AS_MANY_USERS], ids=["one user", "many users"])
@pytest.mark.parametrize("resource", RESOURCES)
def test_others_and_the_host_go_on(
    native_harness: NativeHarness, python_runtime: str, resource: str, keep: str
) -> None:
    hostile = start(native_harness, python_runtime, program(resource, keep))
    native_harness.wait_for_output(hostile, b"taken ")

    bystander = start(native_harness, python_runtime, program(resource, SOME))

    result = native_harness.finish(bystander)
    assert (result.stdout, result.stderr) == (b"ok\n", b"")
    assert on_the_host(program(resource, SOME)) == "ok\n"


@pytest.mark.parametrize("resource", SHARED_BY_JOBS)
def test_the_host_goes_on(
    native_harness: NativeHarness, python_runtime: str, resource: str
) -> None:
    more_files = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))\n"
    hostile = start(native_harness, python_runtime, more_files + program(resource, KEEP))
    native_harness.wait_for_output(hostile, b"taken ")
    assert on_the_host(program(resource, SOME)) == "ok\n"


def test_terminals_of_one_container(native_harness: NativeHarness, python_runtime: str) -> None:
    code = program("terminals", "print(take_all())")
    assert 0 < int(native_harness.finish(start(native_harness, python_runtime, code)).stdout) <= 128


def test_only_the_gateway_is_a_neighbour(
    native_harness: NativeHarness, python_runtime: str
) -> None:
    code = """\
import ipaddress, socket, time
route = next(line.split() for line in open('/proc/net/route') if line.split()[1] == '00000000')
gateway = ipaddress.ip_address(bytes.fromhex(route[2])[::-1])
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(2, 2000):
    try:
        udp.sendto(b'x', (str(gateway + number), 9))
    except OSError:
        pass
print(gateway, *(line.split()[0] for line in list(open('/proc/net/arp'))[1:]))
"""
    result = native_harness.finish(
        start(native_harness, python_runtime, code, network=Network.INTERNET)
    )
    gateway, *neighbours = result.stdout.split()
    assert set(neighbours) == {gateway}


def test_data_in_sockets_is_limited(native_harness: NativeHarness, python_runtime: str) -> None:
    code = """\
import socket, time
kept, full = [], 0
listener = socket.create_server(('127.0.0.1', 0))
while full < 200:
    client = socket.create_connection(listener.getsockname())
    client.setblocking(False)
    kept += [client, listener.accept()[0]]
    try:
        while True:
            client.send(b'x' * 65536)
    except BlockingIOError:
        full += 1
print('taken', flush=True)
time.sleep(600)
"""
    container_id = start(native_harness, python_runtime, code)
    native_harness.wait_for_output(container_id, b"taken")
    memory = find_hierarchies().controllers.get("memory")
    if memory is None:
        return  # Version 2 counts it as memory, whose limit has a test of its own.
    group = EnginePaths(native_harness.data_dir, native_harness.run_dir).control_group.lstrip("/")
    folder = memory / group / container_id
    used, limit = (
        int((folder / f"memory.kmem.tcp.{name}_in_bytes").read_text())
        for name in ("max_usage", "limit")
    )
    assert limit == 64 * MEBIBYTE
    # Data that is on its way already is taken.
    assert 0 < used < 2 * limit
