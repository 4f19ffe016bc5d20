"""Packages of plain local runs, installed by the real uv, pip and Node.js from a folder."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from au2.domain.jobs.job import JobState
from au2.execution.termination import ExecutionLimits, JobControl
from au2.local.environments.packages import PackageEnvironments
from au2.local.environments.python_packages import find_uv
from au2.local.process_runner import ProcessRunner
from au2.local.runner import LocalResult, run_package
from tests.support.packages.javascript_packages import make_lock, make_module
from tests.support.packages.python_packages import make_source, make_wheel
from tests.support.waiting import wait_until
from tests.unit.local.conftest import MANIFEST, a_request

SHOW = "import {0}\nprint({0}.version, {0}.__file__)\n"
FAKE_NPM = """\
#!/bin/sh
printf '%s\\n' "$*" >"$0.asked"
env >"$0.env"
test -f package.json && test -f package-lock.json || exit 3
[ -z "$(sed -n '/"fails"/p' package.json)" ] || { echo "npm error no network" >&2; exit 1; }
mkdir -p node_modules/.bin node_modules/one node_modules/@own/two
echo 'module.exports = "one"' >node_modules/one/index.js
echo 'module.exports = "two"' >node_modules/@own/two/index.js
printf '#!/bin/sh\\necho a program\\n' >node_modules/.bin/tool && chmod +x node_modules/.bin/tool
"""


class Runs:
    """Runs of one package; wheels come from a folder."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.programs = folder / "programs"
        self.package = folder / "package"
        self.cache = folder / "cache"
        for made in (self.wheels, self.programs, self.package):
            made.mkdir()
        self.told: list[str] = []
        self.shown: list[bytes] = []
        self.control = JobControl()
        self.own = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "AU_TOKEN": "au-token",
            "AU_SECRET": "au-secret",
        }
        self.uv = True

    def __call__(
        self, files: Mapping[str, str], *, own_environment: bool = False, runner: Any = None
    ) -> LocalResult:
        for path, content in {"aunsight.yml": MANIFEST, **files}.items():
            (self.package / path).parent.mkdir(parents=True, exist_ok=True)
            (self.package / path).write_text(content)
        self.told.clear()
        self.shown.clear()
        return run_package(
            self.package,
            a_request(),
            runner or self.runner(own_environment=own_environment),
            own_environment=self.own,
            limits=ExecutionLimits(),
            control=self.control,
            show=lambda _, data: self.shown.append(data),
            on_status=lambda _: None,
        )

    def runner(self, *, own_environment: bool = False) -> ProcessRunner:
        if own_environment:
            return ProcessRunner(self.own, self.told.append)
        environments = PackageEnvironments(
            self.own,
            lambda: self.cache,
            self.told.append,
            find_uv if self.uv else lambda _: None,
        )
        return ProcessRunner(self.own, self.told.append, environments)

    @property
    def printed(self) -> str:
        return b"".join(self.shown).decode()

    def use_fake_npm(self) -> Path:
        npm = self.programs / "npm"
        npm.write_text(FAKE_NPM)
        npm.chmod(0o755)
        return npm


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_requirements_are_installed_once_and_found(runs: Runs, installer: str) -> None:
    runs.uv = installer == "uv"
    make_wheel(runs.wheels, "one", "1.0")
    make_wheel(runs.wheels, "one", "2.0")
    make_wheel(runs.wheels, "two", "1.0", requires=["one"], scripts={"two": "one:__name__"})
    files = {
        "main.py": SHOW.format("one") + "import two, sys\nprint(sys.prefix)\n",
        "requirements.txt": "-c limits.txt\ntwo\n",
        "limits.txt": "one<2\n",
    }

    assert runs(files).succeeded
    version, file, prefix = runs.printed.split()
    assert version == "1.0"
    assert file.startswith(prefix)
    assert Path(prefix).parent == runs.cache / "local" / "environments"
    assert runs.told[-1].startswith("Packages of requirements.txt: in ~/cache/local/environments/")
    assert "installed in" in runs.told[-1]

    assert runs({**files, "main.py": SHOW.format("two")}).succeeded
    assert "kept from before" in runs.told[-1]
    assert not any("Installing" in line for line in runs.told)

    assert runs({**files, "limits.txt": "one\n", "main.py": SHOW.format("one")}).succeeded
    assert runs.printed.startswith("2.0")


