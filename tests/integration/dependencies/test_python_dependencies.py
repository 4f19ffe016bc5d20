"""Python dependencies are installed once, exactly, and importable."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from au2.dependencies.build_container import BuildOptions
from au2.dependencies.layer_cache import BuiltDependencies
from au2.dependencies.sources import Sources
from au2.domain.accounts.context import Context
from au2.domain.errors import DependenciesFailed, IndexUnreachable
from au2.oci.tar.layer import LayerMember, read_layer
from au2.oci.tar.writer import MODIFIED_AT
from tests.support.packages.dependency_installation import OWNER, DependencyInstallation
from tests.support.packages.package_index import SimpleIndex
from tests.support.packages.python_packages import make_source, make_wheel

OTHER = Context("0e5bfb9c-6a11-4c53-8a4b-6e1d3c2b1a00")


def members_of(
    installation: DependencyInstallation, built: BuiltDependencies
) -> dict[str, LayerMember]:
    with installation.native_harness.blobs.open(built.layer.descriptor.digest) as stream:
        return {member.path: member for member in read_layer(stream)}


def packages_of(built: BuiltDependencies) -> dict[str, str]:
    return {package["name"]: package["version"] for package in built.lock["packages"]}


def test_requirements_and_their_requirements_are_importable(
    installation: DependencyInstallation,
) -> None:
    make_wheel(
        installation.package_folder,
        "upper",
        "1.0",
        requires=["lower>=2"],
        scripts={"up": "lower:main"},
    )
    code = "version = '2.1'\ndef main(): print('from a program')\n"
    make_wheel(installation.package_folder, "lower", "2.1", {"lower.py": code})

    built = installation.install("Upper\n")
    code = "import upper, lower, subprocess\nprint(upper.version, lower.version, flush=True)\n"
    ran = installation.run(built, code + "subprocess.run(['up'], check=True)\n")

    assert ran.stdout == b"1.0 2.1\nfrom a program\n", ran
    assert packages_of(built) == {"lower": "2.1", "upper": "1.0"}
    assert " + upper==1.0" in installation.lines


def test_a_variable_can_not_hide_them_nor_can_they_hide_the_standard_library(
    installation: DependencyInstallation,
) -> None:
    files = {"thing.py": "", "json.py": "raise SystemExit('hidden')\n"}
    make_wheel(installation.package_folder, "thing", "1", files)

    image = installation.image(
        installation.install("thing\n"), "import json, thing\nprint(json.dumps(1))\n"
    )
    ran = installation.native_harness.run(
        "", image=image, memory=256 << 20, command=(), environment={"PYTHONPATH": "/nowhere"}
    )

    assert ran.stdout == b"1\n", ran


def test_the_layer_has_no_time_and_nothing_that_writes(
    installation: DependencyInstallation,
) -> None:
    make_wheel(installation.package_folder, "thing", "1")

    members = members_of(installation, installation.install("thing\n"))

    assert {member.modified_at for member in members.values()} == {MODIFIED_AT}
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
    assert not [member.path for member in members.values() if member.mode & 0o022]
    assert "opt/au2/python/__pycache__/thing.cpython-311.pyc" in members
    assert not [path for path in members if path.endswith(("REQUESTED", ".lock"))]


def test_the_same_again_starts_nothing(installation: DependencyInstallation) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    first = installation.install("thing\n")
    (installation.package_folder / "thing-1-py3-none-any.whl").unlink()

    again = installation.install("# a remark\nthing  # and another\n", owner=OTHER)

    assert again.layer == first.layer
    assert installation.lines == ["Dependencies are the same as before: 1 package"]


def test_an_unchanged_list_does_not_float(installation: DependencyInstallation) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    first = installation.install("thing\n")
    make_wheel(installation.package_folder, "thing", "2")

    assert packages_of(installation.install("thing\n")) == {"thing": "1"}
    installation.forget("layers")
    assert packages_of(installation.install("thing\n", previous=first)) == {"thing": "1"}
    installation.forget("layers")
    assert packages_of(installation.install("thing\n")) == {"thing": "2"}


@pytest.mark.parametrize("lost", [("layers", "downloads"), ("layers",), ()])
def test_a_rebuild_from_the_lock_gives_the_same_bytes(
    installation: DependencyInstallation, lost: tuple[str, ...]
) -> None:
    make_wheel(
        installation.package_folder,
        "thing",
        "1",
        {f"thing/m{n}.py": f"x = {n}\n" for n in range(50)},
    )
    make_source(
        installation.package_folder, "raw", "1", "import time\nRESULT = repr(time.time_ns())"
    )
    first = installation.install("thing\nraw\n")
    installation.native_harness.blobs.remove(first.layer.descriptor.digest)
    installation.forget(*lost)

    again = installation.install("thing\nraw\n", previous=first)

    assert again.layer == first.layer
    assert again.lock == first.lock
    assert "Installing what was locked before" in installation.lines


def test_distributions_of_the_runtime_are_not_installed_again(
    installation: DependencyInstallation, tmp_path: Path
) -> None:
    # No index has that version: it is enough that it is there.
    installation.put_into_runtime(make_wheel(tmp_path, "known", "1+local", requires=["lower"]))
    installation.put_into_runtime(make_wheel(tmp_path, "lower", "2"))
    make_wheel(installation.package_folder, "known", "2")
    make_wheel(installation.package_folder, "user", "1", requires=["known>=1"])

    built = installation.install("user\n")

    assert packages_of(built) == {"user": "1"}
    assert built.lock["from_runtime"] == {"known": "1+local", "lower": "2"}


def test_a_clash_with_the_runtime_says_how_to_override_it(
    installation: DependencyInstallation, tmp_path: Path
) -> None:
    installation.put_into_runtime(make_wheel(tmp_path, "known", "1"))
    make_wheel(installation.package_folder, "known", "2")

    with pytest.raises(DependenciesFailed) as caught:
        installation.install("known>=2\n")

    assert "The runtime has known 1." in str(caught.value.hint)
    assert "dependencies: {override: [known]}" in str(caught.value.hint)
    built = installation.install("known>=2\n", override=("Known",))
    assert packages_of(built) == {"known": "2"}
    assert installation.run(built, "import known; print(known.version)\n").stdout == b"2\n"


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
def test_a_failed_installation_is_explained(
    installation: DependencyInstallation, requirements: str, said: str, advice: str
) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    make_wheel(installation.package_folder, "thing", "2")
    make_wheel(installation.package_folder, "needy", "1", requires=["thing>=2"])
    make_source(installation.package_folder, "broken", "1", "raise SystemExit('it breaks here')")

    with pytest.raises(DependenciesFailed) as caught:
        installation.install(requirements)

    assert said in installation.log
    assert advice in str(caught.value.hint)


def test_only_files_with_a_given_digest_are_taken(installation: DependencyInstallation) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    make_wheel(installation.package_folder, "thing", "2")
    wanted = packages = installation.install("thing==1\n").lock["packages"]
    (package,) = packages

    built = installation.install(f"--require-hashes\nthing --hash={package['digest']}\n")

    assert built.lock["packages"] == wanted


def test_a_file_that_was_changed_under_its_name_is_not_taken(
    installation: DependencyInstallation,
) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    first = installation.install("thing\n")
    installation.native_harness.blobs.remove(first.layer.descriptor.digest)
    make_wheel(installation.package_folder, "thing", "1", {"thing.py": "version = 'another'\n"})

    assert installation.install("thing\n").layer == first.layer
    installation.native_harness.blobs.remove(first.layer.descriptor.digest)
    installation.forget("downloads")
    with pytest.raises(DependenciesFailed):
        installation.install("thing\n")


HOSTILE = """\
import os, socket, json, urllib.request, pathlib
seen = {}
def attempt(name, do):
    try:
        seen[name] = str(do())[:400]
    except Exception as error:
        seen[name] = None
