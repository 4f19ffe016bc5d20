"""Debian packages of packages.txt become a layer; their scripts run in the build container only."""

from collections.abc import Callable
from typing import Any

import pytest

from au2.dependencies.build_container import BuildOptions
from au2.dependencies.layer_cache import InstalledDependencies
from au2.domain.errors import Au2Error
from au2.domain.jobs.container_contract import USER_ID
from au2.oci.tar.layer import MemberType
from tests.support.machine.engine import NativeHarness
from tests.support.packages.debian_archive import DebianArchiveServer
from tests.support.packages.debian_installation import DebianInstallation

MODULE = "/usr/lib/python3/dist-packages/fromdebian.py"
CURIOUS = """\
test "$(id -u)" = 0
mkdir -p /srv/kept && chmod 2750 /srv/kept && chgrp games /srv/kept
useradd --system --no-create-home steward
touch -d 1970-01-01 /srv/kept /etc/debian_version && echo changed >>/etc/debian_version
touch -d 1970-01-01 /etc/debian_version
rm -r /usr/share/keyrings
cp /bin/true /usr/bin/raised && chmod 4755 /usr/bin/raised
ln /usr/bin/raised /usr/bin/raised-too
ln -s /etc/shadow /srv/kept/link
mkfifo /srv/kept/pipe
echo x >/run/left && echo x >/tmp/left && echo x >/var/log/left.log && echo x >/opt/au2/left
echo x >/etc/machine-id
mkdir -p /package && echo x >/package/main.py
if mknod /srv/kept/disk b 8 0 2>/dev/null; then echo a device; fi
if mount -t tmpfs none /mnt 2>/dev/null; then echo mounted; exit 1; fi
if echo 1 2>/dev/null >/proc/sys/kernel/panic; then echo written; exit 1; fi
test "$(cat /sys/class/net/*/operstate | grep -c up)" = 0
if invoke-rc.d --quiet cron start; then :; fi
/usr/sbin/policy-rc.d || test $? = 101
"""
MEDDLING = """\
cat >/tmp/meddle.pl <<'END'
use IO::Socket::INET;
for my $path ('/plan', '/sources', '/names') {
    my $socket = IO::Socket::INET->new('127.0.0.1:8077') or die;
    my $text = "'http://169.254.169.254/debian/pool/x_1_all.deb' x_1_all.deb 1 SHA256:" . '0' x 64;
    print $socket "PUT $path HTTP/1.1\\r\\nContent-Length: ", length $text, "\\r\\n\\r\\n$text";
    print "$path: ", scalar <$socket>;
}
for my $address ('http://169.254.169.254/x', 'file:///etc/passwd', 'http://deb.debian.org/debian/secret')
{
    my $socket = IO::Socket::INET->new('127.0.0.1:8077') or die;
    print $socket "GET $address HTTP/1.1\\r\\n\\r\\n";
    print "$address: ", scalar <$socket>;
}
END
perl /tmp/meddle.pl
"""


def versions_of(built: InstalledDependencies) -> dict[str, str]:
    lock: Any = built.lock
    return {package["name"]: package["version"] for package in lock["debian"]["packages"]}


