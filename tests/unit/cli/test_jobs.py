"""Running, following, waiting, logs."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from au2.domain.clock import format_time, now
from au2.stores.logs.record import Record, format_record
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import (
    NOW,
    PROCESS,
    Answer,
    Api,
    job_document,
    log_event,
    sse,
    version_document,
)

FOLLOW = "GET /jobs/12/logs/follow"
FAILED = {
    "state": "FAILED",
    "reason": "exit-code",
    "reason_text": "The program ended with 3.",
    "exit_code": 3,
}
LINE = b"Job submitted: 12\n"


@pytest.fixture(autouse=True)
def submitted(api: Api) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"))


def follow(api: Api, *events: tuple[str, object, int | None], **ending: object) -> None:
    body = sse(*events, ("end", job_document(**ending), None))
    api.routes[FOLLOW] = Answer(body=body, chunked=True)


def test_run(api: Api, au2: CommandLine) -> None:
    result = au2.ok("process", "run", PROCESS)

    assert result.out == LINE
    assert result.err == b""
    assert api.asked() == ["POST /jobs"]
    assert api.requests[0].document == {"process": PROCESS}


def test_run_with_everything(api: Api, au2: CommandLine) -> None:
    schema = {"properties": {"zip": {"type": "string"}}}
    api.answer(f"GET /processes/{PROCESS}/versions/3", version_document(args_schema=schema))
    au2.ok(
        *("process", "run", PROCESS, "--ver", "3", "--env", "A=b=c", "--env", "E="),
        *("--arg", "days=7", "--arg", "name=north", "--arg", 'list=[1, "a"]', "--arg", 'text="7"'),
        *("--arg", "zip=01234"),
        *("--cpu", "0.5", "--memory", "512MiB", "--timeout", "5m", "--network", "none"),
        *("--shm-size", "128m"),
    )

    (request,) = api.of("POST /jobs")
    assert request.document == {
        "process": PROCESS,
        "version": 3,
        "environment": {"A": "b=c", "E": ""},
        "arguments": {
            **{"days": 7, "name": "north", "list": [1, "a"], "text": "7"},
            "zip": "01234",
        },
        "cpu": 0.5,
        "memory_bytes": 512 << 20,
        "shared_memory_bytes": 128 << 20,
        "timeout_seconds": 300.0,
        "network": "none",
    }


def chosen(text: str, *newer: tuple[int, str, int]) -> dict[str, object]:
    """The part of a job that says why it has its version."""
    keys = ("version", "image_status", "upload_job")
    found = [dict(zip(keys, item, strict=True)) for item in newer]
    return {"version_choice": {"rule": "published", "text": text, "newer": found}}


@pytest.mark.parametrize(
    ("newer", "hint"),
    [
        ((6, "AVAILABLE", 9), "--latest"),
        ((6, "BUILDING", 9), "--wait-for-build"),
        ((6, "UPLOADING", 9), "--wait-for-build"),
        ((6, "FAILED", 9), "au2 job show 9"),
    ],
)
def test_an_older_version_does_not_run_in_silence(
    api: Api, au2: CommandLine, newer: tuple[int, str, int], hint: str
) -> None:
    choice = chosen("Runs version 5 (published); …", newer)
    api.answer("POST /jobs", job_document(state="PENDING", **choice))

    result = au2.ok("process", "run", PROCESS)

    assert result.out == LINE, "data stays as it was"
    told = result.errors.splitlines()
    assert told[0] == "Runs version 5 (published); …"
    assert hint in told[1]
    assert api.asked() == ["POST /jobs"]


def test_the_latest_version(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET /processes/{PROCESS}/versions/default", version_document())

    au2.ok("process", "run", PROCESS, "--latest", "--arg", "days=7")

    assert api.requests[0].query == {"latest": "true"}
    assert api.requests[1].document["latest"] is True
    assert au2("process", "run", PROCESS, "--latest", "--ver", "3").exit_code == 2


def version(status: str) -> dict[str, object]:
    return version_document(6, image_status=status, upload_job=9)


@pytest.mark.parametrize("named", [(), ("--ver", "6"), ("--latest",)])
def test_waiting_for_the_build(api: Api, au2: CommandLine, named: tuple[str, ...]) -> None:
    which = "6" if "--ver" in named else "newest"
    api.answer(f"GET /processes/{PROCESS}/versions/{which}", version("BUILDING"))
    api.answer("GET /jobs/9", job_document(9))

    result = au2.ok("process", "run", PROCESS, *named, "--wait-for-build")

    assert "Waiting for the build of version 6: job 9." in result.errors
    assert api.asked()[1] == "GET /jobs/9"
    (submitted,) = api.of("POST /jobs")
    assert submitted.document["version"] == 6, "no other one, whatever happened meanwhile"
    assert "latest" not in submitted.document


def test_a_build_that_fails_runs_nothing(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET /processes/{PROCESS}/versions/newest", version("BUILDING"))
    api.answer("GET /jobs/9", job_document(9, **FAILED))

    result = au2("process", "run", PROCESS, "--wait-for-build")

    assert result.exit_code == 1
    assert "Job 9 FAILED" in result.errors
    assert not api.of("POST /jobs")


def test_a_version_that_is_built_is_not_waited_for(api: Api, au2: CommandLine) -> None:
    api.answer(f"GET /processes/{PROCESS}/versions/newest", version("AVAILABLE"))

    result = au2.ok("process", "run", PROCESS, "--wait-for-build")

    assert result.err == b""
    assert api.requests[-1].document["version"] == 6


def test_an_argument_that_is_not_of_its_type(api: Api, au2: CommandLine) -> None:
    schema = {"properties": {"days": {"type": "integer"}}}
    api.answer(f"GET /processes/{PROCESS}/versions/default", version_document(args_schema=schema))

    result = au2("process", "run", PROCESS, "--arg", "days=many")

    assert result.exit_code == 2
    assert "/arguments/days: expected an integer, not 'many'" in result.errors
    assert api.of("POST /jobs") == []


def test_the_arguments_of_a_process(api: Api, au2: CommandLine) -> None:
    schema = {
        "properties": {
            "days": {"type": "integer", "default": 7, "description": "How long."},
            "place": {"enum": ["north", "south"]},
        },
        "required": ["place"],
    }
    api.answer(f"GET /processes/{PROCESS}/versions/default", version_document(args_schema=schema))
    api.answer(f"GET /processes/{PROCESS}/versions/2", version_document())

    shown = au2.ok("process", "args", PROCESS).text
    documents = au2.ok("process", "args", PROCESS, "-o", "json").document

    for word in ("days", "integer", "7", "How long.", "place", '"north", "south"', "yes"):
        assert word in shown
    assert [(item["name"], item["required"]) for item in documents] == [
        ("days", False),
        ("place", True),
    ]
    assert "any JSON object" in au2.ok("process", "args", PROCESS, "--ver", "2").errors


def test_arguments_from_elsewhere(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "args.json"
    file.write_text('{"a": "ä"}')

    au2.ok("process", "run", PROCESS, "--args", '{"a": "ä"}')
    au2.ok("process", "run", PROCESS, "--args-file", file)
    au2.ok("process", "run", PROCESS, "--args-file", "-", stdin='{"a": "ä"}'.encode())

    assert [request.document["arguments"] for request in api.requests] == [{"a": "ä"}] * 3


def test_follow_prints_bytes_exactly(api: Api, au2: CommandLine) -> None:
    records = [
        {"time": NOW, "stream": "stdout", "partial": True, "base64": "/wANAA=="},
        {"time": NOW, "stream": "platform", "partial": False, "text": "Restarted."},
        {"time": NOW, "stream": "stdout", "partial": False, "text": "\x1b[31mred"},
        {"time": NOW, "stream": "stderr", "partial": True, "text": "no newline"},
    ]
    follow(api, ("log", {"records": records}, 9))

    result = au2.ok("process", "run", PROCESS, "--follow")

    assert result.out == LINE + b"\xff\x00\r\x00\x1b[31mred\n"
    ending = b'\nJob 12 SUCCEEDED after 0 s.\nOutput: {"ok": true}\n'
    assert result.err == b"Restarted.\nno newline" + ending


@pytest.mark.parametrize(("flags", "exit_code"), [([], 1), (["--exit-code"], 3)])
def test_a_failed_job_fails_the_command(
    api: Api, au2: CommandLine, flags: list[str], exit_code: int
) -> None:
    follow(api, log_event(5, ("stdout", "hello")), **FAILED)
    api.answer("GET /jobs/12", job_document(**FAILED))
    sentence = (
        b'Job 12 FAILED (exit-code) after 0 s: The program ended with 3.\nOutput: {"ok": true}\n'
    )

    followed = au2("process", "run", PROCESS, "--follow", *flags)
    waited = au2("process", "run", PROCESS, "--wait", *flags)
    later = au2("job", "wait", "12", *flags)

    assert (followed.exit_code, waited.exit_code, later.exit_code) == (exit_code,) * 3
    assert followed.out == LINE + b"hello\n"
    assert waited.out == LINE
    assert followed.err == waited.err == later.err == sentence


@pytest.mark.parametrize("code", [0, 256, None])
def test_a_failure_never_passes_for_success(api: Api, au2: CommandLine, code: int | None) -> None:
    ending = {"state": "FAILED", "reason": "after-failed", "exit_code": code}
    api.answer("GET /jobs/12", job_document(**ending))

    assert au2("job", "wait", "12", "--exit-code").exit_code == 1


def test_waiting_for_success(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document())

    waited = au2.ok("process", "run", PROCESS, "--wait")
    later = au2.ok("job", "wait", "12")

    assert (waited.out, later.out) == (LINE, b"")
    assert waited.err == later.err == b'Job 12 SUCCEEDED after 0 s.\nOutput: {"ok": true}\n'


CREATED = "2026-03-04T05:06:07Z"
STARTED = "2026-03-04T05:06:09.5Z"
ENDED = "2026-03-04T05:07:41Z"


@pytest.mark.parametrize(
    ("job", "lines"),
    [
        (
            {"started_at": STARTED, "ended_at": ENDED, "output": None},
            ["Job 12 SUCCEEDED after 1 min 32 s, and 2.5 s of waiting before."],
        ),
        (
            {
                **{"state": "STOPPED", "reason": "stopped", "reason_text": "Stopped on request."},
                **{"started_at": None, "ended_at": ENDED, "output": None},
            },
            ["Job 12 STOPPED (stopped): Stopped on request."],
        ),
        (
            {"started_at": CREATED, "ended_at": STARTED, "status_text": "a\nJob 12 FAILED\x1b[2J"},
            [
                "Job 12 SUCCEEDED after 2.5 s.",
                "Status: a Job 12 FAILED\\x1b[2J",
                'Output: {"ok": true}',
            ],
        ),
        (
            {
                **{"started_at": CREATED, "ended_at": STARTED, "output": None},
                **{"status_text": "half of it", "progress": 0.5},
            },
            ["Job 12 SUCCEEDED after 2.5 s.", "Status: half of it (50%)"],
        ),
    ],
)
def test_how_a_job_ended_is_told(
    api: Api, au2: CommandLine, job: dict[str, object], lines: list[str]
) -> None:
    document = job_document(created_at=CREATED, **job)
    follow(api, **{"created_at": CREATED, **job})
    api.answer("GET /jobs/12", document)

    for command in (("job", "wait", "12"), ("job", "logs", "12", "--follow")):
        assert au2(*command).errors.splitlines() == lines


def test_a_long_output_is_cut(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document(output={"text": "ä" * 5000}))

    errors = au2.ok("job", "wait", "12").errors

    assert len(errors) < 2500
    assert errors.endswith("… (cut; all of it: au2 job output 12)\n")


def waiting(code: str, text: str) -> dict[str, object]:
    numbers = {"jobs_before": 2, "jobs_taken": 4, "places": 4}
    return {"code": code, "text": text, "jobs_before": 0, "jobs_taken": 0, "places": 1, **numbers}


CAUSES = [
    waiting("places", "All 4 places are taken; 2 jobs are before it."),
    waiting("places", "All 4 places are taken; 1 job is before it."),
    waiting("preparing", "Its container is being prepared."),
]


def pending(api: Api) -> None:
    """Job 12 is pending for a while, for each of the causes, and then succeeds."""
    states = [job_document(state="PENDING", ended_at=None, waiting=cause) for cause in CAUSES]
    api.in_turn(
        "GET /jobs/12",
        *[Answer(body=json.dumps(state).encode()) for state in [states[0], *states]],
        Answer(body=json.dumps(job_document()).encode()),
    )
    events = [("waiting", cause, None) for cause in CAUSES]
    body = sse(*events, log_event(5, ("stdout", "hello")), ("end", job_document(), None))
    api.routes[FOLLOW] = Answer(body=body, chunked=True)


COMMANDS = [
    ("job", "wait", "12"),
    ("process", "run", PROCESS, "--wait"),
    ("process", "run", PROCESS, "--follow"),
    ("job", "logs", "12", "--follow", "--attempt", "1"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_pending_job_says_once_what_it_waits_for(
    api: Api, au2: CommandLine, command: tuple[str, ...]
) -> None:
    pending(api)

    told = au2.ok(*command).errors.splitlines()

    assert told == [
        "Job 12 waits. All 4 places are taken; 2 jobs are before it.",
        "Job 12 waits. Its container is being prepared.",
        "Job 12 SUCCEEDED after 0 s.",
        'Output: {"ok": true}',
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_on_a_terminal_it_is_one_line_that_is_drawn_over(
    api: Api, au2: CommandLine, command: tuple[str, ...]
) -> None:
    pending(api)

    told = au2.ok(*command, typed=" ").errors

    drawn = "".join(f"\r\x1b[KJob 12 waits. {cause['text']}" for cause in CAUSES)
    assert told.replace(drawn, "", 1).startswith("\r\x1b[K")
    assert drawn in told
    assert told.endswith('Job 12 SUCCEEDED after 0 s.\nOutput: {"ok": true}\n')
    assert "\n" not in told.partition("Job 12 SUCCEEDED")[0]


@pytest.mark.parametrize("cuts", [1, 2])
def test_a_log_that_is_followed_over_a_cut(api: Api, au2: CommandLine, cuts: int) -> None:
    end = sse(log_event(9, ("stdout", "b")), ("end", job_document(), None))
    api.in_turn(
        FOLLOW,
        Answer(body=sse(log_event(5, ("stdout", "a"))), chunked=True, cut=True),
        *[Answer(chunked=True, cut=True)] * (cuts - 1),
        Answer(body=end, chunked=True),
    )

    api.answer("GET /jobs/12", job_document())

    result = au2.ok("job", "logs", "12", "--follow")

    assert result.out == b"a\nb\n"
    # A connection that comes back at once is no outage.
    assert ("The server does not answer; trying again" in result.errors) == (cuts == 2)
    assert ("answers again" in result.errors) == (cuts == 2)
    assert api.of(FOLLOW)[cuts].query == {"attempt": "1", "offset_bytes": "5"}


LOG = [
    Record("2026-01-01T00:00:00.000000001Z", "stdout", True, b"par"),
    Record("2026-01-01T00:00:00.000000002Z", "platform", False, b"Note."),
    Record("2026-01-01T00:00:00.000000003Z", "stdout", False, b"tial \xff"),
    Record("2026-01-01T00:00:00.000000004Z", "stderr", True, b"oh"),
]


def put_log(api: Api) -> None:
    api.answer("GET /jobs/12", job_document())
    api.routes["GET /jobs/12/logs"] = Answer(body=b"".join(map(format_record, LOG)))


def test_logs_are_printed_exactly(api: Api, au2: CommandLine) -> None:
    put_log(api)

    result = au2.ok("job", "logs", "12", "--attempt", "2")

    assert result.out == b"partial \xff\n"
    assert result.err == b"Note.\noh"
    assert api.requests[0].query == {"attempt": "2", "offset_bytes": "0"}


def test_logs_with_times(api: Api, au2: CommandLine) -> None:
    put_log(api)

    result = au2.ok("job", "logs", "12", "--timestamps")

    assert result.out == b"2026-01-01T00:00:00.000000001Z stdout partial \xff\n"
    assert result.err.startswith(b"2026-01-01T00:00:00.000000002Z platform Note.\n")


def test_logs_as_documents(api: Api, au2: CommandLine) -> None:
    put_log(api)
    expected = [
        {"time": LOG[0].time, "stream": "stdout", "partial": True, "text": "par"},
        {"time": LOG[1].time, "stream": "platform", "partial": False, "text": "Note."},
        {"time": LOG[2].time, "stream": "stdout", "partial": False, "base64": "dGlhbCD/"},
        {"time": LOG[3].time, "stream": "stderr", "partial": True, "text": "oh"},
    ]

    assert au2.ok("job", "logs", "12", "-o", "json").document == expected
    lines = au2.ok("job", "logs", "12", "-o", "yaml").text.splitlines()
    assert [json.loads(line.removeprefix("- ")) for line in lines] == expected
    api.routes["GET /jobs/12/logs"] = Answer()
    assert au2.ok("job", "logs", "12", "-o", "json").document == []


def test_documents_of_a_log_cut_no_character(api: Api, au2: CommandLine) -> None:
    line = "grün € 😀 " * 5
    log = [
        Record("2026-01-01T00:00:00.000000001Z", "stdout", True, line.encode()[start : start + 7])
        for start in range(0, len(line.encode()), 7)
    ]
    log += [log[0]._replace(content=b"", partial=False), log[0]._replace(content=b"half \xe2\x82")]
    api.answer("GET /jobs/12", job_document())
    api.routes["GET /jobs/12/logs"] = Answer(body=b"".join(map(format_record, log)))

    *pieces, half, rest = au2.ok("job", "logs", "12", "-o", "json").document

    assert "".join(piece["text"] for piece in pieces) == line
    assert (half["text"], rest["base64"], rest["partial"]) == ("half ", "4oI=", True)


def test_stop(api: Api, au2: CommandLine) -> None:
    api.answer("POST /jobs/12/stop", job_document(state="RUNNING", ended_at=None))
    assert "au2 job wait 12" in au2.ok("job", "stop", "12").errors

    api.answer("POST /jobs/12/stop", job_document(state="STOPPED"))
    assert "STOPPED" in au2.ok("job", "stop", "12").errors


@pytest.mark.parametrize(
    "words", [("process", "run", PROCESS, "--follow"), ("job", "logs", "12", "--follow")]
)
def test_interrupting_leaves_the_job_running(
    api: Api, au2: CommandLine, words: tuple[str, ...]
) -> None:
    hold = Event()
    body = sse(log_event(5, ("stdout", "begun")))
    api.routes[FOLLOW] = Answer(body=body, chunked=True, hold=hold)
    api.answer("GET /jobs/12", job_document(state="RUNNING"))
    child = subprocess.Popen(
        [sys.executable, "-m", "au2.cli.main", *words],
        env=os.environ | au2.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with child:
            assert child.stdout is not None
            assert b"begun\n" in iter(child.stdout.readline, b"")
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate()
    finally:
        hold.set()

    assert child.returncode == 130
    assert b"au2 job logs 12 --follow" in errors
    assert b"au2 job stop 12" in errors
    assert b"Traceback" not in errors


def test_a_reader_that_goes_away_is_no_error(api: Api, au2: CommandLine) -> None:
    record = format_record(Record(NOW, "stdout", False, b"x" * 1000))
    api.answer("GET /jobs/12", job_document())
    api.routes["GET /jobs/12/logs"] = Answer(body=record * 5000)
    child = subprocess.Popen(
        [sys.executable, "-m", "au2.cli.main", "job", "logs", "12"],
        env=os.environ | au2.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        errors = child.stderr.read()

    assert child.returncode == 141
    assert errors == b""


def test_running_imports_no_wire_models(api: Api, au2: CommandLine) -> None:
    """`process run --follow` is measured against `docker run`; pydantic is a third of that."""
    follow(api, log_event(5, ("stdout", "hello")))
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from au2.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "process", "run", PROCESS, "--follow"],
        env=os.environ | au2.environment,
        capture_output=True,
        check=True,
    )

    assert done.stdout == LINE + b"hello\n"
    loaded = set(done.stderr.decode().split())
    assert not {"pydantic", "rich", "ruamel", "asyncio", "urllib.request"} & loaded


def test_a_run_as_a_document(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document(**FAILED))
    follow(api, log_event(9, ("stdout", "hello")), **FAILED)

    submitted = au2.ok("process", "run", PROCESS, "-o", "json")
    waited = au2("process", "run", PROCESS, "--wait", "-o", "json")
    followed = au2("process", "run", PROCESS, "--follow", "-o", "json", "--exit-code")

    assert (submitted.document["id"], submitted.document["state"]) == (12, "PENDING")
    assert (waited.document["state"], waited.exit_code, waited.errors) == ("FAILED", 1, "")
    assert (followed.document["reason"], followed.exit_code) == ("exit-code", 3)
    assert followed.errors == "hello\n"


def test_waiting_and_stopping_as_documents(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document(**FAILED))
    api.answer("POST /jobs/12/stop", job_document(state="RUNNING", ended_at=None))

    waited = au2("job", "wait", "12", "-o", "yaml")
    stopped = au2.ok("job", "stop", "12", "-o", "json")

    assert (waited.exit_code, waited.errors) == (1, "")
    assert "state: FAILED" in waited.text
    assert stopped.document["state"] == "RUNNING"
    assert stopped.errors == ""


RAW = "GET /jobs/12/logs"
AT = "2026-03-04T05:06:07.000000Z"
POSITION = "GET /jobs/12/logs/position"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("--tail", "5"), {"tail": "5"}),
        (("--tail", "0", "--attempt", "1"), {"tail": "0", "attempt": "1"}),
        (("--since", "2026-03-04T05:06:07Z"), {"since": AT}),
    ],
)
@pytest.mark.parametrize("way", [(), ("-f",)])
def test_the_end_of_a_log(
    api: Api,
    au2: CommandLine,
    words: tuple[str, ...],
    asked: dict[str, str],
    way: tuple[str, ...],
) -> None:
    api.answer(POSITION, {"attempt": 2, "offset_bytes": 40, "size_bytes": 80})
    api.routes[RAW] = Answer(body=format_record(Record(NOW, "stdout", False, b"last")))
    follow(api, log_event(80, ("stdout", "last")))

    assert au2.ok("job", "logs", "12", *words, *way).out == b"last\n"

    query = dict(api.of(POSITION)[0].query)
    if "since" in query:
        query["since"] = format_time(datetime.fromisoformat(query["since"]))
    assert query == asked
    read = api.of(FOLLOW if way else RAW)[0].query
    assert (read["attempt"], read["offset_bytes"]) == ("2", "40")


def test_since_some_time_ago(api: Api, au2: CommandLine) -> None:
    api.answer(POSITION, {"attempt": 1, "offset_bytes": 0, "size_bytes": 0})
    api.routes[RAW] = Answer()

    au2.ok("job", "logs", "12", "--since", "2h")

    since = datetime.fromisoformat(api.of(POSITION)[0].query["since"])
    assert abs((now() - since).total_seconds() - 7200) < 600


@pytest.mark.parametrize("text", ["", "yesterday", "-5m", "9" * 15 + "d", "\x1b[31m", "nan"])
def test_since_no_time(api: Api, au2: CommandLine, text: str) -> None:
    result = au2("job", "logs", "12", "--since", text)

    assert result.exit_code == 2
    assert "--since wants a length of time (90s, 10m, 2h) or a time" in result.errors
    assert api.requests == []


def test_a_list_of_records_is_whole_or_not_there(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document())
    good = Answer(body=format_record(Record(NOW, "stdout", False, b"a")))
    api.in_turn(RAW, good)
    assert au2.ok("job", "logs", "12", "-o", "json").document[0]["text"] == "a"
    assert len(au2.ok("job", "logs", "12", "-o", "yaml").text.splitlines()) == 1

    api.fail(RAW, 404, "not-found", "There is no such thing here.")
    failed = au2("job", "logs", "12", "-o", "json")
    assert (failed.out, failed.exit_code) == (b"", 3)
    assert json.loads(failed.err)["error"]["code"] == "not-found"

    api.fail(FOLLOW, 404, "not-found", "There is no such thing here.")
    cut = au2("job", "logs", "12", "--follow", "-o", "json")
    assert (cut.document, cut.exit_code) == ([], 3)


WHY = {
    "job": 12,
    "state": "FAILED",
    "code": "exit-code",
    "text": "The code exited with code 3.",
    "hint": "Its last lines: au2 job logs 12 --tail 20",
    "timeline": [
        {
            "name": "queued",
            "attempt": None,
            "started_at": "2030-01-31T12:00:00Z",
            "milliseconds": 5,
            "is_open": False,
        },
        {
            "name": "run",
            "attempt": 1,
            "started_at": "2030-01-31T12:00:00.125Z",
            "milliseconds": 1500,
            "is_open": True,
        },
    ],
    "waiting": None,
}


def test_why(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12/why", WHY)
    api.answer("GET /jobs", [job_document()])

    shown = au2.ok("job", "why", "12")
    of_last = au2.ok("job", "why")

    lines = shown.text.splitlines()
    assert lines[:2] == [
        "Job 12 FAILED (exit-code): The code exited with code 3.",
        "Its last lines: au2 job logs 12 --tail 20",
    ]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert cells == [
        ["phase", "attempt", "after", "took"],
        ["queued", "", "0 ms", "5 ms"],
        ["run", "1", "125 ms", "1500 ms so far"],
    ]
    assert of_last.out == shown.out
    assert "Job 12: forecast 3" in of_last.errors
    assert au2.ok("job", "why", "12", "-o", "json").document["code"] == "exit-code"


def test_why_of_a_hostile_server(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12/why", {**WHY, "text": "\x1b[31m\u202ered", "code": "new-code"})

    shown = au2.ok("job", "why", "12")

    assert "\x1b" not in shown.text
    assert "\u202e" not in shown.text
    assert "(new-code)" in shown.text
