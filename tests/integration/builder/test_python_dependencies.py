"""Python packages are installed once, exactly, and where the code finds them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from au2.dependencies.build_container import BuildOptions
from au2.dependencies.cache.layer_cache import BuiltDependencies
from au2.dependencies.sources import Sources
from au2.domain.context import Context
from au2.domain.errors import DependenciesFailed, IndexUnreachable
from au2.oci.tar.layer import LayerMember, read_layer
from au2.oci.tar.writer import MODIFIED_AT
from tests.support.kitchen import OWNER, Kitchen
from tests.support.package_index import SimpleIndex
from tests.support.python_packages import make_source, make_wheel

OTHER = Context("0e5bfb9c-6a11-4c53-8a4b-6e1d3c2b1a00")


def members_of(kitchen: Kitchen, built: BuiltDependencies) -> dict[str, LayerMember]:
    with kitchen.native_harness.blobs.open(built.layer.descriptor.digest) as stream:
        return {member.path: member for member in read_layer(stream)}


def packages_of(built: BuiltDependencies) -> dict[str, str]:
    return {package["name"]: package["version"] for package in built.lock["packages"]}


def test_what_is_asked_for_and_what_that_needs_is_found_by_the_code(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "upper", "1.0", requires=["lower>=2"], scripts={"up": "lower:main"})
    code = "version = '2.1'\ndef main(): print('from a program')\n"
    make_wheel(kitchen.shelf, "lower", "2.1", {"lower.py": code})

    built = kitchen.install("Upper\n")
    code = "import upper, lower, subprocess\nprint(upper.version, lower.version, flush=True)\n"
    ran = kitchen.run(built, code + "subprocess.run(['up'], check=True)\n")

    assert ran.stdout == b"1.0 2.1\nfrom a program\n", ran
    assert packages_of(built) == {"lower": "2.1", "upper": "1.0"}
    assert " + upper==1.0" in kitchen.lines


def test_a_variable_can_not_hide_them_nor_can_they_hide_the_standard_library(
    kitchen: Kitchen,
) -> None:
    files = {"thing.py": "", "json.py": "raise SystemExit('hidden')\n"}
    make_wheel(kitchen.shelf, "thing", "1", files)

    image = kitchen.image(kitchen.install("thing\n"), "import json, thing\nprint(json.dumps(1))\n")
    ran = kitchen.native_harness.run(
        "", image=image, memory=256 << 20, command=(), environment={"PYTHONPATH": "/nowhere"}
    )

    assert ran.stdout == b"1\n", ran


def test_the_layer_has_no_time_and_nothing_that_writes(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "thing", "1")

    members = members_of(kitchen, kitchen.install("thing\n"))

    assert {member.modified_at for member in members.values()} == {MODIFIED_AT}
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
    assert not [member.path for member in members.values() if member.mode & 0o022]
    assert "opt/au2/python/__pycache__/thing.cpython-311.pyc" in members
    assert not [path for path in members if path.endswith(("REQUESTED", ".lock"))]


def test_the_same_again_starts_nothing(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "thing", "1")
    first = kitchen.install("thing\n")
    (kitchen.shelf / "thing-1-py3-none-any.whl").unlink()

    again = kitchen.install("# a remark\nthing  # and another\n", owner=OTHER)

    assert again.layer == first.layer
    assert kitchen.lines == ["Dependencies are the same as before: 1 package"]


def test_an_unchanged_list_does_not_float(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "thing", "1")
    first = kitchen.install("thing\n")
    make_wheel(kitchen.shelf, "thing", "2")

    assert packages_of(kitchen.install("thing\n")) == {"thing": "1"}
    kitchen.forget("layers")
    assert packages_of(kitchen.install("thing\n", previous=first)) == {"thing": "1"}
    kitchen.forget("layers")
    assert packages_of(kitchen.install("thing\n")) == {"thing": "2"}


@pytest.mark.parametrize("lost", [("layers", "downloads"), ("layers",), ()])
def test_a_rebuild_from_the_lock_gives_the_same_bytes(
    kitchen: Kitchen, lost: tuple[str, ...]
) -> None:
    make_wheel(kitchen.shelf, "thing", "1", {f"thing/m{n}.py": f"x = {n}\n" for n in range(50)})
    make_source(kitchen.shelf, "raw", "1", "import time\nRESULT = repr(time.time_ns())")
    first = kitchen.install("thing\nraw\n")
    kitchen.native_harness.blobs.remove(first.layer.descriptor.digest)
    kitchen.forget(*lost)

    again = kitchen.install("thing\nraw\n", previous=first)

    assert again.layer == first.layer
    assert again.lock == first.lock
    assert "Installing what was locked before" in kitchen.lines


def test_what_the_runtime_has_is_not_installed_again(kitchen: Kitchen, tmp_path: Path) -> None:
    # No index has that version: it is enough that it is there.
    kitchen.put_into_runtime(make_wheel(tmp_path, "known", "1+local", requires=["lower"]))
    kitchen.put_into_runtime(make_wheel(tmp_path, "lower", "2"))
    make_wheel(kitchen.shelf, "known", "2")
    make_wheel(kitchen.shelf, "user", "1", requires=["known>=1"])

    built = kitchen.install("user\n")

    assert packages_of(built) == {"user": "1"}
    assert built.lock["from_runtime"] == {"known": "1+local", "lower": "2"}


def test_a_clash_with_the_runtime_says_how_to_override_it(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.put_into_runtime(make_wheel(tmp_path, "known", "1"))
    make_wheel(kitchen.shelf, "known", "2")

    with pytest.raises(DependenciesFailed) as caught:
        kitchen.install("known>=2\n")

    assert "The runtime has known 1." in str(caught.value.hint)
    assert "dependencies: {override: [known]}" in str(caught.value.hint)
    built = kitchen.install("known>=2\n", override=("Known",))
    assert packages_of(built) == {"known": "2"}
    assert kitchen.run(built, "import known; print(known.version)\n").stdout == b"2\n"


@pytest.mark.parametrize(
    ("requirements", "said", "advice"),
    [
        ("nowhere\n", "nowhere was not found", "how the name is written"),
        ("thing==9\n", "there is no version of thing==9", "Change the versions"),
        ("thing==1\nneedy\n", "needy", "Change the versions"),
        ("broken\n", "it breaks here", "could not be built"),
        ("thing --hash=sha256:" + "0" * 64, "None of the files of thing", "how the name"),
        ("--require-hashes\nneedy --hash=sha256:" + "0" * 64, "None of the files", "name"),
    ],
)
def test_what_can_not_be_installed_is_explained(
    kitchen: Kitchen, requirements: str, said: str, advice: str
) -> None:
    make_wheel(kitchen.shelf, "thing", "1")
    make_wheel(kitchen.shelf, "thing", "2")
    make_wheel(kitchen.shelf, "needy", "1", requires=["thing>=2"])
    make_source(kitchen.shelf, "broken", "1", "raise SystemExit('it breaks here')")

    with pytest.raises(DependenciesFailed) as caught:
        kitchen.install(requirements)

    assert said in kitchen.log
    assert advice in str(caught.value.hint)


def test_only_files_with_a_given_digest_are_taken(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "thing", "1")
    make_wheel(kitchen.shelf, "thing", "2")
    wanted = packages = kitchen.install("thing==1\n").lock["packages"]
    (package,) = packages

    built = kitchen.install(f"--require-hashes\nthing --hash={package['digest']}\n")

    assert built.lock["packages"] == wanted


def test_a_file_that_was_changed_under_its_name_is_not_taken(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "thing", "1")
    first = kitchen.install("thing\n")
    kitchen.native_harness.blobs.remove(first.layer.descriptor.digest)
    make_wheel(kitchen.shelf, "thing", "1", {"thing.py": "version = 'another'\n"})

    assert kitchen.install("thing\n").layer == first.layer
    kitchen.native_harness.blobs.remove(first.layer.descriptor.digest)
    kitchen.forget("downloads")
    with pytest.raises(DependenciesFailed):
        kitchen.install("thing\n")


HOSTILE = """\
import os, socket, json, urllib.request, pathlib
seen = {}
def attempt(name, do):
    try:
        seen[name] = str(do())[:400]
    except Exception as error:
        seen[name] = None
