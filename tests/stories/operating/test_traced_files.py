"""The number of files of ``src/au2`` that one upload of a package and one run go through.

A reader who follows either must open so many. The numbers rise only with what a flow newly does,
like ``packages.txt`` and the process of the folder; a few files depend on what was waited for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.commands.people import MakePeople
from tests.support.packages.folders import run_to_end, upload_package
from tests.support.servers.fixtures import MakeServer

SOURCE = ROOT / "src" / "au2"
MOST_OF_AN_UPLOAD = 178
MOST_OF_A_RUN = 164
_HOOK = ROOT / "tests" / "support" / "function_trace"


@dataclass(frozen=True, slots=True)
class Trace:
    """Files with a function that was called while one of its blocks ran, in any process of au2."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """Variables of the processes to trace."""
        return {
            "PYTHONPATH": str(_HOOK),
            "TRACE_FOLDER": str(self.folder),
            "TRACE_SOURCE": f"{SOURCE}/",
        }

    @contextmanager
    def recorded(self) -> Iterator[set[str]]:
        """Record, and fill the set with the files' paths below ``src/au2``."""
        found: set[str] = set()
        begin = self.folder / "begin"
        begin.touch()
        yield found
        begin.unlink()
        for record in self.folder.iterdir():
            lines = record.read_text().splitlines()
            found.update(str(Path(line).relative_to(SOURCE)) for line in lines)


def check(what: str, found: set[str], most: int) -> None:
    """Print the files by package, and hold the limit."""
    print(f"{what}: {len(found)} files")
    print(*sorted(found), sep="\n")
    # A trace that recorded nothing of one of the processes would hold any limit.
    assert {name.partition("/")[0] for name in found} >= {"cli", "http", "dispatcher", "stores"}
    assert len(found) <= most


@pytest.mark.parametrize(("what", "most"), [("upload", MOST_OF_AN_UPLOAD), ("run", MOST_OF_A_RUN)])
def test_files_that_are_gone_through(
    what: str,
    most: int,
    make_server: MakeServer,
    make_people: MakePeople,
    make_package: Callable[..., Path],
    tmp_path: Path,
) -> None:
    trace = Trace(tmp_path / "trace")
    trace.folder.mkdir()
    server = make_server()
    server.env.update(trace.env)
    server.start()
    plain = make_people(server).admin()
    au2 = replace(plain, extra_env=trace.env)
    directory = make_package(plain, {"main.py": "print('hello')\n"})
    if what == "upload":
        with trace.recorded() as found:
            upload_package(au2, directory)
    else:
        uploaded = upload_package(plain, directory)
        with trace.recorded() as found:
            run_to_end(au2, uploaded)
    check(what, found, most)