attempt("data", lambda: os.listdir(DATA))
attempt("wheels", lambda: os.listdir(WHEELS))
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


def test_code_that_runs_while_it_is_built_sees_nothing_of_the_platform(
    installation: DependencyInstallation,
) -> None:
    places = {
        "DATA": str(installation.native_harness.data_dir),
        "WHEELS": str(installation.package_folder),
    }
    code = "".join(f"{name} = {value!r}\n" for name, value in places.items()) + HOSTILE
    make_source(installation.package_folder, "curious", "1", code)

    built = installation.install("curious\n")
    seen = json.loads(installation.run(built, "import curious; print(curious.seen)\n").stdout)

    refused = {
        "data",
        "wheels",
        "etc",
        "host",
        "metadata",
        "internet",
        "names",
        "gateway",
        "climb",
    }
    assert {name for name in refused if seen[name] is not None} == set()
    assert seen["root"] is None
    assert seen["user"] == 1000
    assert not [name for name in seen["environment"] if name.startswith(("AU", "PIP_"))]
    assert str(installation.native_harness.data_dir) not in json.dumps(seen)
    assert set(seen["files"]) == {"plan.json", "scratch"}
    # What it wrote beside went with its container.
    assert "opt/au2/python/planted.py" not in members_of(installation, built)


@pytest.mark.parametrize("other", [OTHER, Context(OWNER.organization_id, "project")])
def test_results_of_packages_code_stay_in_their_context(
    installation: DependencyInstallation, other: Context
) -> None:
    make_source(
        installation.package_folder, "raw", "1", "import time\nRESULT = repr(time.time_ns())"
    )

    own = installation.install("raw\n")
    others = installation.install("raw\n", owner=other)

    assert own.lock["context_only"]
    assert own.layer != others.layer
    (package,) = own.lock["packages"]
    assert package["source_file"] == "raw-1.tar.gz"


