"""JavaScript dependencies are installed from their lock file, beside the code."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from au2.dependencies.sources import Sources
from au2.domain.accounts.context import Context
from au2.domain.errors import DependenciesFailed
from tests.support.machine.engine import NativeHarness
from tests.support.packages.dependency_installation import DependencyInstallation
from tests.support.packages.javascript_packages import make_lock, make_module
from tests.support.packages.package_index import SimpleIndex

OTHER = Context("0e5bfb9c-6a11-4c53-8a4b-6e1d3c2b1a00")
PACKAGE = {"name": "demo", "version": "1.0.0", "dependencies": {"thing": "^1.0.0"}}


@pytest.fixture
def installation(
    native_harness: NativeHarness,
    node_runtime: str,
    npm_archive: Path,
    simple_index: Callable[..., SimpleIndex],
    tmp_path: Path,
) -> Iterator[DependencyInstallation]:
    """An installation from a registry of its own."""
    package_folder = tmp_path / "packages"
    package_folder.mkdir()
    shutil.copy(npm_archive, package_folder / "npm-10.9.4.tgz")
    registry = simple_index(package_folder).url.removesuffix("/simple/")
    yield DependencyInstallation(
        native_harness, node_runtime, tmp_path, Sources(npm_registry=registry)
    )
    assert not [name for name in native_harness.engine.list_containers() if "build" in name]


def test_locked_modules_are_found_by_require_and_import(
    installation: DependencyInstallation,
) -> None:
    files = {"index.js": "module.exports = require('@scope/part')", "up.js": "console.log('up')"}
    thing = make_module(
        installation.package_folder,
        "thing",
        "1.0.0",
        files,
        bin={"up": "up.js"},
        dependencies={"@scope/part": "2"},
    )
    part = make_module(
        installation.package_folder, "@scope/part", "2.0.0", {"index.js": "module.exports = 7"}
    )
    lock = make_lock(PACKAGE, **{"thing": thing, "@scope/part": part})

    built = installation.install_modules(PACKAGE, lock)
    required = installation.run(built, "console.log(require('thing'))", "main.js")
    imported = installation.run(built, "import thing from 'thing'; console.log(thing)", "main.mjs")

    assert (required.stdout, imported.stdout) == (b"7\n", b"7\n"), (required, imported)
    assert [(p["name"], p["version"]) for p in built.lock["packages"]] == [
        ("@scope/part", "2.0.0"),
        ("thing", "1.0.0"),
    ]
    assert not built.lock["context_only"]


def test_the_same_lock_gives_the_same_bytes_for_everybody(
    installation: DependencyInstallation,
) -> None:
    thing = make_module(installation.package_folder, "thing", "1.0.0", {"index.js": ""})
    lock = make_lock(PACKAGE, thing=thing)
    first = installation.install_modules(PACKAGE, lock)

    again = installation.install_modules(PACKAGE, lock, OTHER)
    assert installation.lines == ["Dependencies are the same as before: 1 package"]
    installation.forget("layers")
    rebuilt = installation.install_modules(PACKAGE, lock)

    assert first.layer == again.layer == rebuilt.layer


SCRIPT = {"install.js": "require('fs').writeFileSync('made.js', 'module.exports = 1')"}


def test_scripts_that_the_lock_tells_of_run_for_one_organization(
    installation: DependencyInstallation,
) -> None:
    scripts = {"install": "node install.js"}
    thing = make_module(installation.package_folder, "thing", "1.0.0", SCRIPT, scripts=scripts)
    built = installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    ran = installation.run(built, "console.log(require('thing/made.js'))", "main.js")

    assert ran.stdout == b"1\n"
    assert built.lock["context_only"]


def test_scripts_that_the_lock_does_not_tell_of_do_not_run(
    installation: DependencyInstallation,
) -> None:
    scripts = {"install": "node install.js"}
    thing = make_module(installation.package_folder, "thing", "1.0.0", SCRIPT, scripts=scripts)
    del thing["hasInstallScript"]

    built = installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    assert installation.run(built, "require('thing/made.js')", "main.js").observation.exit_code == 1


def test_a_script_may_put_a_hard_link_over_a_file(installation: DependencyInstallation) -> None:
    # As esbuild puts the program for this machine over its own launcher.
    link = """
    const fs = require('fs');
    fs.linkSync(require.resolve('program/run.js'), 'new.js');
    fs.renameSync('new.js', 'run.js');
    """
    files = {"link.js": link, "run.js": "console.log('launcher')"}
    thing = make_module(
        installation.package_folder,
        "thing",
        "1.0.0",
        files,
        scripts={"postinstall": "node link.js"},
        dependencies={"program": "1"},
    )
    program = make_module(
        installation.package_folder,
        "program",
        "1.0.0",
        {"run.js": "console.log('for this machine')"},
    )

    built = installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing, program=program))
    installation.forget("layers")
    again = installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing, program=program))

    code = "require('thing/run.js'); require('program/run.js')"
    assert installation.run(built, code, "main.js").stdout == b"for this machine\n" * 2
    assert built.layer == again.layer


def test_a_failing_script_is_told_as_one(installation: DependencyInstallation) -> None:
    code = "console.log('before'); require('https').get('https://example.org/program')"
    scripts = {"postinstall": "node get.js"}
    thing = make_module(
        installation.package_folder, "thing", "1.0.0", {"get.js": code}, scripts=scripts
    )

    with pytest.raises(DependenciesFailed) as caught:
        installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    assert "The install script of thing failed ('node get.js')" in caught.value.message
    assert "Builds have no network" in str(caught.value.hint)
    assert "before" in installation.log


def test_a_script_sees_nothing_of_the_platform(installation: DependencyInstallation) -> None:
    data_dir = str(installation.native_harness.data_dir)
    code = f"""
    const fs = require('fs'), net = require('net'), seen = {{}};
    for (const place of ['/etc/shadow', '/proc/1/environ', {data_dir!r}])
      try {{ fs.readFileSync(place); seen[place] = true }} catch (e) {{ seen[place] = e.code }}
    seen.files = fs.readdirSync('/run/au2');
    seen.user = process.getuid();
    net.connect(443, '203.0.113.1').on('error', (e) => {{
      seen.net = e.code; fs.writeFileSync('seen.json', JSON.stringify(seen));
    }});
    """
    scripts = {"postinstall": "node look.js"}
    thing = make_module(
        installation.package_folder, "thing", "1.0.0", {"look.js": code}, scripts=scripts
    )
    built = installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))

    seen = json.loads(
        installation.run(
            built, "console.log(JSON.stringify(require('thing/seen.json')))", "main.js"
        ).stdout
    )

    assert seen["/etc/shadow"] == "EACCES"
    assert seen[str(installation.native_harness.data_dir)] == "ENOENT"
    assert seen["net"] == "ENETUNREACH"
    assert (seen["files"], seen["user"]) == (["plan.json", "scratch"], 1000)


def test_another_file_than_the_lock_names_is_not_installed(
    installation: DependencyInstallation,
) -> None:
    thing = make_module(installation.package_folder, "thing", "1.0.0", {"index.js": ""})
    make_module(installation.package_folder, "thing", "1.0.0", {"index.js": "evil()"})

    with pytest.raises(DependenciesFailed, match="does not have the digest in the lock"):
        installation.install_modules(PACKAGE, make_lock(PACKAGE, thing=thing))


def test_a_lock_that_does_not_fit_is_told_in_npm_s_words(
    installation: DependencyInstallation,
) -> None:
    thing = make_module(installation.package_folder, "thing", "1.0.0", {"index.js": ""})
    asking = {**PACKAGE, "dependencies": {"thing": "^2.0.0"}}

    with pytest.raises(DependenciesFailed) as caught:
        installation.install_modules(asking, make_lock(PACKAGE, thing=thing))

    assert "No matching version found for thing@^2.0.0" in installation.log
    assert "package-lock.json must fit package.json" in str(caught.value.hint)