attempt("data", lambda: os.listdir(DATA))
attempt("shelf", lambda: os.listdir(SHELF))
attempt("etc", lambda: open("/etc/shadow").read())
attempt("init", lambda: open("/proc/1/environ").read())
attempt("host", lambda: os.listdir("/proc/1/root/" + DATA))
attempt("metadata", lambda: urllib.request.urlopen("http://169.254.169.254/", timeout=1).read())
attempt("internet", lambda: socket.create_connection(("203.0.113.1", 443), 1))
attempt("names", lambda: socket.getaddrinfo("example.org", 443))
attempt("gateway", lambda: urllib.request.urlopen("http://127.0.0.1:8077/simple/secret/").read())
attempt("climb", lambda: urllib.request.urlopen("http://127.0.0.1:8077/files/../../etc/passwd").read())
attempt("root", lambda: os.setuid(0))
attempt("mounts", lambda: open("/proc/self/mountinfo").read())
seen["user"] = os.getuid()
seen["environment"] = sorted(os.environ)
seen["files"] = os.listdir("/run/au2")
pathlib.Path("/opt/au2/python/planted.py").write_text("planted")
RESULT = "seen = " + repr(json.dumps(seen))
"""


def test_code_that_runs_while_it_is_built_sees_nothing_of_the_platform(kitchen: Kitchen) -> None:
    places = {"DATA": str(kitchen.native_harness.data_dir), "SHELF": str(kitchen.shelf)}
    code = "".join(f"{name} = {value!r}\n" for name, value in places.items()) + HOSTILE
    make_source(kitchen.shelf, "curious", "1", code)

    built = kitchen.install("curious\n")
    seen = json.loads(kitchen.run(built, "import curious; print(curious.seen)\n").stdout)

    refused = {"data", "shelf", "etc", "host", "metadata", "internet", "names", "gateway", "climb"}
    assert {name for name in refused if seen[name] is not None} == set()
    assert seen["root"] is None
    assert seen["user"] == 1000
    assert not [name for name in seen["environment"] if name.startswith(("AU", "PIP_"))]
    assert str(kitchen.native_harness.data_dir) not in json.dumps(seen)
    assert set(seen["files"]) == {"plan.json", "scratch"}
    # What it wrote beside went with its container.
    assert "opt/au2/python/planted.py" not in members_of(kitchen, built)


@pytest.mark.parametrize("other", [OTHER, Context(OWNER.organization_id, "project")])
def test_what_code_of_packages_made_is_its_contexts_own(kitchen: Kitchen, other: Context) -> None:
    make_source(kitchen.shelf, "raw", "1", "import time\nRESULT = repr(time.time_ns())")

    own = kitchen.install("raw\n")
    others = kitchen.install("raw\n", owner=other)

    assert own.lock["context_only"]
    assert own.layer != others.layer
    (package,) = own.lock["packages"]
    assert package["source_file"] == "raw-1.tar.gz"


def test_a_source_is_built_once(kitchen: Kitchen) -> None:
    make_source(kitchen.shelf, "raw", "1", "import time\nRESULT = repr(time.time_ns())")
    make_wheel(kitchen.shelf, "thing", "1")
    first = kitchen.install("raw\n")

    second = kitchen.install("raw\nthing\n")

    assert "Building" not in kitchen.log
    assert second.lock["packages"][0] == first.lock["packages"][0]
    assert second.lock["context_only"]


def test_a_source_can_not_pass_for_another_package(kitchen: Kitchen, tmp_path: Path) -> None:
    """A wheel is taken from a build only of what was handed out as source."""
    make_wheel(kitchen.shelf, "thing", "1")
    forged = make_wheel(tmp_path, "thing", "1", {"thing.py": "version = 'forged'"}).read_bytes()
    code = f"""\
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8077)
connection.request("PUT", "/built/thing-1-py3-none-any.whl", {forged!r})
connection.getresponse().read()
RESULT = ""
"""
    make_source(kitchen.shelf, "raw", "1", code)

    built = kitchen.install("raw\nthing\n")

    assert kitchen.run(built, "import thing; print(thing.version)\n").stdout == b"1\n"


class Stopped(Exception):
    """A test's wish."""


