"""Fixtures live in small modules of tests/support; this only loads them."""

from hypothesis import settings

from tests.support.signals import reset_for_children

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("au2", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("au2")

reset_for_children()

pytest_plugins = [
    "tests.support.busybox",
    "tests.support.docker",
    "tests.support.engine",
    "tests.support.beside_docker",
    "tests.support.image_tools",
    "tests.support.web_folder",
    "tests.support.debian_archive",
    "tests.support.dependency_installation",
    "tests.support.languages",
    "tests.support.package_index",
    "tests.support.packages",
    "tests.support.people",
    "tests.support.runtimes",
    "tests.support.quick",
    "tests.support.registry",
    "tests.support.server",
]
