"""The marker ``quick``, set by folder: tests without root, containers and servers."""

import pytest

from tests.support.checkout import ROOT

_FOLDERS = ("unit", "component", "ports", "architecture")
_HEAVY_FIXTURES = frozenset(
    {"native_harness", "private_server", "docker", "python_runtime", "memory_disk"}
)
"""Fixtures that need root, containers or a server of their own."""


def is_quick(item: pytest.Item) -> bool:
    """Whether a test belongs to the daily loop."""
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    callspec = getattr(item, "callspec", None)
    engine_name = callspec.params.get("engine_name") if callspec is not None else None
    fixtures = frozenset(getattr(item, "fixturenames", ()))
    return folder in _FOLDERS and engine_name != "native" and not fixtures & _HEAVY_FIXTURES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tests."""
    for item in items:
        if is_quick(item):
            item.add_marker(pytest.mark.quick)
