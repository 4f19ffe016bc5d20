"""A ``requirements.txt`` is read as pip and uv read it: compared on many made-up files.

What au2 refuses although both take it is listed in ``DOCUMENTED``, and in docs/guides/dependencies.
"""

import contextlib
import io
import optparse
import posixpath
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from pip._internal.exceptions import CommandError, InstallationError
from pip._internal.models.format_control import FormatControl
from pip._internal.req import req_file
from pip._internal.req.constructors import install_req_from_line

from au2.domain.errors import InvalidPackage
from au2.package.requirements.lines import logical_lines
from au2.package.requirements.reader import parse_requirements
from au2.package.text import decode_requirements
from tests.support.packages.wheels import make_wheel

UV = Path(sys.executable).with_name("uv")
DOCUMENTED = re.compile(
    r"URLs are not supported|files and folders|files of the machine|the server's settings|editable"
    r"|is no hash|is not supported|must compare one variable|compares with no version"
    r"|write python_version in|compare it with ==, != or in|compare extra|is for lock files"
)


class NotTaken(Exception):
    """A reference tool refuses."""


_PIECES = st.sampled_from(
    [
        "six",
        "a==1",
        " ",
        "  ",
        "\t",
        "#",
        " # x",
        "\\",
        "\\\\",
        "\n",
        "\r\n",
        "\r",
        "--pre",
        "\\\n",
        "é",
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join))
def test_lines_are_joined_and_freed_of_comments_as_by_pip(text: str) -> None:
    found = [(line.number, line.text) for line in logical_lines(text, "f")]
    assert found == list(req_file.preprocess(text))


@given(st.lists(_PIECES | st.sampled_from("\x0c\x0b\x1c\x85\u2028"), max_size=30).map("".join))
def test_other_ends_of_lines_end_lines_but_are_not_counted(text: str) -> None:
    found = list(logical_lines(text, "f"))
    assert [line.text for line in found] == [line for _, line in req_file.preprocess(text)]
    assert all(1 <= line.number <= len(re.split("\r\n|\r|\n", text)) for line in found)


_WORDS = st.one_of(
    st.sampled_from(["-r", "--req", "--requirement=a b", "-ra.txt", "'a b.txt'", "'a", "x.txt"]),
    st.sampled_from(["--no-binary", "six", ":all:", "-x", "--", "-", "--pre", "--pr", "-cc.txt"]),
    st.sampled_from(["--nonsense", "--require-hashes", "--re", "-e", "-i", "--prefer-binary=1"]),
    st.sampled_from(["a\\ b", "--only-b=six,idna", f"--hash=sha256:{'a' * 64}", "--hash"]),
)
_DROPPED_BY_PIP = re.compile(
    r"stands behind an option|'--' is not|write names of|on a line of their own|is not inside"
)


@given(st.lists(_WORDS, min_size=1, max_size=5).map(" ".join))
def test_options_are_split_as_by_pip(line: str) -> None:
    read: list[str] = []
    try:
        found = parse_requirements(line, read=lambda path: read.append(path) or "")
    except InvalidPackage as error:
        if not any(
            DOCUMENTED.search(d.message) or _DROPPED_BY_PIP.search(d.message) for d in error.details
        ):
            with pytest.raises(NotTaken):
                options_of_pip(line)
        return
    asked, values = options_of_pip(line)
    assert bool(asked) == bool(found.requirements)
    assert read == [
        posixpath.normpath(p) for p in (*(values.requirements or []), *(values.constraints or []))
    ]
    assert found.prereleases == bool(values.pre)
    formats = values.format_control or FormatControl()
    assert set(found.no_binary) == formats.no_binary
    assert set(found.only_binary) == formats.only_binary


