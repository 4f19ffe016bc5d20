"""The walk of a data scientist: up to three commands to a run here, up to eight to a job."""

import json
from pathlib import Path

from tests.support.commands.command import Au2
from tests.support.commands.people import People

FIRST_RUN = (
    "process repo init forecast --runtime Python3.11 --yes",
    "cd forecast",
    "process repo run --arg name=Ada",
)
"""Without a server."""
FIRST_JOB = (
    "login --email {email} --password-stdin",
    "process repo upload --yes --wait",
    "process run --arg name=Ada --follow",
    "job output",
)
GREETING = {"message": "Hello, Ada!", "times": 3}


def test_first_run_and_first_job(people: People, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    nobody = Au2(home / "config", "", home, {"HOME": str(home)})
    assert len(FIRST_RUN) <= 3
    assert len(FIRST_RUN) + len(FIRST_JOB) <= 8
    made, _, run = FIRST_RUN

    nobody.ok(*made.split())
    here = nobody.inside(home / "forecast")
    ran = here.ok(*run.split())

    assert ran.text.splitlines()[:3] == ["Hello, Ada!"] * 3
    assert json.loads("".join(ran.text.splitlines()[3:])) == GREETING

    email, password = invite(people, "developer")
    person = Au2(home / "config", people.server.url, here.cwd, {"HOME": str(home)})
    login, upload, submit, output = FIRST_JOB
    logged_in = person.ok(*login.format(email=email).split(), stdin=password)
    assert "The context is now: " in logged_in.errors
    assert "Version 1 is AVAILABLE" in person.ok(*upload.split()).errors
    followed = person.ok(*submit.split())
    assert followed.text.splitlines()[1:] == ["Hello, Ada!"] * 3
    assert "Process forecast (aunsight.yml)." in followed.errors
    assert json.loads(person.ok(*output.split()).text) == GREETING


def invite(people: People, role: str) -> tuple[str, bytes]:
    """Make a member of one project only; return the address and the initial password."""
    email = "first-hour@example.com"
    added = people.admin().json("member", "add", email, "--role", role)
    return email, added["initial_password"].encode() + b"\n"
