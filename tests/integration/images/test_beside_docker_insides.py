"""What a program of an image sees and may do, beside Docker."""

import struct

import pytest

from au2.domain.errors import InvalidImage
from tests.support.images.beside_docker import BesideDocker
from tests.support.images.busybox import BUSYBOX
from tests.support.images.image_making import Layer, odd_image, shell

PROGRAM = BUSYBOX.read_bytes()
KILL, NET_BIND, NET_RAW, SYS_ADMIN = 1 << 5, 1 << 10, 1 << 13, 1 << 21


def with_capability(capabilities: int) -> dict[str, str]:
    """Return the PAX header of a file that has these, effective from the start."""
    value = struct.pack("<IIIII", 0x02000001, capabilities, 0, 0, 0)
    return {"SCHILY.xattr.security.capability": value.decode("ascii")}


def test_set_user_id_and_capabilities_of_files(beside: BesideDocker, busybox_layer: bytes) -> None:
    layer = Layer().add("su/busybox", mode=0o4755, content=PROGRAM)
    layer.add("sg/busybox", mode=0o2755, gid=44, content=PROGRAM)
    for name, value in (("able", KILL | NET_BIND), ("raw", NET_RAW | NET_BIND)):
        headers = with_capability(value)
        layer.add(f"{name}/busybox", mode=0o755, content=PROGRAM, pax_headers=headers)
    script = (
        "for d in su sg able; do /$d/busybox stat -c '%A %u %g %s' /$d/busybox; "
        "/$d/busybox grep -E '^(Uid|Gid|Cap)' /proc/self/status; done; "
        "/su/busybox id; /su/busybox su -c id; /raw/busybox echo ok"
    )
    ran = beside.same(odd_image(busybox_layer, layer, Cmd=shell(script), User="1000"))
    assert "CapEff:\t0000000000000420" in ran.lines


@pytest.mark.parametrize("user", ["", "1000"])
def test_what_is_forbidden(beside: BesideDocker, busybox_layer: bytes, user: str) -> None:
    script = (
        'try() { "$@" > /dev/null 2>&1; echo $? $1; }; '
        "try unshare -m true; try unshare -U true; try mount -t tmpfs none /mnt; "
        "try umount /proc/bus; try hostname other; try chroot / true; try chown 5 /etc; "
        "try chmod u+s /tmp; try nice -n -5 true; try date -s 2001-01-01; try swapoff -a; "
        "try mkfifo /tmp/pipe; try kill -0 1; try dmesg; "
        "try sh -c 'echo 1 > /proc/sys/kernel/panic'; try sh -c 'echo b > /proc/sysrq-trigger'"
    )
    beside.same(odd_image(busybox_layer, Cmd=shell(script), User=user))


def test_what_is_masked(beside: BesideDocker, busybox_layer: bytes) -> None:
    script = (
        "for f in /proc/kcore /proc/keys /proc/acpi /proc/scsi /proc/timer_list /sys/firmware; do "
        "ls -A $f 2>/dev/null | grep -v $f | wc -l; cat $f 2>/dev/null | wc -c; done; "
        "for f in /proc/sys /proc/bus /proc/irq /sys /sys/fs/cgroup; do touch $f/x 2>&1; done; "
        "df -k /dev | tail -n 1 | cut -c20-40; ls /dev; stat -c '%a %F' /dev/*; "
        "stat -c %a /dev/shm; touch /dev/shm/x; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
    )
    beside.same(odd_image(busybox_layer, Cmd=shell(script)))


NETWORK_FILES = (
    "for f in hostname hosts resolv.conf mtab; do stat -c '%A %u %N' /etc/$f; done; "
    "cat /etc/hostname; head -n 1 /etc/hosts; ls / | grep -v -x run; "
    "ls -A /run 2> /dev/null | grep -v -x au2; "
    "echo 127.0.0.1 more >> /etc/hosts && tail -n 1 /etc/hosts; ls /proc/1 > /dev/null && echo ok"
)


