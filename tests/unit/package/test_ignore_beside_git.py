"""``.auignore`` beside git's own ``.gitignore``: the same rules leave out the same files."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from au2.package.ignore.rules import read_rules
from au2.package.tree.walk import walk_package


class Package(NamedTuple):
    """A folder to make."""

    files: tuple[bytes, ...]
    rules: Mapping[bytes, bytes]
    """Rule files by the folder that they lie in; empty: the top."""


_CLASSES = (
    *(b"alnum", b"alpha", b"blank", b"cntrl", b"digit", b"graph"),
    *(b"lower", b"print", b"punct", b"space", b"upper", b"xdigit"),
)
_NAME_PIECES = [
    *(b"a", b"b", b"c", b"A", b"1", b"9", b"_", b"-", b".", b" ", b"\t", b"~", b"#", b"!"),
    *(
        b"*",
        b"?",
        b"[",
        b"]",
        b"\\",
        b"^",
        b":",
        b"\r",
        b"\x0b",
        b"\x0c",
        b"\x7f",
        b"\x85",
        b"\xe9",
    ),
    *("ä".encode(), "\u2028".encode(), b".py", b".txt", b"foo", b"data"),
]
_PATTERN_PIECES = [
    *_NAME_PIECES,
    *(b"*", b"*", b"**", b"***", b"?", b"/", b"/", b"/**/", b"**/", b"/**", b"*/", b"/*"),
    *(b"[ab]", b"[!a]", b"[^a-c]", b"[a-c-9]", b"[]a]", b"[!]a]", b"[\\]]", b"[\\a-\\c]", b"[c-a]"),
    *(b"[[:alpha:]]", b"[[:digit:]]", b"[![:space:]]", b"[[:punct:]]", b"[[:upper:][:digit:]_]"),
    *(
        b"[[:cntrl:]]",
        b"[[:blank:]]",
        b"[[:graph:]]",
        b"[[:print:]]",
        b"[[:xdigit:]]",
        b"[[:lower:]]",
    ),
    *(b"[[:alnum:]]", b"[[:nope:]]", b"[[:alpha:]", b"[[:]", b"[[:]]", b"[[::]]", b"[a-[:digit:]]"),
    *(b"[", b"[a", b"[]", b"[!]", b"[a-", b"[\x80-\xff]", b"[/]", b"[!/]", b"[a-]", b"[-a]"),
    *(b"\\*", b"\\?", b"\\[", b"\\\\", b"\\/", b"\\a", b"\\ ", b"\\!", b"\\#", b"\\", b"\\\t"),
]
_LINE_ENDS = [b"\n"] * 6 + [
    b"\r\n",
    b" \n",
    b"  \n",
    b"\t\n",
    b"\\ \n",
    b" \r\n",
    b"\r\r\n",
    b"\0z\n",
    b"",
]

_names = (
    st.lists(st.sampled_from(_NAME_PIECES), min_size=1, max_size=4)
    .map(b"".join)
    .filter(lambda name: name not in {b".", b"..", b".git"} and not name.startswith(b".au"))
)
_paths = st.lists(_names, min_size=1, max_size=4).map(b"/".join)
_patterns = st.lists(st.sampled_from(_PATTERN_PIECES), min_size=0, max_size=6).map(b"".join)


@st.composite
def _lines_about(draw: st.DrawFn, paths: list[bytes]) -> bytes:
    """Draw a line that is likely to match: one of the paths, some parts of it made wild."""
    parts = draw(st.sampled_from(paths)).rstrip(b"/").split(b"/")
    first = draw(st.integers(0, len(parts) - 1))
    last = draw(st.integers(first + 1, len(parts)))
    chosen = []
    for part in parts[first:last]:
        wild = draw(st.sampled_from([None, None, b"*", b"**", b"?", b"[!x]", b"[[:print:]]"]))
        at = draw(st.integers(0, len(part)))
        end = draw(st.integers(at, len(part)))
        chosen.append(part if wild is None else part[:at] + wild + part[end:])
    before = draw(st.sampled_from([b"", b"", b"/", b"**/", b"*/", b"!", b"!", b"!/", b"!**/"]))
    after = draw(st.sampled_from([b"", b"", b"/", b"/*", b"/**", b"*", b"**", b"/**/*"]))
    return before + b"/".join(chosen) + after


@st.composite
def _rule_files(draw: st.DrawFn, paths: list[bytes]) -> bytes:
    common = st.sampled_from(
        [b"*", b"!*/", b"/*", b"!*", b"!**/", b"# x", b"!", b"/", b"\\", b"**"]
    )
    free = st.tuples(st.sampled_from([b"", b"", b"!", b"/"]), _patterns).map(b"".join)
    line = st.one_of(_lines_about(paths), _lines_about(paths), free, common)
    lines = draw(st.lists(st.tuples(line, st.sampled_from(_LINE_ENDS)).map(b"".join), max_size=6))
    mark = draw(st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf"]))
    return mark + b"".join(lines)


@st.composite
def _packages(draw: st.DrawFn) -> Package:
    drawn = draw(st.lists(_paths, min_size=1, max_size=8, unique=True))
    files = [path for path in drawn if not any(o.startswith(path + b"/") for o in drawn)]
    folders = sorted({path.rpartition(b"/")[0] for path in files if b"/" in path})
    rules = {b"": draw(_rule_files(files))}
    if folders and draw(st.booleans()):
        folder = draw(st.sampled_from(folders))
        below = [
            path.removeprefix(folder + b"/") for path in files if path.startswith(folder + b"/")
        ]
        rules[folder] = draw(_rule_files(below))
    return Package(tuple(files), rules)


class Repository:
    """One repository of git for many packages, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        subprocess.run(["git", "init", "-q", folder], check=True)

    def compare(self, *packages: Package) -> None:
        """Assert that git and au2 take the same files of each package."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            top = Path(folder)
            for number, package in enumerate(packages):
                _write(top / str(number), package)
            by_git = self._taken_by_git(top)
            for number, package in enumerate(packages):
                prefix = b"%d/" % number
                theirs = {path for path in by_git if path.startswith(prefix)}
                ours = {prefix + path for path in _taken_by_us(top / str(number))}
                assert ours == theirs, package

    def _taken_by_git(self, top: Path) -> set[bytes]:
        command = ["git", "-C", top, "ls-files", "-z", "--others", "--exclude-standard"]
        environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "XDG_CONFIG_HOME": "/nonexistent",
            "HOME": "/nonexistent",
        }
        run = subprocess.run(command, env=environment, capture_output=True, check=True)
        return {path for path in run.stdout.split(b"\0") if _is_file_of_package(path)}


def _write(root: Path, package: Package) -> None:
    for path in package.files:
        full = root / os.fsdecode(path)
        full.parent.mkdir(parents=True, exist_ok=True)
        full.touch(exist_ok=False)
    for folder, text in package.rules.items():
        for name in (".gitignore", ".auignore"):
            (root / os.fsdecode(folder) / name).write_bytes(text)


def _taken_by_us(root: Path) -> set[bytes]:
    def fail(folder: str, error: OSError) -> None:
        raise error

    found = walk_package(os.fspath(root), read_rules, fail)
    paths = {os.fsencode(entry.path) for entry in found if not entry.is_folder}
    return {path for path in paths if _is_file_of_package(path)}


def _is_file_of_package(path: bytes) -> bool:
    return path != b"" and not path.endswith((b".gitignore", b".auignore"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("git"))


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(packages=st.lists(_packages(), min_size=1, max_size=20))
def test_generated_packages(repository: Repository, packages: list[Package]) -> None:
    repository.compare(*packages)


_SETS = [
    *(b"[[:%b:]]" % name for name in _CLASSES),
    *(b"[^[:%b:]]" % name for name in _CLASSES),
    *(
        b"[ -~]",
        b"[!-]",
        b"[\x80-\xff]",
        b"[^\x01-\x7f]",
        b"[+--]",
        b"[]-a]",
        b"[!]-a]",
        b"[\\--a]",
    ),
    *(b"[[-\\]]", b"[a-]", b"[--/]", b"[[.a.]]", b"[[=a=]]", b"[[:alpha:]-z]", b"[a-[:digit:]]"),
    *(
        b"[^]",
        b"[!]",
        b"[]",
        b"[\\]",
        b"[a-\\]",
        b"[[:",
        b"[[:]",
        b"[[:]]",
        b"[[::]]",
        b"[[:ALPHA:]]",
    ),
    *(
        b"?",
        b"*",
        b"\\*",
        b"\\",
        b"[[:alpha:][:digit:]",
        b"[a-b-c]",
        b"[\\a-\\c]",
        b"[c-a]",
        b"[a\\]b]",
    ),
]


@pytest.mark.slow
def test_every_byte_in_every_set(repository: Repository) -> None:
    files = tuple(b"x" + bytes((byte,)) for byte in range(1, 256) if byte != ord("/"))
    repository.compare(*(Package(files, {b"": b"x" + pattern + b"\n"}) for pattern in _SETS))


_TREE = (
    *(
        b"code.py",
        b"lib/a.py",
        b"lib/deep/b.py",
        b"lib/deep/notes.txt",
        b"data/big.csv",
        b"k/a",
        b"k/b/c",
    ),
    *(
        b"foo ",
        b"foo",
        b"foo\\",
        b"logs\\",
        b"logs",
        b"a\t",
        b"a",
        b"a\\",
        b"a1",
        b"ab",
        b"x.txt",
        b"a\r",
    ),
    *(
        b"doc/frotz/x",
        b"a/doc/frotz/x",
        b"foobar",
        b"foo1/2/bar",
        b"foo1/bar",
        b"caf\xe9.txt",
        b"!x",
        b"#x",
    ),
    *(
        b"-",
        b" x",
        b"x ",
        b"build/out/x",
        b"build/x",
        b"A",
        b"Lib/A.py",
        b"deep/deep/deep/x",
        b"a b",
    ),
)


_RULES = [
    *(b"*\n!*/\n!*.py\n", b"*\n!k/\n!k/*\n", b"/*\n!/lib\n/lib/*\n!/lib/deep\n", b"*\n!code.py"),
    *(b"build/\n!build/x\n", b"build/*\n!build/x\n", b"build/**\n!build/out/\n!build/out/**\n"),
    *(b"logs\\\n", b"!\n", b"foo\\  \n", b"foo\\ \n", b"foo  \n", b"a\t\n", b"a\\\\ \n", b"!!x\n"),
    *(b"# x\x0c*.txt\n", b"# caf\xe9\na\n", b"caf\xe9*\n", b"\\!x", b"a\\", b"a\0b\n"),
    "# x\u2028*.txt\n# y\u0085*.py\n".encode(),
    *(
        b"a\r\n",
        b"a\r\r\n",
        b"a\r",
        b"\r\n*.txt\r\n",
        b"#x\n\\#x\n",
        b" x\n",
        b"\\ x\n",
        b"x\\ \r\n",
    ),
    *(b"foo**/bar\n", b"/foo**/bar", b"**/frotz", b"doc/frotz", b"/doc/frotz/", b"doc/frotz/"),
    *(b"**", b"/**", b"**/", b"lib/**", b"lib/**/x", b"**/deep/**/x", b"**/deep/**/deep/**/x"),
    *(
        b"a[[:digit:]]",
        b"LIB",
        b"lib",
        b"/",
        b"//",
        b"lib//",
        b"/lib//a.py",
        b"./lib",
        b"lib/./a.py",
    ),
    *(b"\xef\xbb\xbfcode.py\n", b"\n\n\xef\xbb\xbfcode.py\n", b"**/**/b.py", b"frotz/", b"../x"),
    *(b"lib\\/deep", b"lib/**\\/b.py", b"[!x]uild/out\\/**", b"li[b]\\/**/b.py", b"*\\/**\\/*\\/x"),
]


@pytest.mark.parametrize("rules", _RULES)
def test_named_rules(repository: Repository, rules: bytes) -> None:
    files = [path for path in _TREE if not any(o.startswith(path + b"/") for o in _TREE)]
    repository.compare(Package(tuple(files), {b"": rules}))


def test_a_nearer_rule_file_comes_first(repository: Repository) -> None:
    files = (b"a/x.log", b"a/b/x.log", b"a/b/y.log", b"c/x.log", b"x.log", b"a/z", b"z")
    rules = {b"": b"*.log\n", b"a": b"!x.log\n/z\n", b"a/b": b"x.log\n!y.log\n"}
    repository.compare(Package(files, rules))
    repository.compare(Package(files, rules | {b"": b"a\n"}))
