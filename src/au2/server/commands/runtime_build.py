"""Command ``au2-server runtime build``."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import asdict, replace
from pathlib import Path

import click

from au2.app.runtimes import Runtimes
from au2.console.cells import columns
from au2.console.commands import CommandSession, define
from au2.console.console import Console
from au2.console.parameters import PathType
from au2.domain.accounts.context import Context
from au2.domain.errors import InvalidRequest, InvalidSettings
from au2.domain.ids import is_guid, parse_guid
from au2.domain.processes.runtime import Runtime
from au2.files.input import read_text_file
from au2.http.v1.views import view_runtime
from au2.oci.registry_client.login import Credentials, find_credentials
from au2.oci.registry_client.registry import Registry
from au2.oci.registry_client.transport import RegistryOptions
from au2.oci.spec.reference import parse_reference
from au2.runtimes.build import FindBase, build_runtime
from au2.runtimes.built_runtime import Base
from au2.runtimes.layers import InstalledPackage
from au2.runtimes.pulled_image import OpenRegistry
from au2.runtimes.recipe import ImageSource, Recipe, TarballSource
from au2.runtimes.recipe_file import get_recipe, list_recipes, load_recipe
from au2.server.commands.options import data_option, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.database_copies import migrate_with_copy
from au2.server.settings.sections import RuntimeSettings
from au2.server.wiring.stores import make_blobs, open_database
from au2.stores.database.database import Database, Transaction
from au2.stores.database.runtimes import find_runtime, list_builds, list_runtimes
from au2.wire.documents import format_document

_MOST_LOGIN_BYTES = 4 << 20
RUNTIME_COLUMNS = columns(
    runtime="id",
    runtime_name="name",
    organization="organization",
    project="project",
    VERSION="version",
)


def runtime_document(runtime: Runtime) -> dict[str, object]:
    """Return a runtime as the API shows it."""
    return format_document(view_runtime(runtime))


def list_by_name(
    transaction: Transaction, name: str, *, with_retired: bool = False
) -> Sequence[Runtime]:
    """Return the runtimes of that name, or the one of that GUID."""
    if is_guid(name):
        by_id = find_runtime(transaction, name.lower())
        return [] if by_id is None else [by_id]
    return list_runtimes(transaction, None, name=name, with_retired=with_retired)


@define(
    "build",
    examples=(
        'au2-server runtime build Python3.11 "Python3.11 Torch" --data-dir /var/lib/au2',
        'au2-server runtime build "SF Runtime" --organization GUID --data-dir /var/lib/au2',
        "au2-server runtime build --recipe mine.toml --data-dir /var/lib/au2",
        'au2-server runtime build "Python3.8 Torch" --image NAME@sha256:... --data-dir D',
    ),
    reads=True,
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@data_option
@click.option("--recipe", type=PathType(path_type=Path), help="Build the runtime of a file.")
@click.option("--organization", metavar="GUID", help="Organization that the runtime is for.")
@click.option("--project", metavar="GUID", help="Project of that organization that it is for.")
@click.option(
    "--global",
    "is_global",
    is_flag=True,
    help="Offer the runtime in every organization, whatever its recipe says.",
)
@click.option("--everybody", is_flag=True, hidden=True)  # The older name of --global.
@click.option("--refresh", is_flag=True, help="Take nothing from a cache: get security updates.")
@click.option("--image", metavar="NAME", help="Start from this image of a registry instead.")
@click.option("--rootfs", type=PathType(path_type=Path), help="Start from this archive instead.")
@click.option("--sha256", metavar="HEX", help="SHA-256 of the archive of --rootfs.")
@click.option(
    "--cache-dir",
    type=PathType(file_okay=False, path_type=Path),
    help="Take runtimes from there if they were built before, and keep them there.",
)
@click.option("--mirror", metavar="URL", help="Debian mirror to take packages from.")
def command(
    session: CommandSession,
    *,
    names: tuple[str, ...],
    data: DataDirectory,
    recipe: Path | None,
    organization: str | None,
    project: str | None,
    is_global: bool,
    everybody: bool,
    refresh: bool,
    image: str | None,
    rootfs: Path | None,
    sha256: str | None,
    cache_dir: Path | None,
    mirror: str | None,
) -> None:
    """Build runtimes of the catalogue by NAME or GUID, or the runtime of a recipe file.

    The first build of a runtime gets the recipe's version. Each later build with another result
    makes the next version; versions of processes keep the one they were built on.
    """
    recipes = [get_recipe(name) for name in names]
    if recipe is not None:
        recipes.append(load_recipe(recipe))
    if not recipes:
        known = ", ".join(f"'{one.name}'" for one in list_recipes())
        raise click.UsageError(f"Name a runtime, or give --recipe FILE. There are {known}.")
    if len(recipes) > 1 and (image or rootfs):
        raise click.UsageError("--image and --rootfs are for one runtime.")
    recipes = [_change_source(one, image, rootfs, sha256) for one in recipes]
    recipes = [_change_owner(one, organization, project, is_global or everybody) for one in recipes]
    settings = settings_of(session, data).runtimes
    settings = replace(
        settings, mirror=mirror or settings.mirror, cache_dir=cache_dir or settings.cache_dir
    )
    data.create()
    with closing(open_database(data)) as database:
        migrate_with_copy(data, database)
        # All before the first: a build takes minutes.
        for one in recipes:
            Runtimes(database).check_owner(one.id, one.name, _owner(one))
        built = [
            _build(session.console, one, data, database, settings, refresh=refresh)
            for one in recipes
        ]
    if len(built) == 1:
        session.console.show_fields(runtime_document(built[0]))
    else:
        session.console.show_list(RUNTIME_COLUMNS, [runtime_document(one) for one in built])


def _change_source(
    recipe: Recipe, image: str | None, rootfs: Path | None, sha256: str | None
) -> Recipe:
    if image is not None and rootfs is not None:
        raise click.UsageError("Give --image or --rootfs, not both.")
    if (rootfs is None) != (sha256 is None):
        raise click.UsageError("--rootfs and --sha256 belong together.")
    if image is not None:
        return replace(recipe, source=ImageSource(str(parse_reference(image))))
    if rootfs is not None and sha256 is not None:
        if len(sha256) != 64 or set(sha256.lower()) - set("0123456789abcdef"):
            raise click.UsageError("--sha256 takes 64 hexadecimal digits.")
        return replace(recipe, source=TarballSource(rootfs, sha256.lower()))
    return recipe


def _change_owner(
    recipe: Recipe, organization: str | None, project: str | None, is_global: bool
) -> Recipe:
    if is_global and (organization or project):
        raise click.UsageError("Give --global or --organization, not both.")
    if project is not None and organization is None:
        raise click.UsageError("--project needs --organization, the one that it is in.")
    if is_global:
        return replace(recipe, organization_id=None, project_id=None)
    if organization is not None:
        project_id = None if project is None else parse_guid(project)
        return replace(recipe, organization_id=parse_guid(organization), project_id=project_id)
    return recipe


def _owner(recipe: Recipe) -> Context | None:
    if recipe.organization_id is None:
        return None
    return Context(recipe.organization_id, recipe.project_id)


def _build(
    console: Console,
    recipe: Recipe,
    data: DataDirectory,
    database: Database,
    settings: RuntimeSettings,
    *,
    refresh: bool,
) -> Runtime:
    built = build_runtime(
        recipe,
        make_blobs(data),
        mirror=settings.mirror,
        cache_dir=settings.cache_dir,
        refresh=refresh,
        find_base=_bases_of(database),
        open_registry=make_registries(settings),
        progress=console.remark,
    )
    return Runtimes(database).register_build(
        runtime_id=recipe.id,
        name=recipe.name,
        language=recipe.language,
        first_version=recipe.version,
        image_digest=built.image_digest,
        recipe_digest=built.recipe_digest,
        packages=[asdict(package) for package in built.packages],
        context=_owner(recipe),
    )


def _bases_of(database: Database) -> FindBase:
    """Return a search for bases among the installation's runtimes, to share their layers."""

    def find(name: str, recipe_digest: str | None) -> Base | None:
        with database.read() as transaction:
            found = list_by_name(transaction, name)
            if len(found) > 1:
                raise InvalidRequest(f"Several runtimes are named '{name}': name it by its id.")
            builds = list_builds(transaction, found[0].id) if found else []
        if not builds or recipe_digest not in (None, builds[0].recipe_digest):
            return None
        packages = tuple(InstalledPackage(**package) for package in builds[0].packages)
        return Base(builds[0].image_digest, packages)

    return find


