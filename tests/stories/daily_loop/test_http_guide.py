"""The walk of the page "Over HTTP": its shell lines, against a real server."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.support.checkout import ROOT, RUNTIME_NAME
from tests.support.commands.people import People
from tests.support.servers.server_process import EMAIL, PASSWORD, PROJECT

PAGE = ROOT / "docs" / "guides" / "http.md"
ADDRESS = "https://au2.example.org"


def script_of_page() -> str:
    """The shell lines of the page, in their order."""
    return "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE))


def test_the_walk_with_curl(people: People, tmp_path: Path) -> None:
    script = script_of_page()
    assert ADDRESS in script
    assert f'"{PROJECT}"' in script
    assert RUNTIME_NAME in script

    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script.replace(ADDRESS, people.server.url)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "EMAIL": EMAIL, "PASSWORD": PASSWORD},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    state, reason, *events, output = done.stdout.splitlines()
    assert (state, reason) == ("SUCCEEDED", "null")
    log = next(line for line in events if "looking" in line)
    # Lines written at about the same time come in one event.
    records = json.loads(log.removeprefix("data: "))["records"]
    assert ("stdout", "looking 7 days ahead") in [(r["stream"], r["text"]) for r in records]
    assert "event: end" in events
    assert json.loads(output) == {"sales": [100, 101, 102, 103, 104, 105, 106]}