def test_what_packages_and_their_scripts_do_is_the_layer(debian: DebianInstallation) -> None:
    debian.archive.add("lower", "2:1.5-1", files={"/usr/bin/lower": "#!/bin/sh\necho lower\n"})
    debian.archive.add(
        "curious",
        files={MODULE: "value = 7\n"},
        postinst=CURIOUS,
        fields="Depends: lower\nRecommends: no-such-package\n",
    )
    debian.archive.publish()

    built = debian.install("curious\n")

    assert versions_of(built) == {"curious": "1.0", "lower": "2:1.5-1"}
    script = """
        lower && python3 -c 'import fromdebian; print(fromdebian.value)'
        stat -c '%a %G' /srv/kept && tail -n 1 /etc/debian_version
        stat -c '%a %h' /usr/bin/raised /usr/bin/raised-too && readlink /srv/kept/link
        ls /usr/share/keyrings /run/left /tmp/left /usr/sbin/policy-rc.d
        getent passwd steward | cut -d: -f1; cat /etc/machine-id; dpkg --audit
        dpkg -s curious | grep Status
    """
    ran = debian.run(built, script)
    shown = ran.stdout.decode()
    assert shown.startswith("lower\n7\n2750 games\nchanged\n4755 1\n4755 1\n/etc/shadow\n"), ran
    assert "steward\nStatus: install ok installed\n" in shown, ran
    for gone in (b"/usr/share/keyrings", b"/run/left", b"/tmp/left", b"/usr/sbin/policy-rc.d"):
        assert b"cannot access '%b'" % gone in ran.stderr, ran
    members = debian.layer(built)
    assert members["usr/share/keyrings"].type is MemberType.WHITEOUT
    left_out = ("package", "opt/au2", "run", "tmp", "var/log/left.log", "srv/kept/pipe")
    assert not [path for path in members if path.startswith(left_out)]
    assert not {"srv/kept/disk", "etc/machine-id", "usr/sbin/policy-rc.d"} & set(members)
    compiled = [path for path in members if "fromdebian" in path and path.endswith(".pyc")]
    assert len(compiled) == 1, "a module that is checked by time would be stale"


def test_the_same_list_gives_the_same_files(debian: DebianInstallation) -> None:
    first_file = debian.archive.add("tool", files={"/usr/bin/tool": "#!/bin/sh\necho 1\n"})
    debian.archive.publish()
    first = debian.install("tool\n")
    debian.archive.add("tool", "2.0", files={"/usr/bin/tool": "#!/bin/sh\necho 2\n"})
    debian.archive.publish()

    same = debian.install("# the same\ntool")
    assert same == first
    assert "Dependencies are the same as before: 1 package" in debian.lines

    layers = debian.folder / "layers"
    for file in layers.iterdir():
        file.unlink()
    again = debian.install("tool\n", previous=first)
    assert (again.base_digest, again.lock) == (first.base_digest, first.lock)

    assert debian.run(debian.install("tool=1.0\n"), "tool").stdout == b"1\n"
    pinned = debian.install("tool=2.0\n", previous=first)
    assert debian.run(pinned, "tool").stdout == b"2\n"
    for file in layers.iterdir():
        file.unlink()
    debian.archive.drop(first_file)
    debian.archive.publish()
    newer = debian.install("tool\n", previous=first)
    assert versions_of(newer) == {"tool": "2.0"}
    assert any("newer ones are taken" in line for line in debian.lines)
    error = debian.refused("tool=1.0\n")
    assert (
        "line 1 of packages.txt: the runtime's sources have no version 1.0 of tool" in error.message
    )
    assert error.hint is not None
    assert "There is 2.0;" in error.hint


def test_requests_that_can_not_be_met_are_told(debian: DebianInstallation) -> None:
    debian.archive.add("tool")
    debian.archive.add("hostile", fields="Conflicts: perl-base\n")
    debian.archive.publish()

    unknown = debian.refused("tool\ntoool\n")
    assert (
        unknown.message == "line 2 of packages.txt: the runtime's sources have no package 'toool'."
    )
    assert unknown.hint == "Near names: tool."
    for name in ("bash-", "tool+"):
        assert f"have no package '{name}'" in debian.refused(f"tool\n{name}\n").message
    debian.archive.add("left", fields="Conflicts: tool\n")
    debian.archive.add("newer", fields="Depends: perl-base (>= 99)\n")
    debian.archive.publish()
    apart = debian.refused("left\ntool\n")
    assert "can't be installed together: packages.txt: Depends: tool but" in apart.message
    unmet = debian.refused("newer\n")
    assert "installed together: newer: Depends: perl-base (>= 99) but" in unmet.message
    conflict = debian.refused("hostile\n")
    assert conflict.code == "dependencies-failed"
    assert "the Debian packages can't be installed" in conflict.message


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda archive: archive.publish(sign=False), "could not be installed"),
        (lambda archive: (archive.make_key(), archive.publish()), "could not be installed"),
        (
            lambda archive: archive.publish(more="Valid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n"),
            "could not be installed",
        ),
        (lambda archive: archive.web.add("pool/tool_1.0_all.deb", b"x"), "signed index"),
        (lambda archive: archive.web.files.pop("pool/tool_1.0_all.deb"), "any more"),
        (lambda archive: archive.web.files.clear(), "could not be installed"),
        (lambda archive: archive.web.close(), "does not answer"),
    ],
    ids=["unsigned", "other-key", "expired", "other-deb", "no-deb", "empty", "closed"],
)
def test_a_mirror_that_is_not_to_be_trusted_is_refused(
    debian: DebianInstallation, spoil: Callable[[DebianArchiveServer], object], words: str
) -> None:
    debian.archive.add("tool", postinst="echo it ran")
    debian.archive.publish()
    spoil(debian.archive)

    with pytest.raises(Au2Error) as caught:
        debian.install("tool\n")

    assert words in caught.value.message
    assert "it ran" not in debian.lines