def options_of_pip(line: str) -> tuple[str, optparse.Values]:
    """Return what pip reads in a line of options. Raises NotTaken."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            asked, values = req_file.get_line_parser(None)(line)
        if asked:
            of_pip(asked)
    except (req_file.OptionParsingError, CommandError, InstallationError) as error:
        raise NotTaken(str(error)) from error
    return asked, values


_TEXTS = st.text(st.sampled_from("six==1\n#é€ "), max_size=20)
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252", "koi8-r", "shift_jis")
_HEADS = ("", "# coding: {}\n", "\n# -*- coding: {} -*-\n", "\n\n# coding: {}\n", " # coding={}\n")


@given(_TEXTS, st.sampled_from(_HEADS), st.sampled_from(_ENCODINGS), st.sampled_from(_ENCODINGS))
def test_files_are_decoded_as_by_pip(text: str, head: str, stated: str, real: str) -> None:
    data = (head.format(stated) + text).encode(real, "replace")
    try:
        found = decode_requirements(data, "requirements.txt")
    except InvalidPackage as error:
        (detail,) = error.details
        # pip falls back to what the machine is set to: a build must not hang on that.
        assert detail.message.endswith(("UTF-8",)), detail
        with pytest.raises(UnicodeDecodeError):
            data.decode("utf-8" if "not UTF-8" in detail.message else stated)
        return
    assert found == req_file._decode_req_file(data, "requirements.txt")


def of_uv(folder: Path, text: str, *options: str) -> str:
    """Return what uv says to a file. Raises NotTaken if it can't read that."""
    folder.mkdir()
    (folder / "requirements.txt").write_text(text)
    line = [UV, "pip", "compile", "--no-index", "--no-deps", "--no-config", "--no-cache", "--quiet"]
    more = ["--python-version", "3.11", "--no-annotate", "--no-header", *options]
    done = subprocess.run(
        [*line, *more, "requirements.txt"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode == 2:
        raise NotTaken(done.stderr)
    return done.stdout


def of_pip(line: str) -> None:
    """Raise if pip can't read a requirement."""
    found = install_req_from_line(line)
    assert found.req is not None


def of_au2(line: str) -> tuple[str | None, str]:
    """Return what is asked for, or None and why it is refused."""
    try:
        (asked,) = parse_requirements(line).requirements
    except InvalidPackage as error:
        (detail,) = error.details
        assert detail.line == 1
        return None, detail.message
    return asked.text, ""


_NAMES = ("six", "Six", "zope.interface", "a_b", "A-", "-a", "a.", "sïx", "6six", "x.-y", "a b")
_OPERATORS = ("==", ">=", "<=", "!=", "~=", "===", "<", ">", "=", "=>", "^", "", "== ", " >=")
_VERSIONS = ("1", "1.0", "1.*", "0!1.0", "1!2", "1.0a1", "1.0.dev1", "1.0-1", "1.0+local.1", "v1.0")
_ODD_VERSIONS = ("foo", "1.x", "1..0", "1.", "", "99999999999999999999", "1.0a1.*", "1.0+x.*", "*")
_EXTRAS = ("[a]", "[a,b]", "[]", "[ a , B.c ]", "[a,]", "[a b]", "[a", "[-a]")
_VARIABLES = ("python_version", "python_full_version", "sys_platform", "os_name", "extra")
_ODD_VARIABLES = ("pyhton_version", "os.name", "python_implementation", "3", "extras", "")
_COMPARISONS = ("==", ">=", "<", "!=", "~=", "in", "not in", "===", "=", "is", "<>")
_VALUES = (
    '"3.11"',
    "'3.8'",
    '"linux"',
    '"posix"',
    '"3.10 3.11"',
    '"3.x"',
    '"3.*"',
    '""',
    "3",
    '"3',
)


def make_line(chance: random.Random) -> str:
    """Return a requirement, or nearly one."""
    pick = chance.choice
    odd = chance.random() < 0.3
    clauses = [
        (pick(_OPERATORS) if odd else pick(("==", ">=", "<", "!=", "~=", "===")))
        + pick(_VERSIONS + (_ODD_VERSIONS if odd else ()))
        for _ in range(pick((0, 1, 1, 2)))
    ]
    versions = pick((",", ", ", " ,", " ")).join(clauses) + pick(("", "", "", ",", " "))
    if chance.random() < 0.15:
        versions = f"({versions}{pick((')', ')', ''))}"
    text = (pick(_NAMES) if odd else "six") + pick(("", "", *_EXTRAS)) + pick(("", " ")) + versions
    return text + (
        f"{pick((';', ' ; '))}{make_marker(chance, odd)}" if chance.random() < 0.5 else ""
    )


def make_marker(chance: random.Random, odd: bool) -> str:
    """Return a marker, or nearly one."""
    pick = chance.choice
    if chance.random() < 0.2:
        joined = pick((" and ", " or ", ") and (", " AND "))
        return f"({make_marker(chance, odd)}{joined}{make_marker(chance, odd)})"
    sides = [
        pick(_VARIABLES + (_ODD_VARIABLES if odd else ())),
        pick(_VALUES if odd else _VALUES[:6]),
    ]
    if chance.random() < 0.15:
        sides.reverse()
    space = pick((" ", " ", ""))
    return f"{sides[0]}{space}{pick(_COMPARISONS)}{space}{sides[1]}"


def make_lines(seed: int, number: int) -> list[str]:
    chance = random.Random(seed)
    return list(dict.fromkeys(make_line(chance) for _ in range(number)))


def errors_beside(tmp_path: Path, lines: list[str]) -> Iterator[str]:
    """Yield where au2 does otherwise than pip and uv."""
    found = {line: of_au2(line) for line in lines}

    def refuses(numbered: tuple[int, str]) -> bool:
        try:
            of_pip(numbered[1])
            of_uv(tmp_path / f"line{numbered[0]}", f"{numbered[1]}\n")
        except Exception:
            return True
        return False

    refused = [line for line, (text, _) in found.items() if text is None]
    with ThreadPoolExecutor(4) as threads:
        for line, is_refused in zip(refused, threads.map(refuses, enumerate(refused)), strict=True):
            if not is_refused and not DOCUMENTED.search(found[line][1]):
                yield f"refused, but pip and uv take it: {line!r}: {found[line][1]}"
    taken = {line: text for line, (text, _) in found.items() if text is not None}
    assert taken
    for line in taken:
        of_pip(line)
    # What the installer is given: one after the other to find which, all at once to be quick.
    of_uv(tmp_path / "taken", "".join(f"{text}\n" for text in taken.values()))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_pip_and_uv_take_is_taken_and_nothing_else(tmp_path: Path, seed: int) -> None:
    assert list(errors_beside(tmp_path, make_lines(seed, 120))) == []


def test_markers_that_are_taken_mean_the_same_to_pip_and_uv(tmp_path: Path) -> None:
    chance, asked = random.Random(10), dict[str, Requirement]()
    while len(asked) < 60:
        line = f"p{len(asked)}; {make_marker(chance, odd=False)}"
        text, _ = of_au2(line)
        if text is not None:
            asked[f"p{len(asked)}"] = Requirement(text)
    for name in asked:
        make_wheel(tmp_path / "wheels", name)
    options = ("--find-links", str(tmp_path / "wheels"))
    said = of_uv(tmp_path / "all", "".join(f"{one}\n" for one in asked.values()), *options)

    environment = {"python_version": "3.11", "python_full_version": "3.11.0", "extra": ""}
    of_uv_taken = set(re.findall(r"^(p\d+)==", said, re.MULTILINE))
    of_pip_taken = {
        name
        for name, one in asked.items()
        if one.marker is not None and one.marker.evaluate(environment)
    }
    assert {str(asked[name]) for name in of_uv_taken ^ of_pip_taken} == set()
    assert 5 < len(of_uv_taken) < 55
