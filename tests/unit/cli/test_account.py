"""Logging in and out, contexts, tokens: what is asked, kept and shown."""

import stat
from pathlib import Path

import pytest

from au2.cli.configuration import ServerEntry
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import NOW, ORGANIZATION, PROJECT, Answer, Api

TOKEN = {
    "id": "t1",
    "kind": "login",
    "name": "",
    "created_at": NOW,
    "expires_at": "2026-03-05T05:06:07Z",
    "last_used_at": None,
}
ACCOUNT = {
    "id": "u1",
    "email": "me@example.org",
    "is_operator": True,
    "memberships": [
        {
            "organization": ORGANIZATION,
            "organization_name": "Acme",
            "project": PROJECT,
            "project_name": "Forecasting",
            "role": "admin",
        }
    ],
}
ORGANIZATION_DOCUMENT = {"id": ORGANIZATION, "name": "Acme", "created_at": NOW}
PROJECT_DOCUMENT = {
    "id": PROJECT,
    "name": "Forecasting",
    "organization": ORGANIZATION,
    "created_at": NOW,
}


def test_login_from_stdin(api: Api, anonymous: CommandLine) -> None:
    api.answer("POST /login", TOKEN | {"token": "s3cret"})

    result = anonymous.ok("login", "--email", "me@x.org", "--password-stdin", stdin=b" p w \r\n")

    assert api.requests[0].document == {"email": "me@x.org", "password": " p w "}
    assert "authorization" not in api.requests[0].headers
    assert result.out == b""
    assert "me@x.org until 2026-03-05 05:06 UTC" in result.errors
    assert "s3cret" not in result.errors
    assert anonymous.configuration.servers[api.url] == ServerEntry(token="s3cret", email="me@x.org")
    assert anonymous.configuration.server == api.url


def test_the_file_is_only_for_its_owner(api: Api, anonymous: CommandLine) -> None:
    api.answer("POST /login", TOKEN | {"token": "s"})
    anonymous.config_file.parent.mkdir()
    anonymous.config_file.write_text('{"servers": {}}')
    anonymous.config_file.chmod(0o644)

    anonymous.ok("login", "--email", "me@x.org", "--password-stdin", stdin=b"p")

    assert stat.S_IMODE(anonymous.config_file.stat().st_mode) == 0o600
    assert [path.name for path in anonymous.config_file.parent.iterdir()] == ["au2.json"]


def test_a_link_to_the_file_stays_a_link(api: Api, anonymous: CommandLine, tmp_path: Path) -> None:
    api.answer("POST /login", TOKEN | {"token": "s"})
    anonymous.config_file.parent.mkdir()
    anonymous.config_file.symlink_to(tmp_path / "elsewhere.json")

    anonymous.ok("login", "--email", "me@x.org", "--password-stdin", stdin=b"p")

    assert anonymous.config_file.is_symlink()
    assert anonymous.configuration.server == api.url


def test_a_wrong_password_changes_nothing(api: Api, au2: CommandLine) -> None:
    before = au2.configuration
    api.fail("POST /login", 401, "wrong-password", "The email address or the password is wrong.")

    result = au2("login", "--email", "me@x.org", "--password-stdin", stdin=b"p")

    assert result.exit_code == 4
    assert "hint" not in result.errors  # "log in" would be no news
    assert au2.configuration == before


def test_servers_are_kept_apart(api: Api, au2: CommandLine) -> None:
    api.answer("POST /login", TOKEN | {"token": "other"})
    same_elsewhere = api.url.replace("127.0.0.1", "localhost")

    au2.ok("login", "--server", same_elsewhere, "--email", "x@x", "--password-stdin", stdin=b"p")

    assert au2.configuration.servers[api.url].token == "secret"
    assert au2.configuration.servers[same_elsewhere].token == "other"
    del au2.environment["AU_SERVER"]
    assert same_elsewhere in au2.ok("context", "show").text


