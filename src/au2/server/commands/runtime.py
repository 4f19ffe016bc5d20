"""``au2-server runtime``: the base images that packages are built on."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from au2.domain.clock import format_time
from au2.domain.errors import Conflict, NotFound
from au2.domain.ids import is_guid
from au2.domain.runtime import Runtime
from au2.runtimes.build import BuiltRuntime, build_runtime
from au2.runtimes.catalogue_recipes import get_recipe
from au2.runtimes.recipe import Recipe, load_recipe
from au2.server.commands.options import data_option, output_option, settings_of
from au2.server.data_directory import DataDirectory
from au2.server.terminal import show_list, show_record
from au2.server.wiring.stores import make_blobs, open_database
from au2.services.runtimes import Runtimes
from au2.storage.database import Database
from au2.storage.runtimes import find_runtime, list_runtimes

_COLUMNS = {
    "runtime": "id",
    "runtime_name": "name",
    "organization": "organization",
    "project": "project",
    "VERSION": "version",
}


@click.group()
def runtime() -> None:
    """Build and list runtimes."""


@runtime.command()
@click.argument("name")
@data_option
@click.option(
    "--cache-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Take the runtime from there if it was built before, and keep it there.",
)
@click.option("--mirror", metavar="URL", help="Debian mirror to take packages from.")
@output_option
def build(
    *, name: str, data: DataDirectory, cache_dir: Path | None, mirror: str | None, output: str
) -> None:
    """Build the runtime NAME of the catalogue, or that of a recipe file (NAME ends in .toml).

    Building it again gives it a new version if anything in it has changed.
    """
    recipe = load_recipe(Path(name)) if name.endswith(".toml") else get_recipe(name)
    settings = settings_of(data).runtimes
    data.create()
    built = build_runtime(
        recipe,
        make_blobs(data),
        mirror=mirror or settings.mirror,
        cache_dir=cache_dir or settings.cache_dir,
        progress=lambda line: click.echo(line, err=True),
    )
    with closing(open_database(data)) as database:
        database.migrate()
        registered = _register(database, recipe, built)
    show_record(_document(registered), output)


@runtime.command("list")
@data_option
@output_option
def list_command(*, data: DataDirectory, output: str) -> None:
    """List all runtimes, whoever owns them."""
    with _opened(data) as database, database.read() as transaction:
        found = [_document(one) for one in list_runtimes(transaction, None)]
    show_list(found, _COLUMNS, output)


@runtime.command()
@click.argument("name")
@data_option
@output_option
def show(*, name: str, data: DataDirectory, output: str) -> None:
    """Show one runtime, by name or GUID."""
    with _opened(data) as database:
        show_record(_document(_find(database, name)), output)


def _register(database: Database, recipe: Recipe, built: BuiltRuntime) -> Runtime:
    return Runtimes(database).register_build(
        runtime_id=recipe.id,
        name=recipe.name,
        language=recipe.language,
        first_version=recipe.version,
        image_digest=built.image_digest,
        recipe_digest=built.recipe_digest,
        packages=[asdict(package) for package in built.packages],
    )


@contextmanager
def _opened(data: DataDirectory) -> Iterator[Database]:
    data.check()
    with closing(open_database(data)) as database:
        database.migrate()
        yield database


def _find(database: Database, name: str) -> Runtime:
    with database.read() as transaction:
        if is_guid(name):
            by_id = find_runtime(transaction, name.lower())
            found = [] if by_id is None else [by_id]
        else:
            found = list_runtimes(transaction, None, name=name)
    if not found:
        raise NotFound(
            f"There is no runtime '{name}'.", hint="'au2-server runtime list' shows all."
        )
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise Conflict(f"Several runtimes are named '{name}': {ids}.", hint="Name one by its id.")
    return found[0]


def _document(one: Runtime) -> dict[str, object]:
    """Return the fields that the API shows too."""
    return {
        "id": one.id,
        "name": one.name,
        "language": one.language.value,
        "version": one.version,
        "image_digest": one.image_digest,
        "organization": None if one.context is None else one.context.organization_id,
        "project": None if one.context is None else one.context.project_id,
        "created_at": format_time(one.created_at),
        "retired_at": None if one.retired_at is None else format_time(one.retired_at),
    }
