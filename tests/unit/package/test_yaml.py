import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidPackage
from au2.package.yaml_nodes import parse_nodes
from au2.package.yaml_values import to_value


def load(text: str) -> Any:
    root = parse_nodes(text, "f.yml")
    return None if root is None else to_value(root, "f.yml")


def error(text: str) -> tuple[int | None, str]:
    with pytest.raises(InvalidPackage) as caught:
        load(text)
    [detail] = caught.value.details
    assert detail.file == "f.yml"
    return detail.line, detail.message


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\n\n"])
def test_nothing(text: str) -> None:
    assert load(text) is None


def test_core_schema() -> None:
    text = """
    text: NO
    version: 1.10.0
    quoted: "1"
    number: -12
    octal: 0o17
    hexadecimal: 0xff
    real: 1.5e3
    yes: true
    nothing: ~
    date: 2024-01-01
    list: [a, {b: c}]
    block: |
      one
      two
    """
    assert load(text) == {
        "text": "NO",
        "version": "1.10.0",
        "quoted": "1",
        "number": -12,
        "octal": 15,
        "hexadecimal": 255,
        "real": 1500.0,
        "yes": True,
        "nothing": None,
        "date": "2024-01-01",
        "list": ["a", {"b": "c"}],
        "block": "one\ntwo\n",
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [", 3, ""),
        ("a: 1\nb: [\n", 3, ""),
        ("a: 1\na: 2", 2, "given twice (first on line 1)"),
        ("a: 1\nb: {c: 1,\n c: 2}", 3, "given twice"),
        ("a: 1\n---\nb: 2", 2, "only one document"),
        ("a: 1\nb: !!python/object:os.system x", 2, "tags"),
        ("a: !!str 1", 1, "tags"),
        ("a: 1\nb: *x", 2, "&x"),
        ("? [a]\n: 1", 1, "key must be a text"),
        ("a: 1\nb: \x01", 2, "special characters"),
        ("a: .inf", 1, "JSON"),
        ("a: 1e999", 1, "JSON"),
        ('a: "\\ud800x"', 1, "half of a character"),
        ('a: "\\U0011ffff"', None, "not valid YAML"),
        ('a: "\\Uffffffff"', None, "not valid YAML"),
        ("a: b: c", 1, "mapping values"),
        ("a: 1\n...\nb: 2", 3, "only one document"),
        ("%YAML 1.1\n---\na: yes", 2, "read as YAML 1.2"),
        ("a: ! 1", 1, "tags"),
        ("&a [x]: 1", 1, "key must be a text"),
        ("a: 1\nb: 01234", 2, "a zero in front"),
        ("a: [1, -007]", 1, "a zero in front"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a", 4, "given twice (first on line 3)"),
        ("a: 1\nb:\n  <<: text", 3, "merges a mapping"),
        ("a: &a {b: 1}\nc:\n  <<: [*a, [*a]]", 3, "merges a mapping"),
        ("a:\n  <<:", 2, "merges a mapping"),
        ("a: &a\n  b: 1\n  <<: *a", 3, "&a"),
        ("\ta: 1", 1, "cannot start any token"),
    ],
)
def test_errors_have_lines(text: str, line: int | None, words: str) -> None:
    found_line, message = error(text)
    assert words in message
    assert found_line == line or (words == "" and found_line in {2, 3})


@pytest.mark.parametrize("character", "\x7f\x84\x86\x9f\ufffe\uffff")
def test_characters_that_yaml_has_not(character: str) -> None:
    assert "special characters" in error(f"a: ä\nb: {character}")[1]


@pytest.mark.parametrize("character", "\xa0\ud7ff\ue000\ufffd\U00010000\U0010ffff")
def test_characters_beyond_ascii(character: str) -> None:
    assert load(f"a: ä{character}") == {"a": f"ä{character}"}


def test_aliases_are_what_they_stand_for() -> None:
    assert load("a: &x [1]\nb: *x") == {"a": [1], "b": [1]}


def test_merge_keys_bring_what_is_not_given() -> None:
    text = """
    base: &base {size: 1, unit: m}
    other: &other {size: 2, color: red}
    one: {<<: *base, unit: cm}
    list: {unit: km, <<: [*base, *other]}
    nested: &nested
      <<: *other
      deep: {<<: *base}
    again:
      <<: *nested
      "<<": a key
    '<<': another
    """
    found = load(text)
    assert found["one"] == {"size": 1, "unit": "cm"}
    assert found["list"] == {"size": 1, "unit": "km", "color": "red"}
    nested = {"size": 2, "color": "red", "deep": {"size": 1, "unit": "m"}}
    assert found["nested"] == nested
    assert found["again"] == {**nested, "<<": "a key"}
    assert found["<<"] == "another"
    assert list(found["one"]) == ["size", "unit"]


def test_what_1_1_reads_otherwise_stays_as_it_is_written() -> None:
    text = "[yes, off, 1:30, 1_000, 0b1, 2024-01-01, 0o17, 1.10, '007', =]"
    assert load(text) == [
        *("yes", "off", "1:30", "1_000", "0b1", "2024-01-01"),
        *(15, 1.1, "007", "="),
    ]


def test_a_bomb_is_small() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    line, message = error("\n".join(lines))
    assert line == 5
    assert "more than" in message


def test_a_node_can_not_hold_itself() -> None:
    assert "&x" in error("a: &x [*x]")[1]


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_deep_nesting(bracket: str) -> None:
    assert "nested deeper" in error(bracket * 30_000)[1]


def test_size() -> None:
    assert "larger than" in error("a: " + "x" * (1 << 20))[1]


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidPackage):
        load(text).encode() if isinstance(load(text), str) else None


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.sampled_from("abc"), max_size=3), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(_TREES)
def test_json_is_yaml(tree: Any) -> None:
    assert load(json.dumps(tree)) == tree


_MAPPINGS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), max_size=3)
_MERGES = st.lists(
    st.tuples(_MAPPINGS, st.lists(st.integers(0, 9), max_size=3), st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(_MERGES)
def test_merge_keys_mean_what_they_mean_to_pyyaml(made: list[tuple[Any, ...]]) -> None:
    lines: list[str] = []
    for number, (own, wanted, is_list, first) in enumerate(made):
        names = [f"*n{one % number}" for one in wanted] if number else []
        merge = [f"<<: [{', '.join(names)}]"] if is_list else [f"<<: {one}" for one in names[:1]]
        items = [f"{key}: {value}" for key, value in own.items()]
        block = merge + items if first else items + merge
        lines.append(f"n{number}: &n{number} {{{', '.join(block)}}}")
    text = "\n".join(lines)
    expected = yaml.safe_load(text)
    found = load(text)
    assert found == expected
    assert [list(value) for value in found.values()] == [list(v) for v in expected.values()]
