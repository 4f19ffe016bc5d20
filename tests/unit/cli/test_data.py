"""Read commands: the manual page's tables, JSON and YAML."""

import json

import pytest
from ruamel.yaml import YAML

from au2.cli.jobs.job_list import choose_columns
from au2.console.tables import draw_table
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import (
    NOW,
    ORGANIZATION,
    PROCESS,
    PROJECT,
    Answer,
    Api,
    job_document,
)

OTHER = "cc76d137-acf6-488f-80a7-a1db6c9d9cd7"
VERSION = {
    "process": PROCESS,
    "version": 1,
    "type": "packaged",
    "description": "",
    "image_status": "AVAILABLE",
    "image_digest": "sha256:" + "a" * 64,
    "published_at": None,
    "published_by": None,
    "created_at": NOW,
    "created_by": "me@example.org",
    "runtime": OTHER,
    "runtime_version": 4,
    "upload_job": 12,
    "environment": {},
    "dependencies": None,
    "args_schema": None,
    "out_schema": None,
    "resources": None,
}
VERSIONS = f"/processes/{PROCESS}/versions"


def runtime(**changes: object) -> dict[str, object]:
    return {
        "id": OTHER,
        "name": "Python3.11",
        "language": "python",
        "version": 4,
        "image_digest": "sha256:0",
        "organization": None,
        "project": None,
        "created_at": NOW,
        "retired_at": None,
        "packages": None,
        **changes,
    }


def process(**changes: object) -> dict[str, object]:
    return {
        "id": PROCESS,
        "name": "forecast",
        "description": "What it does",
        "organization": ORGANIZATION,
        "project": PROJECT,
        "tags": ["weekly", "north"],
        "created_at": NOW,
        "created_by": "me@example.org",
        "updated_at": NOW,
        "updated_by": "me@example.org",
        "overview": None,
        **changes,
    }


