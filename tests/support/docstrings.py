"""Docstrings of ``src/au2`` and the share of pronouns in them.

Run as a program, it prints a table and, for a package, the sentences to rewrite::

    .venv/bin/python -m tests.support.docstrings [PACKAGE]
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.checkout import ROOT

SOURCE = ROOT / "src" / "au2"
_WORD = re.compile(r"[a-z']+")
_PRONOUNS = frozenset({"it", "that"})


@dataclass(frozen=True, slots=True)
class Docstring:
    """One docstring of a module, class or function."""

    path: str
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        """Its words in lower case."""
        return _WORD.findall(self.text.lower())


@dataclass(frozen=True, slots=True)
class Shares:
    """Pronouns per thousand words of docstrings."""

    words: int
    what: float
    pronouns: float


def list_docstrings(package: str = "") -> Iterator[Docstring]:
    """Return the docstrings of a package of ``src/au2`` (empty: of all)."""
    for path in sorted((SOURCE / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text:
                    name = path.relative_to(SOURCE).as_posix()
                    yield Docstring(name, getattr(node, "lineno", 1), text)


def share_of_pronouns(docstrings: Iterator[Docstring]) -> Shares:
    """Count "what", and "it" with "that", per thousand words."""
    words = [word for docstring in docstrings for word in docstring.words]
    count = max(len(words), 1)
    what = sum(word == "what" for word in words)
    pronouns = sum(word in _PRONOUNS for word in words)
    return Shares(len(words), 1000 * what / count, 1000 * pronouns / count)


def packages() -> list[str]:
    """Return the names of the packages right below ``src/au2``."""
    return sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


def _print_table() -> None:
    print(f"{'package':14} {'words':>6} {'what':>6} {'it, that':>9}   per 1,000 words")
    for name in (*packages(), ""):
        shares = share_of_pronouns(list_docstrings(name))
        print(f"{name or 'all':14} {shares.words:6} {shares.what:6.1f} {shares.pronouns:9.1f}")


def _print_sentences(package: str) -> None:
    for docstring in list_docstrings(package):
        if _PRONOUNS.union({"what"}).intersection(docstring.words):
            flat = " ".join(docstring.text.split())
            print(f"{Path('src/au2', docstring.path)}:{docstring.line}: {flat[:200]}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _print_sentences(sys.argv[1])
    else:
        _print_table()
