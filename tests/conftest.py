"""Fixtures live in small modules of tests/support; this only loads them."""

pytest_plugins = [
    "tests.support.busybox",
    "tests.support.docker",
    "tests.support.engine",
    "tests.support.packages",
    "tests.support.people",
    "tests.support.server",
]