@pytest.mark.parametrize(
    "layer",
    [
        Layer().add("etc/resolv.conf", content=b"old"),
        Layer().link("etc/resolv.conf", "/run/systemd/resolve/stub.conf"),
        Layer().link("etc/resolv.conf", "../run/none"),
        Layer().link("etc/resolv.conf", "../../../../run/none"),
        Layer().link("etc/resolv.conf", "resolv.conf"),
        Layer().add("real").link("etc/hosts", "/real").link("etc/hostname", "/real"),
        Layer().add("etc/mtab", content=b"old"),
        Layer().folder("dev").add("dev/null", content=b"x").add("proc/x").add("sys/x"),
        Layer().link("proc", "/tmp"),
        Layer().add("proc"),
        Layer().link("dev", "/tmp"),
        Layer().add("dev"),
        Layer().add("sys"),
    ],
    ids=range(13),
)
def test_what_is_in_the_way_of_mounts(
    beside: BesideDocker, busybox_layer: bytes, layer: Layer
) -> None:
    image = odd_image(layer, without_folders(), Cmd=["/busybox", "sh", "-c", NETWORK_FILES])
    theirs, ours = beside.run_docker(image), beside.run_ours(image)
    assert [line for line in theirs.lines if line != ".dockerenv"] == ours.lines
    assert (ours.exit_code, ours.stderr) == (theirs.exit_code, theirs.stderr)
    assert ours.lines[-1] == "ok"


def without_folders() -> Layer:
    """A layer of nothing but a program that can do everything."""
    return Layer().add("busybox", mode=0o755, content=PROGRAM)


@pytest.mark.parametrize("name", ["hosts", "resolv.conf", "hostname"])
def test_a_folder_in_the_way(beside: BesideDocker, busybox_layer: bytes, name: str) -> None:
    image = odd_image(busybox_layer, Layer().add(f"etc/{name}/file"), Cmd=shell("true"))
    assert beside.run_docker(image).exit_code != 0
    with pytest.raises(InvalidImage, match=f"something at /etc/{name}"), beside.created(image):
        pass


# -- by design ------------------------------------------------------------------------------------


def test_no_raw_sockets_and_no_device_nodes(beside: BesideDocker, busybox_layer: bytes) -> None:
    script = "ping -c1 -w1 127.0.0.1 > /dev/null 2>&1; echo $?; mknod /n c 1 3 2>&1; echo $?"
    image = odd_image(busybox_layer, Cmd=shell(script))
    assert beside.run_docker(image).lines == ["0", "0"]
    assert beside.run_ours(image).lines == ["1", "mknod: /n: Operation not permitted", "1"]


def test_a_file_that_wants_more_than_there_is(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Docker can't run it at all; ours runs it with what there is."""
    headers = with_capability(SYS_ADMIN | NET_BIND)
    layer = Layer().add("able/busybox", mode=0o755, content=PROGRAM, pax_headers=headers)
    image = odd_image(busybox_layer, layer, Cmd=shell("/able/busybox echo ok"), User="1000")
    assert beside.run_docker(image).exit_code == 126
    assert beside.run_ours(image).lines == ["ok"]


def test_a_linked_etc_stays(beside: BesideDocker) -> None:
    """Docker puts an empty folder in its place, and the image's users are gone."""
    layer = without_folders().link("etc", "usr/etc")
    layer.add("usr/etc/passwd", content=b"app:x:5:6::/app:/bin/sh\n")
    image = odd_image(layer, Cmd=["/busybox", "id"], User="app")
    assert beside.run_docker(image).exit_code == 125
    assert beside.run_ours(image).lines == ["uid=5(app) gid=6 groups=6"]


def test_namespaces_and_limits(beside: BesideDocker, busybox_layer: bytes) -> None:
    script = (
        "cat /proc/self/uid_map | tr -s ' '; ulimit -n; ulimit -c; cat /proc/self/oom_score_adj"
    )
    image = odd_image(busybox_layer, Cmd=shell(script))
    assert beside.run_docker(image).lines[0] == " 0 0 4294967295"
    assert beside.run_ours(image).lines == [" 0 1048576 2147483648", "1024", "0", "500"]


def test_the_job_files_are_there(beside: BesideDocker) -> None:
    image = odd_image(without_folders(), Cmd=["/busybox", "ls", "-ld", "/run/au2/scratch"])
    assert beside.run_docker(image).exit_code == 1
    assert beside.run_ours(image).lines[0].startswith("drwxrwxrwx")


def test_a_file_where_the_job_files_go(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Docker has nothing there; ours can't do without, and takes nothing out of an image."""
    layer = Layer().add("var/run", content=b"x")
    image = odd_image(layer, without_folders().link("run", "var/run"), Cmd=["/busybox", "id"])
    assert beside.run_docker(image).exit_code == 0
    with pytest.raises(InvalidImage, match="something at /run/au2"), beside.created(image):
        pass
