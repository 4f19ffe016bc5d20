"""JavaScript packages are installed as their lock says, beside the code."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from au2.dependencies.sources import Sources
from au2.domain.context import Context
from au2.domain.errors import DependenciesFailed
from tests.support.engine import NativeHarness
from tests.support.javascript_packages import make_lock, make_module
from tests.support.kitchen import Kitchen
from tests.support.package_index import SimpleIndex

OTHER = Context("0e5bfb9c-6a11-4c53-8a4b-6e1d3c2b1a00")
PACKAGE = {"name": "demo", "version": "1.0.0", "dependencies": {"thing": "^1.0.0"}}


@pytest.fixture
def kitchen(
    native_harness: NativeHarness,
    node_runtime: str,
    npm_archive: Path,
    simple_index: Callable[..., SimpleIndex],
    tmp_path: Path,
) -> Iterator[Kitchen]:
    """A kitchen with a registry of its own."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    shutil.copy(npm_archive, shelf / "npm-10.9.4.tgz")
    registry = simple_index(shelf).url.removesuffix("/simple/")
    yield Kitchen(native_harness, node_runtime, tmp_path, Sources(npm_registry=registry))
    assert not [name for name in native_harness.engine.list_containers() if "build" in name]


def test_what_the_lock_names_is_found_by_require_and_import(kitchen: Kitchen) -> None:
    files = {"index.js": "module.exports = require('@scope/part')", "up.js": "console.log('up')"}
    thing = make_module(
        kitchen.shelf,
        "thing",
        "1.0.0",
        files,
        bin={"up": "up.js"},
        dependencies={"@scope/part": "2"},
    )
    part = make_module(kitchen.shelf, "@scope/part", "2.0.0", {"index.js": "module.exports = 7"})
    lock = make_lock(PACKAGE, **{"thing": thing, "@scope/part": part})

    built = kitchen.install_modules(PACKAGE, lock)
    required = kitchen.run(built, "console.log(require('thing'))", "main.js")
    imported = kitchen.run(built, "import thing from 'thing'; console.log(thing)", "main.mjs")

    assert (required.stdout, imported.stdout) == (b"7\n", b"7\n"), (required, imported)
    assert [(p["name"], p["version"]) for p in built.lock["packages"]] == [
        ("@scope/part", "2.0.0"),
        ("thing", "1.0.0"),
    ]
    assert not built.lock["context_only"]


def test_the_same_lock_gives_the_same_bytes_for_everybody(kitchen: Kitchen) -> None:
    thing = make_module(kitchen.shelf, "thing", "1.0.0", {"index.js": ""})
    lock = make_lock(PACKAGE, thing=thing)
    first = kitchen.install_modules(PACKAGE, lock)

    again = kitchen.install_modules(PACKAGE, lock, OTHER)
    assert kitchen.lines == ["Dependencies are the same as before: 1 package"]
    kitchen.forget("layers")
    rebuilt = kitchen.install_modules(PACKAGE, lock)

    assert first.layer == again.layer == rebuilt.layer


SCRIPT = {"install.js": "require('fs').writeFileSync('made.js', 'module.exports = 1')"}


def test_scripts_that_the_lock_tells_of_run_for_one_organization(kitchen: Kitchen) -> None:
    scripts = {"install": "node install.js"}
    thing = make_module(kitchen.shelf, "thing", "1.0.0", SCRIPT, scripts=scripts)
    built = kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    ran = kitchen.run(built, "console.log(require('thing/made.js'))", "main.js")

    assert ran.stdout == b"1\n"
    assert built.lock["context_only"]


def test_scripts_that_the_lock_does_not_tell_of_do_not_run(kitchen: Kitchen) -> None:
    scripts = {"install": "node install.js"}
    thing = make_module(kitchen.shelf, "thing", "1.0.0", SCRIPT, scripts=scripts)
    del thing["hasInstallScript"]

    built = kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    assert kitchen.run(built, "require('thing/made.js')", "main.js").observation.exit_code == 1


