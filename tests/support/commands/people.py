"""Fixtures: people with their own ``au2``, logged in, with a role."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.commands.command import Au2
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class People:
    """Makes people of one server. Each has an own configuration file."""

    server: ServerProcess
    directory: Path
    known: dict[str, Au2] = field(default_factory=dict)

    def anonymous(self) -> Au2:
        """``au2`` of a user without a login."""
        name = f"person-{next(_numbers)}"
        return Au2(self.directory / f"{name}.toml", self.server.url, self.directory)

    def login(self, email: str, password: str) -> Au2:
        """``au2`` of a user with a login and without a context."""
        au2 = self.anonymous()
        au2.ok("login", "--email", email, "--password-stdin", stdin=password.encode() + b"\n")
        return au2

    def admin(self) -> Au2:
        """The first user, in the first project."""
        au2 = self.login(EMAIL, PASSWORD)
        au2.ok("context", "set", self.server.ids["organization"], self.server.ids["project"])
        return au2

    def member(self, role: str, *, of: Au2 | None = None) -> Au2:
        """A new user with ``role`` in the context that ``of`` (the admin) has set."""
        inviter = of or self.admin()
        email = f"{role}-{next(_numbers)}@example.com"
        added = inviter.json("member", "add", email, "--role", role)
        au2 = self.login(email, added["initial_password"])
        context = inviter.json("context", "show")
        au2.ok("context", "set", *filter(None, (context["organization"], context["project"])))
        return au2


MakePeople = Callable[[ServerProcess], People]


@pytest.fixture
def make_people(tmp_path: Path) -> MakePeople:
    """People of whatever server a test made."""
    return lambda server: People(server, tmp_path)


@pytest.fixture
def people(server: ServerProcess, make_people: MakePeople) -> People:
    """People of the shared server."""
    return make_people(server)


@pytest.fixture
def au2(people: People) -> Au2:
    """The ``au2`` of an admin, logged in, with a context, working in the test's folder."""
    return people.admin()
