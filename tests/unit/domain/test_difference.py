from au2.domain.difference import Difference, compare_mappings


def test_what_is_equal_is_not_told():
    assert compare_mappings({"a": 1, "b": {"secret": "X"}}, {"a": 1, "b": {"secret": "X"}}) == []


def test_added_removed_changed_by_name():
    assert compare_mappings({"b": 1, "c": 2}, {"c": 3, "a": 4}) == [
        Difference("a", "added", None, 4),
        Difference("b", "removed", 1, None),
        Difference("c", "changed", 2, 3),
    ]


def test_a_value_that_is_nothing_is_still_there():
    assert compare_mappings({"a": None}, {}) == [Difference("a", "removed", None, None)]
