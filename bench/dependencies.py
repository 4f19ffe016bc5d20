"""A process with thirty dependencies: its code changes, one dependency more, nothing changes.

Docker installs with pip out of a folder of wheels that lies in its build context, which spares it
the network that our build asks for what is new.
"""

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from au2.cli.command import Session
from au2.cli.packages.package_upload import make_plan
from au2.client.http.transport import Transport
from au2.client.packages.local_package import load_package
from au2.client.packages.upload import begin_upload, send_contents
from au2.client.resources.jobs import wait_for_end
from au2.console.console import Console
from au2.domain.network_retry import RetryBudget
from au2.wire.upload import UploadView
from bench.installation import BASE, Installation
from bench.series import Line, Series, alone, compare
from tests.support.packages.folders import fill_package

REQUIREMENTS = (
    *("attrs==23.2.0", "blinker==1.7.0", "cachetools==5.3.3", "certifi==2024.2.2"),
    *("charset-normalizer==3.3.2", "click==8.1.7", "cloudpickle==3.0.0", "colorama==0.4.6"),
    *("decorator==5.1.1", "filelock==3.13.4", "flask==3.0.3", "idna==3.7", "itsdangerous==2.2.0"),
    *("jinja2==3.1.3", "markupsafe==2.1.5", "more-itertools==10.2.0", "packaging==24.0"),
    *("pyparsing==3.1.2", "python-dateutil==2.9.0.post0", "pytz==2024.1", "pyyaml==6.0.1"),
    *("requests==2.31.0", "six==1.16.0", "sortedcontainers==2.4.0", "tabulate==0.9.0"),
    *("toml==0.10.2", "tqdm==4.66.2", "urllib3==2.2.1", "werkzeug==3.0.2", "zipp==3.18.1"),
)
MORE = (
    *("wcwidth==0.2.13", "pluggy==1.5.0", "iniconfig==2.0.0", "toolz==0.12.1", "xmltodict==0.13.0"),
    *("termcolor==2.4.0", "text-unidecode==1.3", "isodate==0.6.1", "semver==3.0.2"),
    *("pycparser==2.22", "webencodings==0.5.1", "ply==3.11", "mccabe==0.7.0"),
)
"""One is added in each round."""
CODE = "import flask, requests, yaml\nprint('hello')\n"
DOCKERFILE = """\
FROM {base}
COPY wheels /wheels
COPY package/requirements.txt /requirements.txt
RUN python3 /wheels/{pip}/pip install -q --no-index --find-links /wheels --target /packages \\
    -r /requirements.txt
COPY package /package
"""
_ADDED_ROUNDS = 5


def measure_dependencies(installation: Installation, rounds: int) -> list[Line]:
    """Measure uploads of a package with dependencies beside ``docker build`` with its cache."""
    bench = _Bench(installation)
    bench.write(REQUIREMENTS, CODE)
    bench.upload()
    bench.build()
    over_http, command, theirs, unchanged = (Series() for _ in range(4))
    with closing(bench.connect()) as transport:
        for number in range(rounds):
            bench.write(REQUIREMENTS, f"{CODE}# {number} over HTTP\n")
            with over_http.timing():
                bench.upload_over_http(transport)
            bench.write(REQUIREMENTS, f"{CODE}# {number}\n")
            with command.timing():
                bench.upload()
            with unchanged.timing():
                bench.upload()
            with theirs.timing():
                bench.build()
    changed = "code-only change, 30 dependencies, over HTTP → AVAILABLE, beside docker build"
    return [
        compare(changed, over_http, theirs, 0.25),
        compare("    the same, the whole command", command, theirs),
        alone("unchanged upload, whole command", "ms", unchanged, 500),
        bench.measure_one_more(min(rounds, _ADDED_ROUNDS)),
    ]


class _Bench:
    """The package, and Docker's build context around it."""

    def __init__(self, installation: Installation) -> None:
        self._au2, self._docker = installation.au2, installation.docker
        self._context = installation.directory / "dependencies"
        self._package = fill_package(self._au2, self._context / "package", {})
        wheels = self._context / "wheels"
        self._download(wheels, *REQUIREMENTS, *MORE, "pip")
        pip = next(wheels.glob("pip-*.whl")).name
        dockerfile = DOCKERFILE.format(base=BASE, pip=pip)
        (self._context / "Dockerfile").write_text(dockerfile)

    def _download(self, wheels: Path, *requirements: str) -> None:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "-q", "--no-deps"),
                *("--prefer-binary", "-d", str(wheels), *requirements),
            ],
            check=True,
        )

    def write(self, requirements: tuple[str, ...], code: str) -> None:
        (self._package / "requirements.txt").write_text("".join(f"{r}\n" for r in requirements))
        (self._package / "main.py").write_text(code)

    def upload(self) -> None:
        self._au2.ok("process", "repo", "upload", self._package, "--yes", "--wait")

    def connect(self) -> Transport:
        """Return a connection like the command's, with the command's own token."""
        session = Session(Console(sys.stdin, sys.stdout, sys.stderr), self._au2.env)
        self._context_of_user = session.context
        return session.transport

    def upload_over_http(self, transport: Transport) -> None:
        """Do all that the command does, in a process that is warm."""
        package = load_package(self._package)
        process = package.process_id(self._context_of_user)
        plan = make_plan(package, process, new=False, force=False)
        upload = begin_upload(transport, self._context_of_user, plan)
        assert isinstance(upload, UploadView)
        budget = RetryBudget(pause=time.sleep, clock=time.monotonic)
        job = send_contents(transport, upload, plan, lambda _: None, budget)
        assert job is not None
        assert wait_for_end(transport, job.id, budget=budget, pause=time.sleep).succeeded

    def build(self) -> None:
        self._docker.ok("build", "-q", "-t", "bench/dependencies", self._context)

    def measure_one_more(self, rounds: int) -> Line:
        """One more dependency in each round: Docker has its wheel already, we fetch it."""
        ours, theirs = Series(), Series()
        for number in range(rounds):
            self.write((*REQUIREMENTS, *MORE[: number + 1]), CODE)
            with ours.timing():
                self.upload()
            with theirs.timing():
                self.build()
        return compare(
            "one more dependency, fetched, beside docker build (its wheel is there)",
            ours,
            theirs,
            0.5,
        )
