"""Server, token and context of a command: options, variables, profiles, the configuration."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import NOW, ORGANIZATION, PROCESS, PROJECT, Answer, Api, Request

OTHER = "cc76d137-acf6-488f-80a7-a1db6c9d9cd7"
NO_ID = "00000000-0000-0000-0000-000000000000"
LOGIN = {
    "id": "t1",
    "kind": "login",
    "name": "",
    "created_at": NOW,
    "expires_at": "2026-03-05T05:06:07Z",
    "last_used_at": None,
    "token": "fresh",
}


def context_of(request: Request) -> dict[str, str]:
    """Return the parameters of the query that name the context."""
    return {
        name: request.query[name] for name in ("organization", "project") if name in request.query
    }


def context(project: str | None = None, **changes: object) -> dict[str, object]:
    return {
        "organization": ORGANIZATION,
        "organization_name": "Acme",
        "project": project,
        "project_name": None if project is None else "Forecasting",
        "role": "developer",
        **changes,
    }


@pytest.fixture
def ci(api: Api, tmp_path: Path) -> CommandLine:
    """``au2`` with variables only: no home folder, no configuration file."""
    environment = {"AU_SERVER": api.url, "AU_TOKEN": "m4naged", "AU_ORGANIZATION": ORGANIZATION}
    return CommandLine(tmp_path / "none.json", environment)


def test_variables_alone_are_enough(api: Api, ci: CommandLine) -> None:
    api.answer("GET /processes", [])

    ci.ok("process", "list")

    (request,) = api.requests
    assert request.headers["authorization"] == "Bearer m4naged"
    assert context_of(request) == {"organization": ORGANIZATION}


def test_the_token_variable_wins_over_the_login(api: Api, au2: CommandLine) -> None:
    api.answer("GET /processes", [])
    au2.environment["AU_TOKEN"] = " m4naged\n"

    au2.ok("process", "list")

    assert api.requests[0].headers["authorization"] == "Bearer m4naged"
    assert context_of(api.requests[0]) == {"organization": ORGANIZATION, "project": PROJECT}


@pytest.mark.parametrize("token", ["two words", "tok\x00en", "ä", "a\r\nX-Header: 1"])
def test_a_variable_that_holds_no_token(api: Api, ci: CommandLine, token: str) -> None:
    ci.environment["AU_TOKEN"] = token

    result = ci("process", "list")

    assert result.exit_code == 2
    assert "AU_TOKEN" in result.errors
    assert not api.requests


def test_a_refused_token_variable_is_named(api: Api, ci: CommandLine) -> None:
    api.fail("GET /processes", 401, "token-expired", "The token has expired.")

    result = ci("process", "list", "-o", "json")

    assert result.exit_code == 4
    assert "AU_TOKEN" in json.loads(result.err)["error"]["hint"]


@pytest.mark.parametrize("words", [("logout",), ("renew",)])
def test_a_login_is_left_alone_under_the_token_variable(
    api: Api, au2: CommandLine, words: tuple[str, ...]
) -> None:
    before = au2.configuration
    au2.environment["AU_TOKEN"] = "m4naged"

    result = au2(*words)

    assert result.exit_code == 2
    assert "AU_TOKEN is set" in result.errors
    assert au2.configuration == before
    assert not api.requests


def test_an_organization_drops_the_project_of_a_weaker_source(api: Api, au2: CommandLine) -> None:
    api.answer("GET /processes", [])

    au2.ok("process", "list", "--organization", OTHER)
    au2.environment["AU_PROJECT"] = OTHER
    au2.ok("process", "list")
    au2.environment["AU_ORGANIZATION"] = OTHER
    del au2.environment["AU_PROJECT"]
    au2.ok("process", "list")
    au2.ok("process", "list", "--project", PROJECT)

    assert [context_of(request) for request in api.requests] == [
        {"organization": OTHER},
        {"organization": ORGANIZATION, "project": OTHER},
        {"organization": OTHER},
        {"organization": OTHER, "project": PROJECT},
    ]


def test_names_serve_as_well_as_guids(api: Api, ci: CommandLine) -> None:
    organization = {"id": ORGANIZATION, "name": "Acme", "created_at": NOW}
    project = {"id": PROJECT, "name": "N", "organization": ORGANIZATION, "created_at": NOW}
    api.answer("GET /organizations", [organization])
    api.answer(f"GET /organizations/{ORGANIZATION}/projects", [project])
    api.answer("GET /processes", [])

    ci.ok("process", "list", "--organization", "Acme", "--project", "N")
    assert ci("process", "list", "--organization", "Nowhere").exit_code == 3

    asked = context_of(api.of("GET /processes")[0])
    assert asked == {"organization": ORGANIZATION, "project": PROJECT}


def test_an_empty_option_is_refused(api: Api, au2: CommandLine) -> None:
    result = au2("process", "list", "--organization", "")

    assert result.exit_code == 2
    assert "variable" in result.errors
    assert not api.requests


def test_a_local_run_has_no_organization(api: Api, ci: CommandLine) -> None:
    ci.environment["AU_ORGANIZATION"] = NO_ID

    result = ci("process", "list")

    assert result.exit_code == 2
    assert "local run" in result.errors


def test_a_profile_is_a_server_a_login_and_a_context(api: Api, au2: CommandLine) -> None:
    api.answer("POST /login", LOGIN)
    api.answer("GET /account/contexts", [context()])
    api.answer("GET /processes", [])
    before = au2.configuration.servers
    words = ("--email", "ci@example.org", "--password-stdin")
    au2.ok("login", "--profile", "prod", "--server", api.url, *words, stdin=b"p")
    del au2.environment["AU_SERVER"]

    au2.ok("process", "list", "--profile", "prod")
    au2.environment["AU_PROFILE"] = "prod"
    au2.ok("process", "list")

    for request in api.of("GET /processes"):
        assert request.headers["authorization"] == "Bearer fresh"
        assert context_of(request) == {"organization": ORGANIZATION}
    assert au2.configuration.servers == before
    shown = au2.ok("context", "show", "-o", "json").document
    assert (shown["profile"], shown["email"]) == ("prod", "ci@example.org")


def test_a_profiles_token_goes_to_its_server_only(api: Api, au2: CommandLine) -> None:
    api.answer("POST /login", LOGIN)
    api.answer("GET /account/contexts", [context()])
    words = ("--email", "ci@example.org", "--password-stdin")
    au2.ok("login", "--profile", "prod", *words, stdin=b"p")
    elsewhere = api.url.replace("127.0.0.1", "localhost")

    result = au2("process", "show", PROCESS, "--profile", "prod", "--server", elsewhere)

    assert result.exit_code == 4
    assert f"au2 --server {elsewhere} --profile prod login" in result.errors.replace(
        f"--profile prod --server {elsewhere}", f"--server {elsewhere} --profile prod"
    )


@pytest.mark.parametrize("name", ["../x", "a b", "", "x" * 65, "\x1b[2J"])
def test_what_is_no_profile(api: Api, au2: CommandLine, name: str) -> None:
    result = au2("process", "list", "--profile", name)

    assert result.exit_code == 2
    assert "\x1b" not in result.errors


def test_an_unknown_profile_says_how_to_make_it(au2: CommandLine) -> None:
    del au2.environment["AU_SERVER"]

    result = au2("process", "list", "--profile", "prod")

    assert result.exit_code == 2
    assert "au2 login --profile prod --server URL" in result.errors


def test_a_login_takes_the_only_context(api: Api, anonymous: CommandLine) -> None:
    api.answer("POST /login", LOGIN)
    api.answer("GET /account/contexts", [context(PROJECT)])
    words = ("login", "--email", "me@x.org", "--password-stdin", "-o", "json")

    result = anonymous.ok(*words, stdin=b"p")

    assert result.document == {
        "server": api.url,
        "profile": None,
        "email": "me@x.org",
        "expires_at": "2026-03-05T05:06:07Z",
        "organization": ORGANIZATION,
        "organization_name": "Acme",
        "project": PROJECT,
        "project_name": "Forecasting",
    }
    assert anonymous.configuration.servers[api.url].project == PROJECT


def test_a_login_lists_several_contexts(api: Api, anonymous: CommandLine) -> None:
    api.answer("POST /login", LOGIN)
    api.answer("GET /account/contexts", [context(), context(PROJECT)])

    result = anonymous.ok("login", "--email", "me@x.org", "--password-stdin", stdin=b"p")

    assert "Acme / Forecasting" in result.errors
    assert "au2 context set ORGANIZATION [PROJECT]" in result.errors
    assert anonymous.configuration.servers[api.url].organization is None


def test_a_login_drops_the_context_of_another_account(api: Api, au2: CommandLine) -> None:
    api.answer("POST /login", LOGIN)
    api.answer("GET /account/contexts", [context(OTHER, project_name="Other")])

    au2.ok("login", "--email", "you@x.org", "--password-stdin", stdin=b"p")

    assert au2.configuration.servers[api.url].project == OTHER


def test_the_list_of_contexts_marks_the_present_one(api: Api, au2: CommandLine) -> None:
    api.answer("GET /account/contexts", [context(), context(PROJECT)])

    listed = au2.ok("context", "list", "-o", "json").document

    assert [found["present"] for found in listed] == [False, True]
    assert "Forecasting" in au2.ok("context", "list").text


def test_a_bare_set_offers_a_choice(api: Api, au2: CommandLine) -> None:
    api.answer("GET /account/contexts", [context(), context(PROJECT)])

    chosen = au2("context", "set", typed="1\n")
    without = au2("context", "set")

    assert chosen.exit_code == 0, chosen
    assert au2.configuration.servers[api.url].project is None
    assert without.exit_code == 2
    assert "Acme / Forecasting" in without.errors


def test_a_member_of_a_project_only_is_told(api: Api, au2: CommandLine) -> None:
    organization = {"id": ORGANIZATION, "name": "Acme & Co", "created_at": NOW}
    api.answer("GET /organizations", [organization])
    api.answer("GET /account/contexts", [context(PROJECT, organization_name="Acme & Co")])

    told = au2.ok("context", "set", "Acme & Co").errors

    assert "member of projects" in told
    assert "au2 context set 'Acme & Co' Forecasting" in told


def test_hints_repeat_the_server(api: Api, au2: CommandLine) -> None:
    elsewhere = api.url.replace("127.0.0.1", "localhost")

    for words in (("process", "list", "--server", elsewhere), ("--server", elsewhere, "whoami")):
        result = au2(*words)
        assert f"au2 --server {elsewhere} login" in result.errors


def test_logging_in_under_the_token_variable_says_what_wins(api: Api, ci: CommandLine) -> None:
    ci.environment["AU_CONFIG_FILE"] = str(ci.config_file)
    api.answer("POST /login", LOGIN)
    api.routes["GET /account/contexts"] = Answer(404)

    told = ci.ok("login", "--email", "me@x.org", "--password-stdin", stdin=b"p").errors

    assert "AU_TOKEN is set" in told


def test_an_absent_organization_or_project_of_a_variable(api: Api, ci: CommandLine) -> None:
    organization = {"id": ORGANIZATION, "name": "Acme", "created_at": NOW}
    api.answer("GET /organizations", [organization])
    api.answer(f"GET /organizations/{ORGANIZATION}", organization)
    api.answer(f"GET /organizations/{ORGANIZATION}/projects", [])
    ci.environment["AU_ORGANIZATION"] = "Nobody"
    by_name = ci("process", "list")
    ci.environment |= {"AU_ORGANIZATION": ORGANIZATION, "AU_PROJECT": "Nothing"}
    of_project = ci("process", "list")
    absent = "eadf98c2-8e85-46ae-b81a-640d9d326109"
    ci.environment |= {"AU_ORGANIZATION": absent.upper(), "AU_PROJECT": ""}
    api.fail("GET /processes", 404, "not-found", f"There is no organization {absent}.")
    by_guid = ci("process", "list")

    assert "hint: It is the value of AU_ORGANIZATION: set another, or unset it." in by_name.errors
    assert "hint: It is the value of AU_PROJECT: set another, or unset it." in of_project.errors
    assert "hint: It is the value of AU_ORGANIZATION" in by_guid.errors
