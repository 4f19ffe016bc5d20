"""`au2 job list` and `au2 process list` as people read them."""

from datetime import timedelta

import pytest

from au2.cli.jobs.job_list import choose_columns
from au2.cli.main import run
from au2.console.console import Console
from au2.console.tables import draw_table
from au2.domain.clock import format_time, now
from tests.unit.cli.conftest import CommandLine, Stream
from tests.unit.client.api import (
    NOW,
    ORGANIZATION,
    PROCESS,
    PROJECT,
    Api,
    job_document,
)

OTHER = "4cd24262-8061-40be-bbb0-9367690240ce"


def ago(**by: float) -> str:
    return format_time(now() - timedelta(**by))


def jobs() -> list[dict[str, object]]:
    running = {"state": "RUNNING", "ended_at": None, "started_at": ago(seconds=95)}
    return [
        job_document(7644571, **running, progress=0.4, created_at=ago(minutes=2)),
        job_document(
            7644570,
            state="FAILED",
            reason="out-of-memory",
            created_at=ago(hours=3),
            started_at=ago(hours=3),
            ended_at=ago(hours=2, minutes=50),
            submitted_by="a.person.with.a.long.name@research.example.com",
            name="weekly-forecast-of-the-northern-regions",
        ),
        job_document(
            12,
            state="PENDING",
            started_at=None,
            ended_at=None,
            type="metro-dispatcher:process-upload",
        ),
    ]


def test_a_table_that_fits_a_terminal() -> None:
    drawn = draw_table(choose_columns(), jobs(), width=80)

    lines = drawn.splitlines()
    assert max(map(len, lines)) <= 80
    assert "7644571" in drawn
    assert "RUNNING" in lines[3]
    assert "2 min ago" in lines[3]
    assert "40%" in lines[4]
    assert "out-of-memory" in drawn
    assert "10 min" in drawn
    assert "(upload)" in drawn


def test_jobs_of_all_contexts(api: Api, au2: CommandLine) -> None:
    named = job_document(12, organization_name="Acme", project_name="Forecasting")
    outer = job_document(13, project=None, organization_name="Acme", project_name=None)
    api.answer("GET /jobs", {"items": [outer, named], "next": None})

    listed = au2.ok("job", "list", "--all-contexts", "--mine")

    assert "Acme/Forecasting" in listed.text
    asked = api.requests[0].query
    assert (asked["everywhere"], asked["mine"], asked["brief"]) == ("true", "true", "true")
    assert "organization" not in asked


def test_a_document_has_everything(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs", {"items": [job_document(12)], "next": None})

    assert au2.ok("job", "list", "-o", "json").document[0]["arguments"] == {"days": 7}
    assert "brief" not in api.requests[0].query


@pytest.mark.parametrize("words", [(), ("-o", "json")])
def test_watching_needs_a_terminal(api: Api, au2: CommandLine, words: tuple[str, ...]) -> None:
    result = au2("job", "list", "--watch", *words)

    assert result.exit_code == 2
    assert "--watch draws on a terminal" in result.errors
    assert api.requests == []


def test_watching_draws_again_until_it_is_interrupted(
    api: Api, au2: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.answer("GET /jobs", {"items": [job_document(12)], "next": None})
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    out, err = Stream(is_terminal=True), Stream(is_terminal=True)

    code = run(["job", "list", "--watch"], Console(Stream(), out, err), au2.environment)

    drawn = out.content().decode()
    assert code == 130
    assert drawn.count("\x1b[H\x1b[2J") == 2
    assert drawn.count("forecast 3") == 2
    assert slept == [2.0, 2.0]


def process(process_id: str = PROCESS, **changes: object) -> dict[str, object]:
    return {
        "id": process_id,
        "name": "forecast",
        "description": "",
        "organization": ORGANIZATION,
        "project": PROJECT,
        "tags": ["weekly"],
        "created_at": NOW,
        "created_by": "me@example.org",
        "updated_at": NOW,
        "updated_by": "me@example.org",
        **changes,
    }


def overview(**changes: object) -> dict[str, object]:
    last = {"id": 12, "state": "FAILED", "reason": "exit-code", "created_at": ago(hours=5)}
    return {
        "newest_version": 5,
        "newest_status": "BUILDING",
        "published_version": 3,
        "last_run": last | {"ended_at": ago(hours=4, minutes=1)},
        **changes,
    }


def test_processes_with_versions_and_last_run(api: Api, au2: CommandLine) -> None:
    plain = {"newest_version": None, "newest_status": None, "published_version": None}
    api.answer(
        "GET /processes",
        [
            process(overview=overview()),
            process(OTHER, name="new", overview={**plain, "last_run": None}),
            process(OTHER, name="of an older server"),
        ],
    )

    text = au2.ok("process", "list").text

    assert api.requests[0].query["overview"] == "true"
    assert "5 BUILDING" in text
    assert "FAILED 4 h ago (job 12)" in text
    assert PROCESS in text, "scripts find the ids"


def test_ids_where_names_are_shared(api: Api, au2: CommandLine) -> None:
    found = [process(overview=overview()), process(OTHER), process(name="other")]
    api.answer("GET /processes", found)
    out = Stream(is_terminal=True)

    run(["process", "list"], Console(Stream(), out, Stream()), au2.environment)

    text = out.content().decode()
    assert (text.count(PROCESS), text.count(OTHER)) == (1, 1)
    assert max(map(len, text.splitlines())) <= 80