def test_what_would_be_too_large_is_refused_before_it_is_fetched(
    debian: DebianInstallation,
) -> None:
    debian.archive.add("lower", "2:1.5-1", fields="Installed-Size: 1025\n")
    debian.archive.add("upper", fields="Depends: lower\nInstalled-Size: 1024\n")
    # The same version once more, as a second source could have it, counts once.
    debian.archive.entries["again"] = debian.archive.entries["pool/upper_1.0_all.deb"]
    debian.archive.publish()
    debian.options = BuildOptions(layer_max_bytes=2 << 20)

    error = debian.refused("upper\n")

    assert "2098176 bytes for the installed Debian packages" in error.message
    assert "over the limit of 2097152 bytes" in error.message
    assert not [path for path in debian.archive.web.asked if path.endswith(".deb")]
    debian.options = BuildOptions(layer_max_bytes=3 << 20)
    assert versions_of(debian.install("upper\n")) == {"lower": "2:1.5-1", "upper": "1.0"}
    assert any("2 MiB when installed" in line for line in debian.lines), debian.lines


def test_a_script_gets_nothing_by_the_gateway(debian: DebianInstallation) -> None:
    debian.archive.web.add("secret", b"secret")
    debian.archive.add("meddling", postinst=MEDDLING)
    debian.archive.publish()

    built = debian.install("meddling\n")

    assert versions_of(built) == {"meddling": "1.0"}
    answers = [line for line in debian.lines if "HTTP/1.1" in line]
    assert len(answers) == 6, debian.lines
    assert all(" 404 " in line for line in answers), answers


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"sed -i '/:{USER_ID}:/d' /etc/passwd", "remove the user 1000"),
        ("exit 3", "could not be installed"),
        ("head -c 3000000 /dev/zero >/srv/large", "not usable"),
        ("kill -9 -1", "could not be installed"),
    ],
)
def test_scripts_that_break_the_root_are_refused(
    debian: DebianInstallation, script: str, words: str
) -> None:
    debian.options = BuildOptions(layer_max_bytes=2 << 20)
    debian.archive.add("breaking", postinst=script)
    debian.archive.publish()

    assert words in debian.refused("breaking\n").message


def test_an_installation_is_stopped(debian: DebianInstallation) -> None:
    debian.archive.add("slow", postinst="echo it sleeps; sleep 1000 & sleep 1000")
    debian.archive.publish()

    class StoppedError(Exception):
        pass

    def check() -> None:
        if "it sleeps" in debian.lines:
            raise StoppedError

    with pytest.raises(StoppedError):
        debian.install("slow\n", check=check)


def test_a_runtime_without_apt_is_told(
    native_harness: NativeHarness, debian: DebianInstallation
) -> None:
    debian.runtime_digest = native_harness.image_digest

    error = debian.refused("tool\n")

    assert "the runtime's root has no apt" in error.message
