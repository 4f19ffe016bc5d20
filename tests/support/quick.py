"""The marker ``quick``, set by folder: tests without root, containers and servers.

Tests marked ``slow`` are left out: attacks that use up a budget of time on purpose, and
properties tried on many generated inputs.
"""

import pytest

from tests.support.checkout import ROOT

_FOLDERS = ("unit", "component", "ports", "architecture")
_HEAVY_FIXTURES = frozenset(
    {"native_harness", "private_server", "docker", "python_runtime", "small_disk"}
)
"""Fixtures that need root, containers or a server of their own."""
_FUNCTIONS_OF_ROOT = ("mounted_in_memory", "mounted_ext4", "make_device")
"""Functions that mount or make devices; a module that imports one is not quick."""


def is_quick(item: pytest.Item) -> bool:
    """Whether a test belongs to the daily loop."""
    path = item.path.relative_to(ROOT / "tests")
    callspec = getattr(item, "callspec", None)
    engine_name = callspec.params.get("engine_name") if callspec is not None else None
    fixtures = frozenset(getattr(item, "fixturenames", ()))
    module = getattr(item, "module", None)
    return (
        path.parts[0] in _FOLDERS
        and item.get_closest_marker("slow") is None
        and engine_name != "native"
        and not fixtures & _HEAVY_FIXTURES
        and not any(hasattr(module, name) for name in _FUNCTIONS_OF_ROOT)
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tests."""
    for item in items:
        if is_quick(item):
            item.add_marker(pytest.mark.quick)