def test_a_script_may_put_a_hard_link_over_a_file(kitchen: Kitchen) -> None:
    # As esbuild puts the program for this machine over its own launcher.
    link = """
    const fs = require('fs');
    fs.linkSync(require.resolve('program/run.js'), 'new.js');
    fs.renameSync('new.js', 'run.js');
    """
    files = {"link.js": link, "run.js": "console.log('launcher')"}
    thing = make_module(
        kitchen.shelf,
        "thing",
        "1.0.0",
        files,
        scripts={"postinstall": "node link.js"},
        dependencies={"program": "1"},
    )
    program = make_module(
        kitchen.shelf, "program", "1.0.0", {"run.js": "console.log('for this machine')"}
    )

    built = kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing, program=program))
    kitchen.forget("layers")
    again = kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing, program=program))

    code = "require('thing/run.js'); require('program/run.js')"
    assert kitchen.run(built, code, "main.js").stdout == b"for this machine\n" * 2
    assert built.layer == again.layer


def test_a_failing_script_is_told_as_one(kitchen: Kitchen) -> None:
    code = "console.log('before'); require('https').get('https://example.org/program')"
    scripts = {"postinstall": "node get.js"}
    thing = make_module(kitchen.shelf, "thing", "1.0.0", {"get.js": code}, scripts=scripts)

    with pytest.raises(DependenciesFailed) as caught:
        kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    assert "The install script of thing failed ('node get.js')" in caught.value.message
    assert "Builds have no network" in str(caught.value.hint)
    assert "before" in kitchen.log


def test_a_script_sees_nothing_of_the_platform(kitchen: Kitchen) -> None:
    code = f"""
    const fs = require('fs'), net = require('net'), seen = {{}};
    const folder = {str(kitchen.native_harness.data_dir)!r};
    for (const place of ['/etc/shadow', '/proc/1/environ', folder])
      try {{ fs.readFileSync(place); seen[place] = true }} catch (e) {{ seen[place] = e.code }}
    seen.files = fs.readdirSync('/run/au2');
    seen.user = process.getuid();
    net.connect(443, '203.0.113.1').on('error', (e) => {{
      seen.net = e.code; fs.writeFileSync('seen.json', JSON.stringify(seen));
    }});
    """
    scripts = {"postinstall": "node look.js"}
    thing = make_module(kitchen.shelf, "thing", "1.0.0", {"look.js": code}, scripts=scripts)
    built = kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    seen = json.loads(
        kitchen.run(
            built, "console.log(JSON.stringify(require('thing/seen.json')))", "main.js"
        ).stdout
    )

    assert seen["/etc/shadow"] == "EACCES"
    assert seen[str(kitchen.native_harness.data_dir)] == "ENOENT"
    assert seen["net"] == "ENETUNREACH"
    assert (seen["files"], seen["user"]) == (["plan.json", "scratch"], 1000)


def test_another_file_than_the_lock_names_is_not_installed(kitchen: Kitchen) -> None:
    thing = make_module(kitchen.shelf, "thing", "1.0.0", {"index.js": ""})
    make_module(kitchen.shelf, "thing", "1.0.0", {"index.js": "evil()"})

    with pytest.raises(DependenciesFailed, match="not what the lock names"):
        kitchen.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))


def test_a_lock_that_does_not_fit_is_told_in_npm_s_words(kitchen: Kitchen) -> None:
    thing = make_module(kitchen.shelf, "thing", "1.0.0", {"index.js": ""})
    asking = {**PACKAGE, "dependencies": {"thing": "^2.0.0"}}

    with pytest.raises(DependenciesFailed) as caught:
        kitchen.install_modules(asking, make_lock(PACKAGE, thing=thing))

    assert "No matching version found for thing@^2.0.0" in kitchen.log
    assert "package-lock.json must fit package.json" in str(caught.value.hint)