def test_a_stop_ends_the_container(kitchen: Kitchen) -> None:
    make_source(kitchen.shelf, "slow", "1", "import time\ntime.sleep(3600)")

    def check() -> None:
        if "Building slow-1.tar.gz" in kitchen.lines:
            raise Stopped

    with pytest.raises(Stopped):
        kitchen.install("slow\n", check=check)


def test_a_build_that_takes_too_long_is_ended(kitchen: Kitchen) -> None:
    make_source(kitchen.shelf, "slow", "1", "import time\ntime.sleep(3600)")
    kitchen.options = BuildOptions(timeout_seconds=3.0)

    with pytest.raises(DependenciesFailed, match="longer than 3 s"):
        kitchen.install("slow\n")


def test_a_build_gets_no_more_memory_than_it_may(kitchen: Kitchen) -> None:
    make_source(kitchen.shelf, "greedy", "1", "x = bytearray(1 << 30)")
    kitchen.options = BuildOptions(memory_bytes=128 << 20)

    with pytest.raises(DependenciesFailed, match="more than 128 MiB of memory"):
        kitchen.install("greedy\n")


def test_more_than_may_be_installed_is_refused(kitchen: Kitchen) -> None:
    make_wheel(kitchen.shelf, "thing", "1", {"thing.py": "#" * (2 << 20)})
    kitchen.options = BuildOptions(layer_max_bytes=1 << 20)

    with pytest.raises(DependenciesFailed, match="larger than"):
        kitchen.install("thing\n")


