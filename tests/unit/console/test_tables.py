"""Tables of both programs."""

from au2.console.cells import columns
from au2.console.tables import draw_table


def test_tables_fold_to_the_terminal_and_nowhere_else() -> None:
    documents = [{"one": "x" * 100, "two": "y" * 300}]
    folded = draw_table(columns("one", "two"), documents, width=80)
    whole = draw_table(columns("one", "two"), documents, width=None)
    assert max(map(len, folded.splitlines())) <= 80
    assert folded.count("y") == 300
    assert "y" * 300 in whole


def test_a_very_long_value_is_cut_on_a_terminal_only() -> None:
    documents = [{"one": "x" * 100_000, "two": "after"}]
    cut = draw_table(columns("one", "two"), documents, width=80)
    assert cut.count("x") == 4_000
    assert "100,000" in cut.replace("\n", "")
    assert "x" * 100_000 in draw_table(columns("one", "two"), documents, width=None)
