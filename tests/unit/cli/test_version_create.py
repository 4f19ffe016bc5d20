"""`au2 process version create` with a contract."""

from pathlib import Path

from au2.wire.process import VersionView
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import NOW, PROCESS, Api

VERSIONS = f"/processes/{PROCESS}/versions"
CREATED = dict.fromkeys(VersionView.fields_) | {
    "process": PROCESS,
    "version": 4,
    "type": "image",
    "description": "new",
    "image_status": "NONE",
    "created_at": NOW,
    "created_by": "me@example.org",
}


def test_the_files_travel_as_what_they_say(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "args.yml").write_text("properties:\n  days: {default: null}\n")
    (tmp_path / "env.yml").write_text("RATE: 1.10\nDB: {secret: db}\n")
    api.answer(f"POST {VERSIONS}", CREATED)

    au2.ok(
        *("process", "version", "create", PROCESS, "--description", "new"),
        *("--args-schema", tmp_path / "args.yml", "--env", tmp_path / "env.yml"),
    )

    assert api.of(f"POST {VERSIONS}")[0].document == {
        "description": "new",
        "args_schema": {"properties": {"days": {"default": None}}},
        "environment": {"RATE": "1.10", "DB": {"secret": "db"}},
    }


def test_mistakes_are_told_before_anything_is_sent(
    api: Api, au2: CommandLine, tmp_path: Path
) -> None:
    out, env = tmp_path / "out.yml", tmp_path / "env.yml"
    out.write_text("type: object\nrequired: a\n")
    env.write_text("AU_JOB: 1\n")

    result = au2("process", "version", "create", "name", "--out-schema", out, "--env", env)

    assert result.exit_code == 1
    assert f"{out}:2:" in result.errors
    assert f"{env}:1:" in result.errors
    assert api.requests == []


def test_a_file_that_is_not_there(api: Api, au2: CommandLine) -> None:
    result = au2("process", "version", "create", PROCESS, "--args-schema", "none.yml")
    assert result.exit_code == 2
    assert "none.yml" in result.errors
    assert api.requests == []


def test_another_kind_of_file_is_no_schema(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    env = tmp_path / "env.yml"
    env.write_text("LEVEL: info\n")

    result = au2("process", "version", "create", PROCESS, "--args-schema", env)

    assert result.exit_code == 1
    assert "no JSON Schema" in result.errors
    assert api.requests == []


def test_a_mistyped_keyword_is_pointed_out(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    schema = tmp_path / "args.yml"
    schema.write_text("typ: object\nunit: km\nx-mine: 1\nproperties: {typ: {}}\n")
    api.answer(f"POST {VERSIONS}", CREATED)

    made = au2.ok("process", "version", "create", PROCESS, "--args-schema", schema)

    warnings = [line for line in made.errors.splitlines() if "Warning" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"Warning: {schema}: 'typ' ")
    assert "did you mean 'type'?" in warnings[0]