def test_an_active_environment_is_neither_used_nor_changed(runs: Runs, tmp_path: Path) -> None:
    make_wheel(runs.wheels, "one", "1.0")
    runs.own |= {"VIRTUAL_ENV": sys.prefix, "PIP_TARGET": str(tmp_path / "elsewhere")}

    assert runs({"main.py": SHOW.format("one"), "requirements.txt": "one\n"}).succeeded

    assert not (tmp_path / "elsewhere").exists()
    assert runs.printed.split()[1].startswith(str(runs.cache))


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_run_goes_on_where_they_can_not_be_installed(runs: Runs, installer: str) -> None:
    runs.uv = installer == "uv"
    runner = runs.runner()
    files = {"main.py": "print('went on')\n", "requirements.txt": "nowhere==1\n"}

    assert runs(files, runner=runner).succeeded
    assert runs.printed == "went on\n"
    [told] = [line for line in runs.told if line.startswith("requirements.txt is not installed")]
    assert "the installer failed, see above" in told
    assert "--own-environment" in told
    assert any("nowhere" in line for line in runs.told if line != told)
    assert not list((runs.cache / "local" / "environments").glob("*/"))

    assert runs(files, runner=runner).succeeded  # The next save of --watch does not try again.
    assert not any("Installing" in line for line in runs.told)


def test_a_python_without_venv_is_told_with_the_way_out(runs: Runs) -> None:
    python = runs.programs / "python3"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *venv*) exit 1;; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)

    assert runs({"main.py": "print(1)\n", "requirements.txt": "one\n"}).succeeded
    assert "can't make a virtual environment" in runs.told[-1]
    assert "apt-get install python3-venv" in runs.told[-1]


def test_no_place_to_keep_them_is_told(runs: Runs) -> None:
    runs.cache.write_text("a file")

    assert runs({"main.py": "print(1)\n", "requirements.txt": "one\n"}).succeeded
    assert runs.told[-1].startswith("requirements.txt is not installed: ")


def test_the_machines_environment_may_be_taken_as_it_is(runs: Runs) -> None:
    files = {"main.py": "import sys\nprint(sys.prefix)\n", "requirements.txt": "one\n"}

    assert runs(files, own_environment=True).succeeded
    assert not runs.cache.exists()
    assert "requirements.txt is not installed (--own-environment)" in runs.told[-1]


def test_a_package_without_requirements_makes_no_environment(runs: Runs) -> None:
    assert runs({"main.py": "print(1)\n", "requirements.txt": "# none yet\n"}).succeeded
    assert not runs.cache.exists()
    assert not any("requirements.txt" in line for line in runs.told)


