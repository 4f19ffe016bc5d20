"""What is masked of a secret that is a document."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.secrets.encodings import find_document_texts, find_forms
from au2.secrets.masking import Masker

KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKB\nAw=="
PEM = f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"
ACCOUNT = {
    "type": "service_account",
    "private_key": PEM,
    "client_email": "robot@example.org",
    "port": 5432,
    "tls": True,
    "retries": 1,
    "name": "db",
    "nested": {"passwords": ["first-password", "käse-brot"]},
}


def shown(value: str, line: str) -> str:
    return Masker([value]).mask_text(line)


@pytest.mark.parametrize("indent", [None, 2])
def test_the_texts_of_a_json_document_are_masked(indent: int | None) -> None:
    value = json.dumps(ACCOUNT, indent=indent)
    assert shown(value, "login as robot@example.org") == "login as ***"
    assert shown(value, "password first-password!") == "password ***!"
    assert shown(value, "käse-brot") == "***"
    assert shown(value, repr(ACCOUNT["nested"])) == "{'passwords': ['***', '***']}"
    for line in KEY.split("\n")[:2]:
        assert shown(value, f"key: {line}") == "key: ***"
    assert shown(value, KEY.replace("\n", "")) == "***"
    assert "MIIE" not in shown(value, json.dumps({"again": PEM}))
    # Base64 of a text, as in an Authorization header.
    assert shown(value, "Zmlyc3QtcGFzc3dvcmQ=") == "***"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "line",
    [
        '"retries": 1',
        '"port": 5432,',
        "},",
        '  "nested": {',
        "port 5432 of db, true",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "passwords",
    ],
)
def test_what_is_no_text_of_it_stays(indent: int | None, line: str) -> None:
    assert shown(json.dumps(ACCOUNT, indent=indent), line) == line


@pytest.mark.parametrize(
    "value",
    [
        "user: admin\npassword: correct-horse\nport: 5432\n",
        "- {user: admin, password: 'correct-horse'}\n",
        "a: &x correct-horse\nb: *x\n",
        "password: |\n  correct-horse\n  second-line\n",
        "USER=admin\nPASSWORD=correct-horse\nPORT=5432\n",
        "# comment\nexport PASSWORD='correct-horse'\n\nPORT = 5432\n",
        'PASSWORD="correct-horse" \n',
        "PASSWORD=correct-horse # the old one\n",
        "[default]\npassword = correct-horse\nport = 5432\n",
    ],
)
def test_yaml_env_and_ini_files(value: str) -> None:
    assert shown(value, "with correct-horse.") == "with ***."
    for line in ("port 5432", "port: 5432", "PORT=5432", "admin", "[default]"):
        assert shown(value, line) == line
    assert "horse" not in shown(value, value)


@pytest.mark.parametrize(
    "value", ["hunter2hunter2", "two words", "one\ntwo lines", "a: b: c", "{no json", "x=1\n&&"]
)
def test_what_is_no_document(value: str) -> None:
    assert find_document_texts(value) is None


def test_plain_text_is_masked_line_by_line() -> None:
    assert shown("first line here\nsecond\nxyz", "second first line here xyz") == "*** *** xyz"


def test_a_bare_key_file() -> None:
    assert find_document_texts(PEM) is not None
    assert shown(PEM, "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKB") == "***"
    assert shown(PEM, "-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize(
    "value",
    [
        "[" * 30_000 + "]" * 30_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n",
        "a: &a\n  b: *a\n",
        "[" * 30_000,
        "{a: " * 5_000,
        "- " * 30_000,
        json.dumps([f"text number {n}" for n in range(3000)]),
        "=" * 60_000,
        'A="' + "\\" * 60_000,
    ],
)
def test_hostile_documents_end(value: str) -> None:
    assert len(find_forms(value)) < 60_000


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_value_is_masked_as_a_whole(value: str) -> None:
    line = value.strip()
    if len(line.encode()) < 4 or re.search(r"[\r\n]", line):
        return
    assert line not in Masker([value]).mask_text(line) or line == "***"
