"""What a container with a network reaches: the internet, and nothing else."""

import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from au2.domain.jobs.container_contract import Network
from au2.engines.native.host.check import check_host
from au2.engines.native.options import NativeOptions
from au2.engines.native.paths import EnginePaths
from tests.support.images.busybox import BUSYBOX, SmallImage
from tests.support.machine.engine import NativeHarness, make_native_harness

PUBLIC = "25.98.7.2"
"""Of a network that is not announced anywhere, but might be."""
PRIVATE = (
    "10.98.7.2",
    "172.30.7.2",
    "192.168.97.2",
    "100.64.97.2",
    "169.254.169.254",
    "168.63.129.16",
    # Not private, but not the internet either.
    "192.0.2.77",
    "192.88.99.1",
    "198.18.7.2",
    "198.51.100.2",
    "203.0.113.2",
)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def backend() -> Iterator[None]:
    """The internet: public and private addresses that the host has routes to."""
    name = f"au2w{uuid.uuid4().hex[:8]}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "address", "add", "25.98.7.1/30", "dev", name)
        run("ip", "link", "set", name, "up")
        for address in (PUBLIC, *PRIVATE):
            run("ip", "-n", name, "address", "add", f"{address}/32", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "route", "add", "25.98.7.0/30", "dev", "eth0", "src", PUBLIC)
        run("ip", "-n", name, "route", "add", "default", "via", "25.98.7.1")
        for address in PRIVATE:
            run("ip", "route", "add", f"{address}/32", "via", PUBLIC)
        with served(name, 80), served(name, 53):
            for address, port in ((PUBLIC, 80), (PUBLIC, 53)):
                wait_until_served(address, port)
            yield
    finally:
        run("ip", "netns", "delete", name)