def test_nothing_to_install_is_no_failure(kitchen: Kitchen) -> None:
    built = kitchen.install("never; python_version < '3'\n")

    assert built.lock["packages"] == []
    assert kitchen.run(built, "print('runs')\n").stdout == b"runs\n"


def test_an_index_behind_a_password_is_asked_by_the_platform_alone(
    kitchen: Kitchen, simple_index: Callable[..., SimpleIndex]
) -> None:
    make_wheel(kitchen.shelf, "thing", "1")
    code = "import os, glob\nRESULT = repr([open(f).read() for f in glob.glob('/proc/*/environ')])"
    make_source(kitchen.shelf, "nosy", "1", code)
    index = simple_index(kitchen.shelf, user="builder", password="hunter2")
    kitchen.sources = Sources(indexes=(index.url_with_password,))

    built = kitchen.install("thing\nnosy\n")
    seen = kitchen.run(built, "print(open('/opt/au2/python/nosy.py').read())\n").stdout

    assert index.refused == 0
    assert "hunter2" not in json.dumps(built.lock) + kitchen.log + seen.decode()
    assert "UV_DEFAULT_INDEX" in seen.decode()


def test_an_index_that_is_away_is_not_the_package_s_fault(
    kitchen: Kitchen, simple_index: Callable[..., SimpleIndex]
) -> None:
    index = simple_index(kitchen.shelf, user="builder", password="hunter2")
    index.broken = True
    kitchen.sources = Sources(indexes=(index.url_with_password,))

    with pytest.raises(IndexUnreachable) as caught:
        kitchen.install("thing\n")

    assert "it answered 500" in caught.value.message
    assert "hunter2" not in caught.value.message + kitchen.log


def test_the_first_index_that_knows_a_package_is_the_only_one_asked_for_it(
    kitchen: Kitchen, simple_index: Callable[..., SimpleIndex], tmp_path: Path
) -> None:
    internal, public = tmp_path / "internal", tmp_path / "public"
    for folder, version in ((internal, "1"), (public, "99")):
        folder.mkdir()
        make_wheel(folder, "secret-plans", version)
    indexes = (simple_index(internal).url, simple_index(public).url)

    kitchen.sources = Sources(indexes=indexes)
    assert packages_of(kitchen.install("secret-plans\n")) == {"secret-plans": "1"}
    kitchen.sources = Sources(indexes=indexes, merge_indexes=True)
    kitchen.forget("layers")
    assert packages_of(kitchen.install("secret-plans\n")) == {"secret-plans": "99"}