def test_a_source_is_built_once(installation: DependencyInstallation) -> None:
    make_source(
        installation.package_folder, "raw", "1", "import time\nRESULT = repr(time.time_ns())"
    )
    make_wheel(installation.package_folder, "thing", "1")
    first = installation.install("raw\n")

    second = installation.install("raw\nthing\n")

    assert "Building" not in installation.log
    assert second.lock["packages"][0] == first.lock["packages"][0]
    assert second.lock["context_only"]


def test_a_source_can_not_pass_for_another_package(
    installation: DependencyInstallation, tmp_path: Path
) -> None:
    """A wheel is taken from a build only of what was handed out as source."""
    make_wheel(installation.package_folder, "thing", "1")
    forged = make_wheel(tmp_path, "thing", "1", {"thing.py": "version = 'forged'"}).read_bytes()
    code = f"""\
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8077)
connection.request("PUT", "/built/thing-1-py3-none-any.whl", {forged!r})
connection.getresponse().read()
RESULT = ""
"""
    make_source(installation.package_folder, "raw", "1", code)

    built = installation.install("raw\nthing\n")

    assert installation.run(built, "import thing; print(thing.version)\n").stdout == b"1\n"


class Stopped(Exception):
    """A test's wish."""


def test_a_stop_ends_the_container(installation: DependencyInstallation) -> None:
    make_source(installation.package_folder, "slow", "1", "import time\ntime.sleep(3600)")

    def check() -> None:
        if "Building slow-1.tar.gz" in installation.lines:
            raise Stopped

    with pytest.raises(Stopped):
        installation.install("slow\n", check=check)


def test_a_build_that_takes_too_long_is_ended(installation: DependencyInstallation) -> None:
    make_source(installation.package_folder, "slow", "1", "import time\ntime.sleep(3600)")
    installation.options = BuildOptions(timeout_seconds=3.0)

    with pytest.raises(DependenciesFailed, match="longer than 3 s"):
        installation.install("slow\n")


def test_a_build_gets_no_more_memory_than_it_may(installation: DependencyInstallation) -> None:
    make_source(installation.package_folder, "greedy", "1", "x = bytearray(1 << 30)")
    installation.options = BuildOptions(memory_bytes=128 << 20)

    with pytest.raises(DependenciesFailed, match="more than 128 MiB of memory"):
        installation.install("greedy\n")


def test_more_than_may_be_installed_is_refused(installation: DependencyInstallation) -> None:
    make_wheel(installation.package_folder, "thing", "1", {"thing.py": "#" * (2 << 20)})
    installation.options = BuildOptions(layer_max_bytes=1 << 20)

    with pytest.raises(DependenciesFailed, match="larger than"):
        installation.install("thing\n")


def test_nothing_to_install_is_no_failure(installation: DependencyInstallation) -> None:
    built = installation.install("never; python_version < '3'\n")

    assert built.lock["packages"] == []
    assert installation.run(built, "print('runs')\n").stdout == b"runs\n"


def test_an_index_behind_a_password_is_asked_by_the_platform_alone(
    installation: DependencyInstallation, simple_index: Callable[..., SimpleIndex]
) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    code = "import os, glob\nRESULT = repr([open(f).read() for f in glob.glob('/proc/*/environ')])"
    make_source(installation.package_folder, "nosy", "1", code)
    index = simple_index(installation.package_folder, user="builder", password="hunter2")
    installation.sources = Sources(indexes=(index.url_with_password,))

    built = installation.install("thing\nnosy\n")
    seen = installation.run(built, "print(open('/opt/au2/python/nosy.py').read())\n").stdout

    assert index.refused == 0
    assert "hunter2" not in json.dumps(built.lock) + installation.log + seen.decode()
    assert "UV_DEFAULT_INDEX" in seen.decode()


def test_an_index_that_is_away_is_not_the_package_s_fault(
    installation: DependencyInstallation, simple_index: Callable[..., SimpleIndex]
) -> None:
    index = simple_index(installation.package_folder, user="builder", password="hunter2")
    index.broken = True
    installation.sources = Sources(indexes=(index.url_with_password,))

    with pytest.raises(IndexUnreachable) as caught:
        installation.install("thing\n")

    assert "it answered 500" in caught.value.message
    assert "hunter2" not in caught.value.message + installation.log


def test_the_first_index_that_knows_a_package_is_the_only_one_asked_for_it(
    installation: DependencyInstallation, simple_index: Callable[..., SimpleIndex], tmp_path: Path
) -> None:
    internal, public = tmp_path / "internal", tmp_path / "public"
    for folder, version in ((internal, "1"), (public, "99")):
        folder.mkdir()
        make_wheel(folder, "secret-plans", version)
    indexes = (simple_index(internal).url, simple_index(public).url)

    installation.sources = Sources(indexes=indexes)
    assert packages_of(installation.install("secret-plans\n")) == {"secret-plans": "1"}
    installation.sources = Sources(indexes=indexes, merge_indexes=True)
    installation.forget("layers")
    assert packages_of(installation.install("secret-plans\n")) == {"secret-plans": "99"}
