"""References in docstrings name modules, classes and functions that exist."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.docstrings import SOURCE

_REFERENCE = re.compile(r":(?:mod|class|func|data|exc):`~?([\w.]+)`")


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        try:
            found: object = importlib.import_module(".".join(words[:end]))
        except ModuleNotFoundError:
            continue
        for word in words[end:]:
            found = getattr(found, word, None)
        return found is not None
    return False


def candidates(name: str, module: str) -> Iterator[str]:
    """Yield the meanings of a reference in ``module``: relative, absolute, or in the module."""
    if name.startswith("."):
        yield module.rpartition(".")[0] + name
        yield module + name
    else:
        yield name
        yield f"{module}.{name}"


def unresolved(path: Path) -> Iterator[str]:
    """Yield the references of a file that lead nowhere."""
    module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    module = module.removesuffix(".__init__")
    for name in _REFERENCE.findall(path.read_text()):
        if not any(exists(candidate) for candidate in candidates(name, module)):
            yield f"{path.relative_to(SOURCE)}: {name}"


def test_references_lead_somewhere() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 400
    assert [found for path in files for found in unresolved(path)] == []


def test_a_reference_that_leads_nowhere_is_found() -> None:
    assert exists("au2.domain.jobs.job.Reason")
    assert not exists("au2.domain.jobs.job.Gone")
    assert not exists("au2.domain.gone")
