"""Fixtures live in small modules of tests/support; this only loads them."""

from hypothesis import settings

from tests.support.machine.signals import reset_for_children

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("au2", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("au2")

reset_for_children()

pytest_plugins = [
    "tests.support.images.busybox",
    "tests.support.images.docker",
    "tests.support.machine.engine",
    "tests.support.images.beside_docker",
    "tests.support.images.image_tools",
    "tests.support.network.web_folder",
    "tests.support.packages.debian_archive",
    "tests.support.packages.dependency_installation",
    "tests.support.packages.debian_installation",
    "tests.support.packages.languages",
    "tests.support.packages.package_index",
    "tests.support.packages.folders",
    "tests.support.commands.people",
    "tests.support.packages.runtimes",
    "tests.support.quick",
    "tests.support.images.registry",
    "tests.support.servers.fixtures",
]
