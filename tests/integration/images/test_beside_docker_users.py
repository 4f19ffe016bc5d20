"""Who an image's program runs as, beside Docker."""

import pytest

from au2.domain.errors import InvalidImage
from tests.support.images.beside_docker import BesideDocker
from tests.support.images.busybox import BUSYBOX
from tests.support.images.image_making import Layer, odd_image, shell

PASSWD = b"""root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/srv/app:/bin/sh
# a comment
twin:x:1000:1002::/twin:/bin/sh
5:x:77:78::/five:/bin/sh
homeless:x:60:60:::/bin/sh
short:x:9

  padded:x:10:11::/padded:/bin/sh
"""
GROUP = b"root:x:0:root\nstaff:x:50:app\nwheel:x:10:app,other\napp:x:1001:\nextra:x:99:root\n"
SEEN = (
    "id; pwd; umask; env | sort; "
    "grep -E '^(Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap|SigBlk|SigIgn|SigCgt)' /proc/self/status"
)
PROGRAM = BUSYBOX.read_bytes()


@pytest.mark.parametrize(
    "user",
    [
        "",
        "app",
        "1000",
        "app:",
        "app:staff",
        "app:7",
        ":staff",
        "root:app",
        "0:0",
        "5",
        "77:88",
        "70000",
        "2000000000:2000000001",
        "homeless",
        "short",
        "padded",
    ],
)
def test_users(beside: BesideDocker, busybox_layer: bytes, user: str) -> None:
    accounts = Layer().add("etc/passwd", content=PASSWD).add("etc/group", content=GROUP)
    ran = beside.same(odd_image(busybox_layer, accounts, Cmd=shell(SEEN), User=user))
    assert ran.exit_code == 0


@pytest.mark.parametrize("user", ["", "1234", "1234:5"])
@pytest.mark.parametrize(
    "accounts",
    [
        Layer().folder("etc"),
        Layer().link("etc/passwd", "nowhere").link("etc/group", "/no/where"),
        Layer().add("real", content=b"q:x:1234:45::/q:\n").link("etc/passwd", "/real"),
    ],
    ids=["missing", "dangling", "linked"],
)
def test_odd_accounts(beside: BesideDocker, accounts: Layer, user: str) -> None:
    program = Layer().add("bin/busybox", mode=0o755, content=PROGRAM)
    command = ["/bin/busybox", "sh", "-c", "/bin/busybox id; /bin/busybox env"]
    beside.same(odd_image(program, accounts, Cmd=command, User=user))


@pytest.mark.parametrize(
    ("user", "message"),
    [("ghost", "no user named 'ghost'"), ("root:ghost", "no group named 'ghost'")],
)
def test_nobody_of_that_name(
    beside: BesideDocker, busybox_layer: bytes, user: str, message: str
) -> None:
    image = odd_image(busybox_layer, Cmd=shell("id"), User=user)
    assert beside.run_docker(image).exit_code == 125
    with pytest.raises(InvalidImage, match=message) as caught, beside.created(image):
        pass
    assert caught.value.hint is not None


def test_accounts_that_are_a_folder(beside: BesideDocker) -> None:
    layer = Layer().folder("etc/passwd").add("busybox", mode=0o755, content=PROGRAM)
    image = odd_image(layer, Entrypoint=["/busybox", "id"], User="1000")
    assert beside.run_docker(image).exit_code == 125
    with pytest.raises(InvalidImage, match="user can't be looked up"), beside.created(image):
        pass


@pytest.mark.parametrize("user", ["", "1000"])
def test_output_may_be_opened_again(beside: BesideDocker, busybox_layer: bytes, user: str) -> None:
    script = "echo one > /dev/stdout; echo two > /dev/stderr; echo three > /proc/self/fd/1"
    ran = beside.same(odd_image(busybox_layer, Cmd=shell(script), User=user))
    assert (ran.stdout, ran.stderr) == (b"one\nthree\n", b"two\n")