def test_which_server_wins(api: Api, au2: CommandLine) -> None:
    au2.environment["AU_SERVER"] = "http://from.environment"
    assert "http://from.environment" in au2.ok("context", "show").text
    assert "http://a.flag" in au2.ok("context", "show", "--server", "a.flag").text
    assert "http://a.flag" in au2.ok("--server", "a.flag", "context", "show").text
    del au2.environment["AU_SERVER"]
    assert api.url in au2.ok("context", "show").text


@pytest.mark.parametrize("status", [204, 401])
def test_logout(api: Api, au2: CommandLine, status: int) -> None:
    api.routes["DELETE /tokens/current"] = Answer(status)

    au2.ok("logout")

    entry = au2.configuration.servers[api.url]
    assert entry.token is None
    assert entry.organization == ORGANIZATION
    assert au2.ok("logout").errors.startswith("You are not logged in")


def test_logout_without_a_server_forgets_the_token(api: Api, au2: CommandLine) -> None:
    api.fail("DELETE /tokens/current", 503, "server-unreachable", "Down.")

    assert au2("logout").exit_code == 6
    assert au2.configuration.servers[api.url].token is None


def test_a_managed_token_outlives_a_logout(api: Api, anonymous: CommandLine) -> None:
    api.answer("GET /tokens/current", TOKEN | {"kind": "managed"})
    api.answer("GET /account", ACCOUNT)

    anonymous.ok("context", "set", "managed-token", "--stdin", stdin=b"m4naged\n")
    assert api.requests[0].headers["authorization"] == "Bearer m4naged"
    assert anonymous.configuration.servers[api.url].is_managed

    anonymous.ok("logout")
    assert not api.of("DELETE /tokens/current")


@pytest.mark.parametrize("token", [b"", b"two\nlines", b"\xc3\xa4"])
def test_what_is_no_token(anonymous: CommandLine, token: bytes) -> None:
    result = anonymous("context", "set", "managed-token", "--stdin", stdin=token)

    assert result.exit_code == 2
    assert "not a token" in result.errors


def test_renew(api: Api, au2: CommandLine) -> None:
    api.answer("POST /tokens/renew", TOKEN | {"token": "fresh"})

    for words in (["renew"], ["context", "renew"]):
        au2.ok(*words)

    assert au2.configuration.servers[api.url].token == "fresh"
    assert api.requests[1].headers["authorization"] == "Bearer fresh"


