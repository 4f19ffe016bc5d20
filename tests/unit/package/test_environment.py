import pytest

from au2.domain.errors import InvalidPackage
from au2.package.environment import find_name_error, parse_environment, plain_texts


def test_scalars_stay_as_they_are_written() -> None:
    text = """
A: 1.10
B: NO
C: 0x1F
D: "two words"
E: 'it''s'
F: |
  lines
  more
G: null
H:
I: 2024-01-01
j_2: =
"""
    assert parse_environment(text) == {
        "A": "1.10",
        "B": "NO",
        "C": "0x1F",
        "D": "two words",
        "E": "it's",
        "F": "lines\nmore\n",
        "G": "null",
        "H": "",
        "I": "2024-01-01",
        "j_2": "=",
    }


def test_secrets() -> None:
    text = "A: {secret: DB.pass-word_1}\nB:\n  secret: 0123\nC: text\n"
    found = parse_environment(text)
    assert found == {"A": {"secret": "DB.pass-word_1"}, "B": {"secret": "0123"}, "C": "text"}
    assert plain_texts(found) == {"C": "text"}


@pytest.mark.parametrize(
    "value",
    [
        "{secret: A, file: x}",
        "{secret: [A]}",
        "{secret: {a: b}}",
        "{secret: }",
        "{secret: a b}",
        "{secret: -a}",
        "{secret: ../a}",
        "{secret: ä}",
        "{Secret: A}",
    ],
)
def test_no_secret(value: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        parse_environment(f"GOOD: x\nA: {value}\n")
    (detail,) = caught.value.details
    assert detail.line == 2
    assert "secret" in detail.message


@pytest.mark.parametrize("text", ["", "# nothing\n", "~"])
def test_nothing(text: str) -> None:
    assert parse_environment(text) == {}


def test_all_errors_at_once() -> None:
    text = (
        'AU_TOKEN: x\n1A: x\nB: {secret: "my secret"}\nC: [x]\nGOOD: x\nD: {a: b}\n'
        '"E=": x\nF: "a\\0b"\n'
    )
    with pytest.raises(InvalidPackage) as caught:
        parse_environment(text)
    details = caught.value.details
    assert [detail.line for detail in details] == [1, 2, 3, 4, 6, 7, 8]
    assert "platform's own" in details[0].message
    assert "secret" in details[2].message


@pytest.mark.parametrize(("letter", "count"), [("x", 131_068), ("é", 65_534), ("x", 200_000)])
def test_a_value_longer_than_linux_takes_has_its_line(letter: str, count: int) -> None:
    with pytest.raises(InvalidPackage) as caught:
        parse_environment(f"GOOD: x\nBIG: {letter * count}\nALSO: [x]\n")
    first, second = caught.value.details
    assert (first.file, first.line, second.line) == ("env.yml", 2, 3)
    assert "the value of 'BIG' is too long" in first.message
    assert len(first.message) < 300
    assert parse_environment(f"BIG: {letter * (count // 2)}")


@pytest.mark.parametrize("text", ["text", "[a]"])
def test_not_a_mapping(text: str) -> None:
    with pytest.raises(InvalidPackage):
        parse_environment(text)


@pytest.mark.parametrize("name", ["", "A B", "A=B", "Ä", "AU_", "a\n", "9"])
def test_names(name: str) -> None:
    assert find_name_error(name) is not None
    assert find_name_error("_a9") is None
    assert find_name_error("au_a") is None


@pytest.mark.parametrize("name", ["A B", "Ä", "a\n", "9", "spring.url", "a-b", "%"])
def test_names_that_docker_takes(name: str) -> None:
    assert find_name_error(name, any_name=True) is None


@pytest.mark.parametrize("name", ["", "A=B", "AU_", "a\0", "\ud800"])
def test_names_that_nobody_takes(name: str) -> None:
    assert find_name_error(name, any_name=True) is not None