@contextmanager
def served(namespace: str, port: int) -> Iterator[None]:
    """Answer connections to a port with a word."""
    command = ["ip", "netns", "exec", namespace, str(BUSYBOX), "nc", "-ll", "-p", str(port)]
    process = subprocess.Popen([*command, "-e", str(BUSYBOX), "echo", "served"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def wait_until_served(address: str, port: int) -> None:
    while True:
        try:
            socket.create_connection((address, port)).close()
        except ConnectionRefusedError:
            continue
        return


def ask(address: str, port: int = 80) -> str:
    """A script that prints what is served there, trying while nothing listens yet."""
    return f"timeout 3 nc -w 2 {address} {port} < /dev/null || echo no way"


def test_the_internet_is_reached(native_harness: NativeHarness, backend: None) -> None:
    assert native_harness.run(ask(PUBLIC), network=Network.INTERNET).stdout == b"served\n"


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_are_not_reached(
    native_harness: NativeHarness, backend: None, address: str
) -> None:
    with socket.create_connection((address, 80)) as control:
        assert control.recv(100) == b"served\n"
    assert native_harness.run(ask(address), network=Network.INTERNET).stdout == b"no way\n"


def test_without_a_network_nothing_is_reached(native_harness: NativeHarness, backend: None) -> None:
    assert native_harness.run(ask(PUBLIC), network=Network.NONE).stdout == b"no way\n"


def test_the_host_is_not_reached(native_harness: NativeHarness) -> None:
    subnet = (native_harness.run_dir / "network" / "subnet").read_text()
    gateway = subnet.rpartition(".")[0] + ".1"
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        answering = threading.Thread(target=answer, args=(server,), daemon=True)
        answering.start()
        with socket.create_connection((gateway, port)) as control:
            assert control.recv(100) == b"host\n"
        addresses = {gateway, *host_addresses()}
        # All at once: what is dropped is waited for until the end.
        probes = [ask(address, port) for address in addresses]
        probes += [f"timeout 2 ping -c 1 {address} | grep ttl=" for address in addresses]
        script = " ".join(f"({probe}) &" for probe in probes)
        result = native_harness.run(f"{script} wait", network=Network.INTERNET, processes=1000)
        assert result.stdout == b"no way\n" * len(addresses)


def answer(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(b"host\n")


def host_addresses() -> list[str]:
    found = subprocess.run(
        ["ip", "-4", "-o", "address", "show", "scope", "global"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [line.split()[3].partition("/")[0] for line in found.splitlines()]


def test_other_jobs_are_not_reached(native_harness: NativeHarness) -> None:
    script = (
        "nc -ll -p 8000 -e echo job & ip -4 -o address show dev eth0; "
        "address=$(ip -4 -o address show dev eth0 | sed 's/.*inet //; s,/.*,,'); "
        "until nc $address 8000; do :; done; wait"
    )
    container_id = native_harness.start(script, network=Network.INTERNET)
    native_harness.wait_for_output(container_id, b"job")
    printed = native_harness.engine.read_log(container_id, offset=0, limit_bytes=1000).decode()
    address = printed.partition("inet ")[2].partition("/")[0]
    assert native_harness.run(ask(address, 8000), network=Network.INTERNET).stdout == b"no way\n"


def test_containers_have_no_ipv6_but_their_loopback(native_harness: NativeHarness) -> None:
    result = native_harness.run("cat /proc/net/if_inet6", network=Network.INTERNET)
    assert [line.split()[-1] for line in result.stdout.splitlines()] == [b"lo"]


@pytest.mark.parametrize("network", list(Network))
def test_every_address_of_localhost_can_be_bound_and_reached(
    native_harness: NativeHarness, network: Network
) -> None:
    script = (
        "echo served > /tmp/index.html; grep -w localhost /etc/hosts | cut -f1 > /tmp/addresses; "
        "while read -r a; do case $a in *:*) a=[$a];; esac; "
        "httpd -h /tmp -p $a:8080; wget -q -O - http://$a:8080/; done < /tmp/addresses; "
        "cat /tmp/addresses; wget -q -O - http://localhost:8080/"
    )
    result = native_harness.run(script, network=network)
    assert result.stdout == b"served\nserved\n127.0.0.1\n::1\nserved\n", result


def test_names_are_asked_of_the_hosts_servers(native_harness: NativeHarness) -> None:
    result = native_harness.run("cat /etc/resolv.conf; cat /etc/hosts", network=Network.INTERNET)
    assert result.stdout.startswith(b"nameserver ") or not result.stdout.startswith(b"name")
    assert b"\tau2\n" in result.stdout


def test_one_container_does_not_fill_the_table_of_connections(
    native_harness: NativeHarness, python_runtime: str, backend: None
) -> None:
    # Each destination port of UDP is a connection of its own for the kernel.
    code = (
        "import socket, time\n"
        "udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"for port in range(1000, 21000): udp.sendto(b'x', ('{PUBLIC}', port))\n"
        "tcp = socket.socket()\n"
        "try:\n"
        f"    tcp.connect(('{PUBLIC}', 80))\n"
        "except OSError as error:\n"
        "    print('refused', flush=True)\n"
        "time.sleep(60)"
    )
    before = count_connections()
    hostile = native_harness.start(
        "", image=python_runtime, command=("python3", "-c", code), network=Network.INTERNET
    )
    native_harness.wait_for_output(hostile, b"refused")
    # Others on this machine have connections, too.
    assert count_connections() - before < 10_000
    assert native_harness.run(ask(PUBLIC), network=Network.INTERNET).stdout == b"served\n"
    with socket.create_connection((PUBLIC, 80)) as host:
        assert host.recv(100) == b"served\n"


def count_connections() -> int:
    return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())


@contextmanager
def opened(folder: Path, image: SmallImage, options: NativeOptions) -> Iterator[NativeHarness]:
    native_harness = make_native_harness(folder, image, options)
    try:
        native_harness.engine.open()
        yield native_harness
    finally:
        native_harness.engine.uninstall()
        shutil.rmtree(folder)


def test_what_the_operator_allows_is_reached(
    tmp_path: Path, busybox_image: SmallImage, backend: None
) -> None:
    options = NativeOptions(
        allowed_networks=("192.168.97.0/24",),
        dns_servers=("10.98.7.2",),
        dns_search=("a.example", "b.example"),
        dns_options=("ndots:2",),
    )
    with opened(tmp_path / "data", busybox_image, options) as native_harness:
        scripts = "; ".join(
            (
                ask("192.168.97.2"),
                ask("172.30.7.2"),
                # Of a name server nothing but that.
                ask("10.98.7.2", 53),
                ask("10.98.7.2", 80),
                "cat /etc/resolv.conf",
            )
        )
        result = native_harness.run(scripts, network=Network.INTERNET)
        expected = (
            b"served\nno way\nserved\nno way\n"
            b"nameserver 10.98.7.2\nsearch a.example b.example\noptions ndots:2\n"
        )
        assert result.stdout == expected


def test_reloaded_rules_are_put_back(
    tmp_path: Path, busybox_image: SmallImage, backend: None
) -> None:
    options = NativeOptions(subnet="10.87.64.0/24")
    with opened(tmp_path / "data", busybox_image, options) as native_harness:
        assert native_harness.run(ask(PRIVATE[0]), network=Network.INTERNET).stdout == b"no way\n"
        instance = EnginePaths(native_harness.data_dir, native_harness.run_dir).instance
        run("nft", "delete", "table", "inet", f"au2_{instance}")
        result = native_harness.run(f"ip route; {ask(PRIVATE[0])}", network=Network.INTERNET)
        assert result.stdout.startswith(b"default via 10.87.64.1 dev eth0")
        assert result.stdout.endswith(b"no way\n")


def test_uninstalling_leaves_nothing(tmp_path: Path, busybox_image: SmallImage) -> None:
    with opened(tmp_path / "data", busybox_image, NativeOptions()) as native_harness:
        instance = EnginePaths(native_harness.data_dir, native_harness.run_dir).instance
        native_harness.start("sleep 99", network=Network.INTERNET)
        assert len(traces(instance)) >= 3
    assert traces(instance) == []
    assert not native_harness.run_dir.exists()


def traces(instance: str) -> list[str]:
    """Bridge, packet filter and control groups of an installation."""
    commands = (["nft", "list", "tables"], ["iptables", "-S"], ["ip", "-o", "link"])
    lines = [
        line
        for command in commands
        if shutil.which(command[0])
        for line in subprocess.run(
            command, capture_output=True, text=True, check=False
        ).stdout.splitlines()
    ]
    lines += [str(path) for path in Path("/sys/fs/cgroup").glob("**/au2-*")]
    return [line for line in lines if f"au2{instance[:10]}" in line or instance in line]


@pytest.mark.parametrize("connections", [0, 4096])
def test_the_kernel_takes_the_rules(native_harness: NativeHarness, connections: int) -> None:
    places = EnginePaths(native_harness.data_dir, native_harness.run_dir)
    found = {c.name: c for c in check_host(places, NativeOptions(connections=connections))}
    assert found["packet filter"].ok, found["packet filter"]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert "au2_check" not in tables.stdout
