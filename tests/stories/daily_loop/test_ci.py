"""The pipelines of the page "In CI": each command, with the page's variables and nothing else."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.checkout import AU2, ROOT, RUNTIME_NAME
from tests.support.commands.people import People
from tests.support.servers.server_process import ORGANIZATION, PROJECT

PAGE = ROOT / "docs" / "guides" / "ci.md"
CODE = """\
import json, os

assert "AU_TOKEN" not in os.environ
with open(os.environ["AU_ARGS_FILE"]) as file:
    print("days:", json.load(file)["days"])
"""


def pipelines() -> dict[str, Any]:
    """Return the examples of the page by their system."""
    github, gitlab = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    yaml = YAML(typ="safe", pure=True)
    return {"github": yaml.load(github), "gitlab": yaml.load(gitlab)}


def commands_of(system: str) -> Iterator[str]:
    """Yield the shell commands of a pipeline."""
    pipeline = pipelines()[system]
    if system == "gitlab":
        yield from pipeline["forecast"]["script"]
        return
    for step in pipeline["jobs"]["upload"]["steps"]:
        if "run" in step:
            yield step["run"]


def variables_of(system: str) -> dict[str, str]:
    """Return the variables of a pipeline, without the token."""
    pipeline = pipelines()[system]
    owner = pipeline["jobs"]["upload"] if system == "github" else pipeline["forecast"]
    stated = owner["env" if system == "github" else "variables"]
    return {name: value for name, value in stated.items() if name != "AU_TOKEN"}


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_a_pipeline_uploads_publishes_and_runs(people: People, tmp_path: Path, system: str) -> None:
    owner = people.member("developer")
    token = owner.json("token", "create", system)["token"]
    package = tmp_path / "forecast"
    name = f"forecast-{system}"
    words = ("process", "repo", "init", package, "--name", name, "--runtime", RUNTIME_NAME)
    owner.ok(*words, "--description", "", "--yes")
    (package / "main.py").write_text(CODE)
    (package / "args.schema.yml").write_text("type: object\n")
    (package / "out.schema.yml").unlink()
    environment = variables_of(system)
    assert (environment["AU_ORGANIZATION"], environment["AU_PROJECT"]) == (ORGANIZATION, PROJECT)
    environment |= {"AU_SERVER": owner.server_url, "AU_TOKEN": token}
    environment |= {"GITHUB_SHA": "cafe", "CI_COMMIT_SHORT_SHA": "cafe"}
    environment["PATH"] = f"{AU2.parent}:{os.environ['PATH']}"

    said = ""
    for command in commands_of(system):
        if " pip install " in command:
            continue  # A test of its own installs the wheel.
        typed = command.replace("run forecast", f"run {name}")
        done = subprocess.run(
            ["bash", "-c", typed],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (typed, done.stdout, done.stderr)
        said += done.stdout

    assert "days: 7" in said
    (version,) = owner.json("process", "version", "list", name)
    assert version["description"] == "cafe"
    assert version["published_at"] is not None