def make_registries(settings: RuntimeSettings) -> OpenRegistry:
    """Return the function that opens a registry, with its login if there is one."""
    options = RegistryOptions(
        ca_file=settings.registry_ca, plain_http=frozenset(settings.registry_plain_http)
    )

    def open_registry(name: str) -> AbstractContextManager[Registry]:
        credentials = read_credentials(settings.registry_logins, name, os.environ)
        return closing(Registry(name, credentials=credentials, options=options))

    return open_registry


def read_credentials(
    file: Path | None, registry: str, environment: Mapping[str, str]
) -> Credentials | None:
    """Return the login for a registry from ``file``, or from Docker's configuration.

    Raises InvalidSettings for a damaged file, or one that is named in the settings and missing.
    """
    path = file or _docker_file(environment)
    if path is None or (file is None and not path.is_file()):
        return None
    try:
        return find_credentials(read_text_file(path, _MOST_LOGIN_BYTES), registry)
    except OSError as error:
        raise InvalidSettings(f"The logins in {path} can't be read: {error.strerror}.") from error
    except InvalidRequest as error:
        raise InvalidSettings(f"{path}: {error.message}", hint=error.hint) from error


def _docker_file(environment: Mapping[str, str]) -> Path | None:
    if folder := environment.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    home = environment.get("HOME")
    return Path(home) / ".docker" / "config.json" if home else None