def test_version_list_is_the_manuals_table(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET {VERSIONS}", [VERSION])

    assert au2.ok("process", "version", "list", PROCESS).text == (
        "┌────┬─────────────┬──────────────┬───────────┐\n"
        "│ id │ description │ image_status │ published │\n"
        "├────┼─────────────┼──────────────┼───────────┤\n"
        "│ 1  │             │ AVAILABLE    │           │\n"
        "└────┴─────────────┴──────────────┴───────────┘\n"
    )


def test_a_rule_between_all_rows(api: Api, au2: CommandLine) -> None:
    published = {"version": 2, "published_at": NOW, "published_by": "me@example.org"}
    api.answer(f"GET {VERSIONS}", [VERSION, VERSION | published])

    lines = au2.ok("process", "version", "list", PROCESS).text.splitlines()

    assert [line[0] for line in lines] == list("┌│├│├│└")
    assert " ago by me@example.org" in lines[5]


def test_version_create_is_the_manuals_table(api: Api, au2: CommandLine) -> None:
    api.answer(f"POST {VERSIONS}", VERSION | {"version": 4, "type": "image"})

    assert au2.ok("process", "version", "create", PROCESS).text == (
        "┌──────┬───────┐\n│ type │ image │\n├──────┼───────┤\n│ id   │ 4     │\n└──────┴───────┘\n"
    )


def test_runtime_list_has_the_manuals_columns(api: Api, au2: CommandLine) -> None:
    api.answer("GET /runtimes", [runtime(organization=ORGANIZATION)])

    lines = au2.ok("runtime", "list").text.splitlines()

    titles = [cell.strip() for cell in lines[1].strip("│").split("│")]
    assert titles == ["runtime", "runtime_name", "organization", "project", "VERSION"]
    cells = [cell.strip() for cell in lines[3].strip("│").split("│")]
    assert cells == [OTHER, "Python3.11", ORGANIZATION, "", "4"]


def test_an_empty_list_is_a_header(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET {VERSIONS}", [])

    assert au2.ok("process", "version", "list", PROCESS).text == (
        "┌────┬─────────────┬──────────────┬───────────┐\n"
        "│ id │ description │ image_status │ published │\n"
        "├────┼─────────────┼──────────────┼───────────┤\n"
        "└────┴─────────────┴──────────────┴───────────┘\n"
    )
    assert au2.ok("process", "version", "list", PROCESS, "-o", "json").document == []


@pytest.mark.parametrize(
    ("words", "route", "document"),
    [
        (("runtime", "show", OTHER), f"GET /runtimes/{OTHER}", runtime()),
        (("process", "show", PROCESS), f"GET /processes/{PROCESS}", process()),
        (("process", "version", "show", PROCESS, "1"), f"GET {VERSIONS}/1", VERSION),
        (("job", "show", "12"), "GET /jobs/12", job_document()),
        (("job", "output", "12"), "GET /jobs/12/output", {"mean": [1.5, None], "ä": "NO"}),
        (("process", "list"), "GET /processes", [process(), process(description="a: b\n- c")]),
        (("process", "list"), "GET /processes", []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_json_and_yaml_hold_everything(
    api: Api, au2: CommandLine, words: tuple[str, ...], route: str, document: object
) -> None:
    api.answer(route, document)

    as_json = au2.ok(*words, "-o", "json")
    as_yaml = au2.ok(*words, "--output", "yaml")

    assert as_json.document == document
    assert YAML(typ="safe", pure=True).load(as_yaml.text) == document


def test_yaml_keeps_the_order(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/1/output", {"zebra": 1, "apple": {"b": [1, 2], "a": "yes"}})

    assert au2.ok("job", "output", "1", "-o", "yaml").text == (
        'zebra: 1\napple:\n  b:\n  - 1\n  - 2\n  a: "yes"\n'
    )


def test_job_show_tells_everything(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document(state="FAILED", reason="out-of-memory"))

    text = au2.ok("job", "show", "12").text

    for part in ("out-of-memory", "run: 2.000 s", "memory_bytes: 536870912", '{"days": 7}', "A: 1"):
        assert part in text


def test_jobs_fit_on_a_terminal_without_broken_words() -> None:
    upload = job_document(
        4711,
        type="metro-dispatcher:process-upload",
        state="FAILED",
        reason="exit-code",
        created_at="2026-11-26T20:06:39.123456Z",
    )

    drawn = draw_table(choose_columns(), [upload], width=80)

    assert max(map(len, drawn.splitlines())) <= 80
    shown = set(drawn.replace("│", " ").split())
    assert {"4711", "(upload)", "FAILED", "exit-code", "forecast", "created_at"} <= shown


def test_the_type_that_the_list_shows_can_be_asked_for(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs", {"items": [], "next": None})

    au2.ok("job", "list", "--type", "process-upload")

    assert api.requests[0].query["type"] == "metro-dispatcher:process-upload"


def test_job_list_asks_for_what_was_said(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs", {"items": [job_document()], "next": None})

    au2.ok(
        *("job", "list", "--state", "failed", "--type", "au-process:run", "--process", PROCESS),
        *("--search", "x", "--limit", "3"),
    )

    assert api.requests[0].query == {
        "organization": ORGANIZATION,
        "project": PROJECT,
        "state": "FAILED",
        "type": "au-process:run",
        "process": PROCESS,
        "search": "x",
        "limit": "3",
        "brief": "true",
    }


def test_processes_are_found_by_their_name(api: Api, au2: CommandLine) -> None:
    api.answer("GET /processes", [process(), process(id=OTHER, name="forecast-2")])
    api.answer(f"GET /processes/{PROCESS}", process())

    assert "forecast" in au2.ok("process", "show", "forecast").text
    assert api.requests[0].query == {
        "organization": ORGANIZATION,
        "project": PROJECT,
        "name": "forecast",
    }


def test_a_guid_needs_no_look_up(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET /processes/{PROCESS}", process())

    au2.ok("process", "show", PROCESS.upper())

    assert api.asked() == [f"GET /processes/{PROCESS}"]


def test_a_shared_name_lists_the_candidates(api: Api, au2: CommandLine) -> None:
    api.answer("GET /processes", [process(), process(id=OTHER, project=None)])

    result = au2("process", "run", "forecast")

    assert result.exit_code == 5
    assert f"{PROCESS} (organization {ORGANIZATION}, project {PROJECT})" in result.errors
    assert f"{OTHER} (organization {ORGANIZATION})" in result.errors
    assert "GUID" in result.errors


def test_an_unknown_name_is_compared_without_case(api: Api, au2: CommandLine) -> None:
    there = [process(), process(id=OTHER, name="\x1b[2Jforecasts")]
    api.routes["GET /processes"] = lambda request: Answer(
        200,
        json.dumps({"items": [] if "name" in request.query else there, "next": None}).encode(),
    )

    result = au2("process", "show", "FORECAST")

    assert result.exit_code == 3
    assert "Did you mean 'forecast'" in result.errors
    assert "\x1b" not in result.errors


def test_an_unknown_name(api: Api, au2: CommandLine) -> None:
    api.answer("GET /runtimes", [])

    result = au2("runtime", "show", "Cobol85")

    assert result.exit_code == 3
    assert "Cobol85" in result.errors


def test_changing_a_process(api: Api, au2: CommandLine) -> None:
    api.answer("POST /processes", process())
    api.answer(f"PATCH /processes/{PROCESS}", process())
    api.routes[f"DELETE /processes/{PROCESS}"] = Answer(204)

    au2.ok("process", "create", "--name", "n", "--description", "d", "--tag", "a", "--tag", "b")
    au2.ok("process", "update", PROCESS, "--no-tags", "--description", "")
    au2.ok("process", "delete", PROCESS, "--yes")

    assert api.requests[0].document == {"name": "n", "description": "d", "tags": ["a", "b"]}
    assert api.requests[1].document == {"tags": [], "description": ""}


def test_deleting_asks(api: Api, au2: CommandLine) -> None:
    api.routes[f"DELETE {VERSIONS}/1"] = Answer(204)
    words = ("process", "version", "delete", PROCESS, "1")

    assert au2(*words, typed="\n").exit_code == 1
    assert au2(*words, typed="what\nno\n").exit_code == 1
    assert not api.requests
    assert au2(*words, typed="Yes\n").exit_code == 0
    assert len(api.requests) == 1


def test_publishing(api: Api, au2: CommandLine) -> None:
    api.answer(f"POST {VERSIONS}/1/publish", VERSION)
    api.answer(f"POST {VERSIONS}/1/unpublish", VERSION)

    assert "published" in au2.ok("process", "version", "publish", PROCESS, "1").errors
    assert "not published" in au2.ok("process", "version", "unpublish", PROCESS, "1").errors


def package(name: str, kind: str = "python") -> dict[str, str]:
    return {"name": name, "version": "1.2", "architecture": "all", "sha256": "", "kind": kind}


def test_a_runtime_tells_what_is_installed(api: Api, au2: CommandLine) -> None:
    debian = [package(f"lib{number}", "debian") for number in range(50)]
    packages = [*debian, package("numpy"), package("pandas")]
    api.answer(f"GET /runtimes/{OTHER}", runtime(packages=packages))

    text = au2.ok("runtime", "show", OTHER).text
    listed = au2.ok("runtime", "show", OTHER, "--packages").text

    assert "numpy 1.2, pandas 1.2" in text
    assert "50 packages; --packages lists them" in text
    assert "lib49" in listed
    assert au2.ok("runtime", "show", OTHER, "--packages", "-o", "json").document == packages


def test_a_runtime_without_a_list_of_packages_says_so(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET /runtimes/{OTHER}", runtime())

    told = au2.ok("runtime", "show", OTHER, "--packages")

    assert "Which packages Python3.11 has is not known to the server." in told.errors
