"""Wire types from and to documents: the client's reading agrees with the server's writing."""

import importlib
import pkgutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import pytest
from pydantic import ValidationError

from au2 import wire
from au2.domain.errors import UnexpectedAnswer
from au2.wire.base import Limits, RequestType, ResponseType, WireType
from au2.wire.documents import format_document, format_request, parse_page, parse_record
from au2.wire.field import WaitingCodeName
from au2.wire.violations import adapter_of

NOW = "2026-03-04T05:06:07.5Z"


class Inner(ResponseType):
    """A part."""

    name: str
    size_bytes: Annotated[int, Limits(ge=1)] | None = None
    mode: Annotated[str, Limits(pattern="^[0-7]{3}$")] = "644"


class Sample(ResponseType):
    """A record with a field of each kind."""

    text: str
    count: int
    share: float
    is_new: bool
    at: datetime
    kind: Literal["a", "b"]
    code: WaitingCodeName
    parts: list[Inner]
    facts: dict[str, Any]
    mixed: dict[str, str | dict[str, str]] | None
    inner: Inner | None = None
    tags: list[str] = []


class Question(RequestType):
    """A request."""

    hidden_ = frozenset({"password"})

    name: Annotated[str, Limits(min_length=1)]
    password: str = ""
    at: datetime | None = None
    parts: list[Inner] = []


DOCUMENT: dict[str, Any] = {
    "text": "ä",
    "count": 3,
    "share": 0.5,
    "is_new": True,
    "at": NOW,
    "kind": "a",
    "code": "upload",
    "parts": [{"name": "n", "size_bytes": None, "mode": "644"}],
    "facts": {"a": [1, None]},
    "mixed": {"a": "b", "c": {"secret": "d"}},
    "inner": None,
    "tags": [],
}


def wire_types() -> list[type[WireType]]:
    """Return all records of all modules."""
    modules = [
        importlib.import_module(f"au2.wire.{found.name}")
        for found in pkgutil.iter_modules(wire.__path__)
    ]
    bases = {WireType, RequestType, ResponseType}
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, WireType) and value not in bases
    }
    return sorted(found, key=lambda kind: kind.__name__)


def test_client_and_server_read_and_write_alike() -> None:
    record = parse_record(Sample, DOCUMENT)

    assert record == adapter_of(Sample).validate_python(DOCUMENT)
    assert record.at == datetime(2026, 3, 4, 5, 6, 7, 500_000, tzinfo=UTC)
    written = adapter_of(Sample).dump_python(record, mode="json")
    assert format_document(record) == written == {**DOCUMENT, "at": "2026-03-04T05:06:07.500000Z"}
    assert list(format_document(record)) == list(written) == list(Sample.fields_)


@pytest.mark.parametrize("kind", wire_types(), ids=lambda kind: kind.__name__)
def test_every_wire_type_can_be_read_on_both_sides(kind: type[WireType]) -> None:
    assert adapter_of(kind).json_schema()["title"] == kind.__name__
    with pytest.raises(UnexpectedAnswer):
        parse_record(kind, [])
    if set(kind.fields_) - set(kind.defaults_):
        with pytest.raises(UnexpectedAnswer):
            parse_record(kind, {})


@pytest.mark.parametrize(
    "changes",
    [
        *({"text": value} for value in (1, None, ["a"])),
        *({"count": value} for value in (-1, True, 1.0, "1", 1 << 63)),
        *({"share": value} for value in (-0.5, True, "x", 1e300)),
        *({"is_new": value} for value in (1, None, "true")),
        *({"at": value} for value in (7, "soon", "2026-03-04T05:06:07")),
        *({"kind": value} for value in ("c", None, [])),
        *(
            {"parts": value}
            for value in ({}, [1], [{"name": 1}], [{"name": "n", "size_bytes": ""}])
        ),
        *({"facts": value} for value in ([], None)),
        *({"mixed": value} for value in ({"a": 1}, {"a": {"b": 1}}, [])),
        *({"inner": value} for value in (1, {})),
        *({"inner": {"name": "n", "mode": value}} for value in ("x", 7, "08", "644\n", None)),
    ],
)
def test_a_document_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer):
        parse_record(Sample, DOCUMENT | changes)


@pytest.mark.parametrize(
    "document",
    [
        None,
        "x",
        [DOCUMENT],
        {},
        {"items": [DOCUMENT]},
        {"items": {}, "next": None},
        {"items": [DOCUMENT, {}], "next": None},
        {"items": [], "next": 1},
        {"items": [], "next": "no cursor"},
    ],
)
def test_a_page_of_another_form_is_refused(document: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        parse_page(Sample, document)


def test_an_older_client_reads_what_a_newer_server_writes() -> None:
    found = parse_record(Sample, DOCUMENT | {"code": "new", "more": 1})

    assert found.code == "new"
    assert "more" not in format_document(found)


def test_fields_that_are_left_out_have_their_default() -> None:
    short = {name: value for name, value in DOCUMENT.items() if name not in {"inner", "tags"}}

    assert parse_record(Sample, short) == parse_record(Sample, DOCUMENT)


def test_a_request_is_sent_without_its_defaults() -> None:
    east = timezone(timedelta(hours=2))
    question = Question(
        name="n", at=datetime(2030, 1, 31, tzinfo=east), parts=[Inner(name="i"), Inner(name="")]
    )

    assert format_request(question) == {
        "name": "n",
        "at": "2030-01-31T00:00:00+02:00",
        "parts": [{"name": "i"}, {"name": ""}],
    }
    assert adapter_of(Question).validate_python(format_request(question)) == question


def test_a_request_with_unknown_fields_is_refused() -> None:
    with pytest.raises(ValidationError):
        adapter_of(Question).validate_python({"name": "n", "more": 1})


def test_records_are_values() -> None:
    one, other = Inner(name="n"), Inner(name="n", size_bytes=None)

    assert (one, hash(one)) == (other, hash(other))
    assert one != one.replaced(name="m")
    assert one != Question(name="n")
    with pytest.raises(AttributeError):
        one.name = "m"  # type: ignore[misc]
    with pytest.raises(TypeError, match="nme"):
        Inner(nme="n")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="name"):
        Inner()  # type: ignore[call-arg]


def test_a_default_list_belongs_to_one_record() -> None:
    Question(name="n").parts.append(Inner(name="i"))

    assert Question(name="n").parts == []


def test_secret_values_stay_out_of_messages() -> None:
    assert "hunter2" not in repr(Question(name="n", password="hunter2"))


def test_reading_records_imports_no_pydantic() -> None:
    code = "import sys, au2.wire.job, au2.wire.process, au2.wire.documents; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"pydantic", "annotated_types"} & set(done.stdout.split())