def test_a_stop_ends_the_installer_with_all_that_it_started(runs: Runs) -> None:
    sign = runs.package.parent / "pid"
    code = (
        "import os, subprocess, time\n"
        f"subprocess.Popen(['sleep', '600']); open({str(sign)!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    make_source(runs.wheels, "one", "1.0", code)

    def stop() -> None:
        wait_until(lambda: sign.exists() and bool(sign.read_text()))
        runs.control.stop.set()

    thread = Thread(target=stop)
    thread.start()
    result = runs({"main.py": "print(1)\n", "requirements.txt": "one\n"})
    thread.join()

    assert result.outcome.state is JobState.STOPPED
    assert runs.printed == ""
    group = int(sign.read_text())
    wait_until(lambda: not Path(f"/proc/{group}/cmdline").exists())
    assert not list((runs.cache / "local" / "environments").glob("*/"))


def test_credentials_reach_no_code_of_an_installation(runs: Runs) -> None:
    seen = runs.package.parent / "seen"
    code = f"open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"
    make_source(runs.wheels, "one", "1.0", code)
    runs.own |= {"GITHUB_TOKEN": "g", "MISE_GITHUB_TOKEN": "g", "CONDA_TOKEN": "c"}

    assert runs({"main.py": "print(1)\n", "requirements.txt": "one\n"}).succeeded

    passed = seen.read_text()
    assert "PIP_FIND_LINKS" in passed
    assert "TOKEN" not in passed
    assert "AU_SECRET" not in passed


def javascript(folder: Path, **more: Any) -> dict[str, str]:
    package = {"name": "demo", "dependencies": {"one": "1.0.0"}, **more}
    entry = make_module(folder, "one", "1.0.0", {})
    return {
        "main.js": "console.log(require('one'), require('@own/two'), __dirname)\n",
        "package.json": json.dumps(package),
        "package-lock.json": json.dumps(make_lock(package, one=entry)),
    }


def test_modules_are_installed_once_and_linked(runs: Runs) -> None:
    npm = runs.use_fake_npm()
    files = javascript(runs.wheels)

    assert runs(files).succeeded, runs.printed
    assert runs.printed.startswith("one two ")
    asked = Path(f"{npm}.asked").read_text().split()
    assert asked[0] == "ci"
    assert {"--omit=dev", "--ignore-scripts"} <= {*asked}
    assert "TOKEN" not in Path(f"{npm}.env").read_text()
    assert "installed in" in runs.told[-1]

    Path(f"{npm}.asked").unlink()
    assert runs({**files, "main.js": "console.log(require('one'))\n"}).succeeded
    assert "kept from before" in runs.told[-1]
    assert not Path(f"{npm}.asked").exists()
    assert not (runs.package / "node_modules").exists()


def test_what_the_package_brings_itself_stays_and_caches_stay_out(runs: Runs) -> None:
    runs.use_fake_npm()
    mine = {
        "node_modules/one/index.js": "module.exports = 'mine'\n",
        "node_modules/@own/three/index.js": "module.exports = 'three'\n",
        "main.js": "const {mkdirSync} = require('fs')\nmkdirSync('node_modules/.cache')\n"
        "console.log(require('one'), require('@own/two'), require('@own/three'))\n",
        "after.sh": "tool\n",
        ".auignore": "!node_modules\n",
    }

    assert runs({**javascript(runs.wheels), **mine}).succeeded, runs.printed
    assert runs.printed == "mine two three\na program\n"
    [modules] = runs.cache.glob("local/environments/node-*/node_modules")
    assert sorted(path.name for path in modules.iterdir()) == [".bin", "@own", "one"]


def test_node_without_npm_and_a_failure_of_npm_are_told(runs: Runs) -> None:
    only_node = runs.package.parent / "only_node"
    only_node.mkdir()
    for program in ("node", "sh", "env", "cat", "date"):
        _link_program(program, only_node)
    runs.own["PATH"] = str(only_node)
    files = {**javascript(runs.wheels), "main.js": "console.log(1)\n"}

    assert runs(files).succeeded, (runs.printed, runs.told)
    assert "npm is not installed on this machine" in runs.told[-1]

    runs.own["PATH"] = f"{runs.programs}:{os.environ['PATH']}"
    runs.use_fake_npm()
    assert runs({**files, **javascript(runs.wheels, description="fails"), "main.js": ""}).succeeded
    assert "npm error no network" in runs.told
    assert runs.told[-1].startswith("package.json is not installed: npm failed, see above.")


def _link_program(name: str, folder: Path) -> None:
    found = next(Path(part) / name for part in os.environ["PATH"].split(":") if _has(part, name))
    (folder / name).symlink_to(found.resolve())


def _has(part: str, name: str) -> bool:
    return (Path(part) / name).is_file()