def test_context_by_guid_and_by_name(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET /organizations/{ORGANIZATION}", ORGANIZATION_DOCUMENT)
    api.answer("GET /organizations", [ORGANIZATION_DOCUMENT])
    api.answer(f"GET /organizations/{ORGANIZATION}/projects", [PROJECT_DOCUMENT])

    au2.ok("context", "set", ORGANIZATION.upper())
    assert au2.configuration.servers[api.url].project is None
    for words in ([ORGANIZATION, PROJECT.upper()], ["Acme", "Forecasting"]):
        au2.ok("context", "set", *words)
        assert au2.configuration.servers[api.url].project == PROJECT

    assert au2.ok("context", "show").text == (
        "┌───────────────────┬──────────────────────────────────────┐\n"
        f"│ server            │ {api.url:36} │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        "│ profile           │                                      │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        "│ email             │ me@example.org                       │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        f"│ organization      │ {ORGANIZATION} │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        "│ organization_name │ Acme                                 │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        f"│ project           │ {PROJECT} │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        "│ project_name      │ Forecasting                          │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        "│ token_from        │ configuration                        │\n"
        "├───────────────────┼──────────────────────────────────────┤\n"
        "│ context_from      │ configuration                        │\n"
        "└───────────────────┴──────────────────────────────────────┘\n"
    )


def test_an_unknown_context_is_not_set(api: Api, au2: CommandLine) -> None:
    before = au2.configuration
    api.answer("GET /organizations", [])
    api.answer(f"GET /organizations/{ORGANIZATION}", ORGANIZATION_DOCUMENT)
    api.answer(f"GET /organizations/{ORGANIZATION}/projects", [])

    for words in (["Nowhere"], [PROJECT], [ORGANIZATION, PROJECT]):
        assert au2("context", "set", *words).exit_code == 3
    assert au2.configuration == before


def test_a_context_whose_name_is_shared(api: Api, au2: CommandLine) -> None:
    api.answer("GET /organizations", [ORGANIZATION_DOCUMENT, ORGANIZATION_DOCUMENT | {"id": "o2"}])

    result = au2("context", "set", "Acme")

    assert result.exit_code == 5
    assert ORGANIZATION in result.errors
    assert "o2" in result.errors


def test_whoami_and_token_info(api: Api, au2: CommandLine) -> None:
    api.answer("GET /account", ACCOUNT)
    api.answer("GET /tokens/current", TOKEN)

    for prefix in ([], ["context"]):
        assert "Acme / Forecasting: admin" in au2.ok(*prefix, "whoami").text
        assert au2.ok(*prefix, "whoami", "-o", "json").document == ACCOUNT
        assert au2.ok(*prefix, "token-info", "-o", "json").document == TOKEN
    assert "secret" not in au2.ok("token-info").text


def test_tokens(api: Api, au2: CommandLine) -> None:
    managed = TOKEN | {"id": "t2", "kind": "managed", "name": "nightly"}
    api.answer("POST /tokens", managed | {"token": "shown-once"})
    api.answer("GET /tokens", [TOKEN, managed])
    api.routes["DELETE /tokens/t2"] = Answer(204)

    made = au2.ok("token", "create", "nightly", "--expires", "2030-01-31")
    assert "shown-once" in made.text
    assert api.requests[0].document == {"name": "nightly", "expires_at": "2030-01-31T00:00:00Z"}
    au2.ok("token", "create", "nightly", "--expires", "90d")
    assert api.requests[1].document["expires_at"] > "2026"

    assert [token["id"] for token in au2.ok("token", "list", "-o", "json").document] == ["t1", "t2"]
    au2.ok("token", "delete", "nightly")
    au2.ok("token", "delete", "t2")
    assert len(api.of("DELETE /tokens/t2")) == 2
    # A word of the API must not pass for a name: this would end the login itself.
    assert au2("token", "delete", "current").exit_code == 3


def test_organizations_projects_members(api: Api, au2: CommandLine) -> None:
    member = {"email": "you@x.org", "role": "viewer", "project": PROJECT}
    api.answer("GET /organizations", [ORGANIZATION_DOCUMENT])
    api.answer("POST /organizations", ORGANIZATION_DOCUMENT)
    api.answer(f"GET /organizations/{ORGANIZATION}/projects", [PROJECT_DOCUMENT])
    api.answer(f"POST /organizations/{ORGANIZATION}/projects", PROJECT_DOCUMENT)
    api.answer("GET /members", [member])
    api.answer("POST /members", member | {"initial_password": "first"})
    api.routes["DELETE /members/you%40x.org"] = Answer(204)

    listed = au2.ok("organization", "list", "-o", "json").document
    assert listed == [ORGANIZATION_DOCUMENT]
    assert au2.ok("organization", "create", "Acme", "-o", "json").document["id"] == ORGANIZATION
    assert au2.ok("project", "list", "-o", "json").document == [PROJECT_DOCUMENT]
    assert "Forecasting" in au2.ok("project", "create", "Forecasting").text
    assert au2.ok("member", "list", "-o", "json").document == [member]
    added = au2.ok("member", "add", "you@x.org", "--role", "viewer")
    assert "first" in added.text
    assert "au2 password" in added.errors
    assert au2.ok("member", "remove", "you@x.org").out == b""
    assert au2("member", "add", "you@x.org", "--role", "king").exit_code == 2


def test_organizations_and_projects_are_renamed(api: Api, au2: CommandLine) -> None:
    path = f"/organizations/{ORGANIZATION}"
    api.answer("GET /organizations", [ORGANIZATION_DOCUMENT])
    api.answer(f"GET {path}/projects", [PROJECT_DOCUMENT])
    api.answer(f"PATCH {path}", ORGANIZATION_DOCUMENT | {"name": "Research"})
    api.answer(f"PATCH {path}/projects/{PROJECT}", PROJECT_DOCUMENT | {"name": "Demand"})
    organization, project = str(ORGANIZATION_DOCUMENT["name"]), str(PROJECT_DOCUMENT["name"])

    assert "Research" in au2.ok("organization", "rename", organization, "Research").text
    assert "Demand" in au2.ok("project", "rename", project, "Demand").text
    assert api.of(f"PATCH {path}")[0].document == {"name": "Research"}
    assert au2("organization", "rename", "Nowhere", "x").exit_code == 3
    assert au2("project", "rename", "Nowhere", "x").exit_code == 3


def test_a_deletion_is_asked_about_and_names_what_goes(api: Api, au2: CommandLine) -> None:
    path = f"/organizations/{ORGANIZATION}"
    api.answer("GET /organizations", [ORGANIZATION_DOCUMENT])
    api.answer(f"GET {path}/projects", [PROJECT_DOCUMENT])
    api.routes[f"DELETE {path}"] = api.routes[f"DELETE {path}/projects/{PROJECT}"] = Answer(204)
    organization, project = str(ORGANIZATION_DOCUMENT["name"]), str(PROJECT_DOCUMENT["name"])

    unanswered = au2("project", "delete", project)
    deleted = au2.ok("project", "delete", project, "--with-contents", project, "--yes")
    document = au2.ok("organization", "delete", organization, "--yes", "-o", "json").document

    assert unanswered.exit_code == 2
    assert "--yes" in unanswered.errors
    assert f"Project '{project}' is deleted." in deleted.errors
    assert api.of(f"DELETE {path}/projects/{PROJECT}")[0].query == {"name": project}
    assert document == {"deleted": ORGANIZATION}
    assert api.of(f"DELETE {path}")[0].query == {}


def test_questions_are_asked_at_a_terminal(api: Api, anonymous: CommandLine) -> None:
    api.answer("POST /login", TOKEN | {"token": "s"})

    result = anonymous("login", "--password-stdin", typed="\nme@x.org\np4ss\n")

    assert result.exit_code == 0, result
    assert "Email: Email: " in result.errors
    assert api.requests[0].document == {"email": "me@x.org", "password": "p4ss"}


def test_password_from_stdin(api: Api, au2: CommandLine) -> None:
    api.routes["PUT /account/password"] = Answer(204)
    before = au2.configuration

    result = au2.ok("password", "--stdin", stdin=b" old pw \r\nnew and long\n")

    assert api.requests[0].document == {
        "current_password": " old pw ",
        "new_password": "new and long",
    }
    assert result.out == b""
    assert "new and long" not in result.errors
    assert au2.configuration == before


@pytest.mark.parametrize(
    ("stdin", "exit_code"),
    [
        (b"", 2),
        (b"old", 2),
        (b"old\nnew and long\nmore\n", 2),
        (b"old\n2 short\n", 2),
        (b"old\n" + b"x" * 1025, 2),
        (b"x" * 5000, 2),
        (b"x" * 1025 + b"\nnew and long\n", 4),
    ],
)
def test_what_is_no_pair_of_passwords(
    api: Api, au2: CommandLine, stdin: bytes, exit_code: int
) -> None:
    assert au2("password", "--stdin", stdin=stdin).exit_code == exit_code
    assert api.requests == []


def test_a_wrong_present_password(api: Api, au2: CommandLine) -> None:
    api.fail("PUT /account/password", 401, "wrong-password", "The present password is wrong.")

    result = au2("password", "--stdin", stdin=b"old\nnew and long\n")

    assert result.exit_code == 4
    assert "present password is wrong" in result.errors


def test_a_password_is_not_asked_for_without_a_terminal(api: Api, au2: CommandLine) -> None:
    result = au2("password")

    assert result.exit_code == 2
    assert "--stdin" in result.errors
    assert api.requests == []
