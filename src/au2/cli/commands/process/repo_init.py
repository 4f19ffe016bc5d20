"""`au2 process repo init`: a new package, also without a server."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import click

from au2.cli.command import Session, define
from au2.cli.options import complete_runtimes, package_argument
from au2.domain.errors import AnswerNeeded, Au2Error, Conflict, InvalidRequest, NotFound
from au2.domain.jobs.container_contract import Language

_LANGUAGES: Final = {
    "python": Language.PYTHON,
    "node": Language.JAVASCRIPT,
    "javascript": Language.JAVASCRIPT,
    "r": Language.R,
    "shell": Language.SHELL,
    "bash": Language.SHELL,
}
"""Words that names of runtimes begin with."""
_FIRST_WORD: Final = re.compile(r"[a-z]+")


class _Runtime(NamedTuple):
    """Runtime of a new package."""

    name: str
    id: str
    """GUID, or the name where no GUID is known."""
    language: Language


@define(
    "init",
    examples=(
        "au2 process repo init",
        "au2 process repo init forecast --name forecast --runtime Python3.11 --yes",
    ),
)
@package_argument(exists=False)
@click.option("--name", metavar="N", help="Name of the process.")
@click.option("--description", metavar="D", help="A description, in Markdown.")
@click.option(
    "--runtime",
    metavar="R",
    shell_complete=complete_runtimes,
    help="The runtime: a GUID, or a name unique in the context.",
)
@click.option("--yes", is_flag=True, help="Do not ask: take the folder's name, and no description.")
def command(
    session: Session,
    *,
    directory: Path,
    name: str | None,
    description: str | None,
    runtime: str | None,
    yes: bool,
) -> None:
    """Make a folder a package: a process repository.

    Asks for the values not given by options. Existing files stay as they are. With --runtime, no
    server is needed; if a server answers, the runtime is looked up there.
    """
    from au2.package import names
    from au2.package.template import write_package

    console = session.console
    if (directory / names.MANIFEST).exists():
        # Before anything is asked.
        raise Conflict(
            f"There is already an {names.MANIFEST} in '{directory}'.",
            hint="Edit it, or choose another folder.",
        )
    # Before the questions, too: without a runtime their answers are of no use.
    offered = [_find_runtime(session, runtime)] if runtime is not None else _offer(session)
    proposed = directory.resolve().name or "my-process"
    if name is None:
        name = proposed if yes else console.ask("Process Name", flag="--name", default=proposed)
    if description is None:
        description = "" if yes else console.ask("Description", flag="--description", default="")
    chosen = _choose_runtime(session, offered, yes=yes)
    written = write_package(
        directory,
        name=name,
        description=description,
        runtime=chosen.id,
        language=chosen.language,
    )
    if console.makes_document:
        console.show_document(
            {
                "directory": str(directory),
                "name": name,
                "runtime": chosen.id,
                "language": chosen.language.value,
                "files": list(written),
            }
        )
    console.remark(f"'{directory}' is a package now, for runtime {chosen.name}:")
    for file_name in written:
        console.remark(f"  {file_name}")
    console.remark("Try it here: au2 process repo run; upload it: au2 process repo upload")


def _list_runtimes(session: Session) -> list[_Runtime]:
    """Return the runtimes of the context that are not retired. Raises NotFound: none."""
    from au2.client.resources.processes import Runtimes

    found = [
        _Runtime(runtime.name, runtime.id, Language(runtime.language))
        for runtime in Runtimes(session.transport).list_runtimes(session.context)
        if runtime.retired_at is None
    ]
    if not found:
        raise NotFound("There is no runtime in this context. An operator can build one.")
    return found


def _offer(session: Session) -> list[_Runtime]:
    """Return the runtimes to choose from; the error without a server names ``--runtime``."""
    try:
        return _list_runtimes(session)
    except Au2Error as error:
        if error.hint is not None:
            error.hint += "; or name a runtime: --runtime Python3.11"
        raise


def _find_runtime(session: Session, stated: str) -> _Runtime:
    """Return the stated runtime: the server's, or if none answers, as far as it is known here.

    Raises:
        NotFound: the server has no such runtime.
        Conflict: the name is not unique.
        InvalidRequest: no server answers, and the runtime's language is not known here.
    """
    from au2.cli.lookup import find_one

    try:
        offered = _list_runtimes(session)
    except NotFound:
        raise
    except Au2Error as error:
        found = _guess_runtime(stated, error)
        session.console.remark(f"Runtime {found.name} was not looked up. {error.explanation}")
        return found
    return find_one(offered, stated, "runtime")


def _guess_runtime(stated: str, why: Au2Error) -> _Runtime:
    """Return a runtime of the catalogue, or one whose name begins with its language."""
    from au2.package.manifest import is_line
    from au2.runtimes.recipe_file import find_recipe

    recipe = find_recipe(stated)
    if recipe is not None:
        return _Runtime(recipe.name, recipe.id, recipe.language)
    word = _FIRST_WORD.match(stated.lower())
    language = _LANGUAGES.get(word[0]) if word else None
    if language is None or not is_line(stated):
        raise InvalidRequest(
            f"The language of runtime '{stated}' is not known here, and no server was asked: "
            f"{why.message}",
            hint=why.hint,
        )
    return _Runtime(stated, stated, language)


def _choose_runtime(session: Session, offered: list[_Runtime], *, yes: bool) -> _Runtime:
    if len(offered) == 1:
        return offered[0]
    if yes:
        known = ", ".join(runtime.name for runtime in offered)
        raise AnswerNeeded(
            "There are several runtimes.", hint=f"Choose one with --runtime: {known}."
        )
    choices = [(runtime.name, runtime.id) for runtime in offered]
    return offered[session.console.choose("Runtime", choices, flag="--runtime")]
