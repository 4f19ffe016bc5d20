"""Tables on a narrow terminal: what gives way, and what stays whole."""

from datetime import UTC, datetime, timedelta

import pytest

from au2.console.cells import WideColumn, columns
from au2.console.tables import draw_table

GUID = "eadf98c2-8e85-46ae-b81a-640d9d326109"
OTHER = "cc76d137-acf6-488f-80a7-a1db6c9d9cd7"
DIGEST = "sha256:" + "8" * 64


def drawn_width(drawn: str) -> int:
    return max(map(len, drawn.splitlines()))


def test_text_folds_at_words_and_an_id_never() -> None:
    document = {"id": GUID, "name": "forecast", "description": "the sales of each shop by week"}

    drawn = draw_table(columns("id", "name", "description"), [document], width=72)

    assert drawn_width(drawn) <= 72
    assert GUID in drawn
    assert set(document["description"].split()) <= set(drawn.replace("│", " ").split())


def test_a_digest_is_cut_before_text_breaks_in_words() -> None:
    documents = [{"id": 12, "image_digest": DIGEST, "name": "forecast-of-the-north"}]

    drawn = draw_table(columns("id", "image_digest", "name"), documents, width=60)

    assert "sha256:8888888888… " in drawn
    assert "forecast-of-the-north" in drawn


def test_ids_of_other_objects_are_cut_after_everything_else() -> None:
    documents = [{"id": GUID, "name": "SF Runtime", "organization": OTHER, "project": OTHER}]

    drawn = draw_table(columns("id", "name", "organization", "project"), documents, width=88)

    assert GUID in drawn
    assert drawn.count("cc76d137… ") == 2
    assert OTHER not in drawn


def test_the_first_id_stays_whole_on_any_terminal() -> None:
    documents = [{"id": GUID, "name": "x" * 30}]

    for width in (1, 20, 47):
        assert GUID in draw_table(columns("id", "name"), documents, width=width)


def test_a_record_keeps_ids_and_cuts_digests() -> None:
    drawn = draw_table(
        columns("id", "image_digest"), {"id": GUID, "image_digest": DIGEST}, width=60
    )

    assert drawn_width(drawn) <= 60
    assert GUID in drawn
    assert "sha256:8888888888… " in drawn


def test_without_a_terminal_every_value_is_whole() -> None:
    documents = [{"id": GUID, "organization": OTHER, "image_digest": DIGEST}]
    shown = columns("id", "image_digest", organization=WideColumn("organization"))

    drawn = draw_table(shown, documents, width=None)

    assert all(value in drawn for value in (GUID, OTHER, DIGEST))


def test_a_wide_column_is_left_out_on_a_terminal() -> None:
    shown = columns("id", organization=WideColumn("organization"))

    drawn = draw_table(shown, [{"id": 1, "organization": OTHER}], width=200)

    assert "organization" not in drawn


def test_wide_characters_take_two_columns() -> None:
    drawn = draw_table(columns("id", "name"), [{"id": 1, "name": "北海道" * 20}], width=40)

    assert drawn.count("北海道") + drawn.count("北") >= 20
    assert all(len(line) + sum(char > "一" for char in line) <= 40 for line in drawn.splitlines())


@pytest.mark.parametrize("width", [1, 10, 80, 10_000])
def test_hostile_cells_are_drawn_at_any_width(width: int) -> None:
    documents = [
        {"id": 1, "name": "\x1b]0;x\x07" + "\n" * 50, "size_bytes": "no size", "ended_at": "never"},
        {"id": 10**30, "name": None, "size_bytes": float("inf"), "ended_at": 7},
    ]

    drawn = draw_table(columns("id", "name", "size_bytes", "ended_at"), documents, width=width)

    assert "\x1b" not in drawn
    assert str(10**30) in drawn


def test_times_sizes_and_lengths_are_in_peoples_units() -> None:
    begun = datetime.now(UTC) - timedelta(hours=2, minutes=5)
    document = {"begun_at": begun.isoformat(), "size_bytes": 1536, "ran_seconds": 90.0}
    shown = columns("begun_at", "size_bytes", "ran_seconds")

    listed = draw_table(shown, [document], width=None)
    record = draw_table(shown, document, width=None)

    assert " 2 h ago " in listed
    assert "1.5 KiB" in listed
    assert "1 min 30 s" in listed
    assert f"2 h ago ({begun:%Y-%m-%d %H:%M:%S} UTC)" in record
