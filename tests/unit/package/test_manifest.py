import pytest

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.jobs.container_contract import Network
from au2.package.manifest import Manifest, ResourceDefaults, context_key, parse_manifest

ORGANIZATION = "20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0"
PROJECT = "8283de3e-2cce-4bc8-a523-0c7f84399530"


def errors(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(InvalidPackage) as caught:
        parse_manifest(text)
    assert all(detail.file == "aunsight.yml" for detail in caught.value.details)
    return [(detail.line, detail.message) for detail in caught.value.details]


def test_the_least() -> None:
    assert parse_manifest("name: a\nruntime: r\n") == Manifest("a", "", "r")


def test_everything() -> None:
    text = f"""
name: 1.10
description: |
  # Title
  Text
runtime: Python3.11
runtime_version: 4
entry_point: ./src/run.py
resources: {{cpu: 0.5, memory: 2g, timeout: 5m, network: none, shm_size: 1g}}
processes:
  {ORGANIZATION.upper()}/{PROJECT}: {PROJECT.upper()}
"""
    assert parse_manifest(text) == Manifest(
        name="1.10",
        description="# Title\nText",
        runtime="Python3.11",
        runtime_version=4,
        entry_point="src/run.py",
        resources=ResourceDefaults(0.5, 2 << 30, 300, Network.NONE, 1 << 30),
        processes={context_key(ORGANIZATION, PROJECT): PROJECT},
    )


def test_all_errors_at_once() -> None:
    text = """
nam: a
runtime: [x]
runtime_version: 0
entry_point: ../main.py
resources:
  cpu: many
  memory: 1 parsec
  timeout: soon
  network: maybe
  shm_size: 0
  disk: 1
processes:
  somewhere: x
"""
    assert [line for line, _ in errors(text)] == [2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 1]


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "text", "name: ~\nruntime: ''"])
def test_what_is_missing_is_named(text: str) -> None:
    words = " ".join(message for _, message in errors(text))
    assert "'name' is missing" in words
    assert "'runtime' is missing" in words


@pytest.mark.parametrize("name", ["a" * 201, '"a\\nb"', '"\\e[31m"'])
def test_a_name_is_one_short_line(name: str) -> None:
    assert errors(f"name: {name}\nruntime: r")[0][0] == 1


def test_a_detail_reads_well() -> None:
    with pytest.raises(InvalidPackage) as caught:
        parse_manifest("name: a\nruntime: r\ncolour: red\n")
    [detail] = caught.value.details
    assert isinstance(detail, Detail)
    assert str(detail).startswith("aunsight.yml:3: 'colour' is not known here (known: name, ")


def test_names_to_override_are_read():
    manifest = parse_manifest("name: n\nruntime: r\ndependencies: {override: [torch, Zope.x]}\n")
    assert manifest.dependencies.override == ("torch", "Zope.x")


@pytest.mark.parametrize("value", ["torch", "{a: b}", "['torch==1']", "[[x]]", "['']", "[-e]"])
def test_other_overrides_are_refused(value: str):
    with pytest.raises(InvalidPackage) as caught:
        parse_manifest(f"name: n\nruntime: r\ndependencies:\n  override: {value}\n")
    assert caught.value.details[0].line == 4
