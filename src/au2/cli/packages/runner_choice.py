"""Choosing where a package runs on this machine."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from au2.cli.session import Session
from au2.domain.errors import InvalidRequest, Unsupported
from au2.files.home import find_home
from au2.local.process_runner import ProcessRunner
from au2.local.runner import Runner

_RUNTIMES_VARIABLE = "AU2_RUNTIMES_CACHE_DIR"


class RunnerChoice(NamedTuple):
    """What the command line says: at most one of the two is true."""

    plain: bool
    container: bool
    data_dir: Path | None


@contextmanager
def choose_runner(choice: RunnerChoice, session: Session) -> Iterator[Runner]:
    """Open the place to run at: containers where they are possible, else plain processes.

    Raises:
        Unsupported: a container was insisted on, and is not possible.
    """
    tell = session.console.remark
    plain = ProcessRunner(session.environment, tell)
    with ExitStack() as stack:
        if choice.plain:
            yield plain
            return
        try:
            runner = _open_containers(choice, session, plain, tell, stack)
        except Unsupported as error:
            if choice.container:
                message = f"It can't run in a container: {error.message}"
                raise Unsupported(message, hint=error.hint) from error
            tell(f"Not in a container: {error.message}")
            runner = plain
        yield runner


def _open_containers(
    choice: RunnerChoice,
    session: Session,
    plain: Runner,
    tell: Callable[[str], None],
    stack: ExitStack,
) -> Runner:
    """Return containers with plain processes to fall back on. Raises Unsupported."""
    if not sys.platform.startswith("linux"):
        raise Unsupported("containers need Linux.")
    if os.geteuid() != 0:
        raise Unsupported("containers need root (sudo).")
    try:
        from au2.local.container_runner import ContainerRunner, FallbackRunner
        from au2.local.engine import open_local_engine
        from au2.local.runtime_search import make_cache_search, search_both
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"the server part of au2 is not installed ({error.name} is missing).",
            hint="Install it with: pip install 'au2[server]'",
        ) from error
    cache = _find_cache(session.environment)
    stated = session.environment.get(_RUNTIMES_VARIABLE)
    search_caches = make_cache_search([*([Path(stated)] if stated else []), cache / "runtimes"])
    data_dir = choice.data_dir or _find_data_directory(session)
    if data_dir is None:
        search = search_caches
    else:
        # The whole database library, for this case alone.
        from au2.local.server_runtimes import make_server_search

        search = make_server_search(data_dir)
        if choice.data_dir is None:
            search = search_both(search, search_caches)
    local = stack.enter_context(open_local_engine(cache / "local"))

    def install(*what: Any) -> Any:
        # HTTP and an installer, for packages that ask for something alone.
        from au2.local.dependencies import install_dependencies

        return install_dependencies(session.environment, *what)

    containers = ContainerRunner(local, search, install, tell)
    return containers if choice.container else FallbackRunner(containers, plain, tell)


def _find_data_directory(session: Session) -> Path | None:
    """Return that of the server that commands go to, if that is on this machine."""
    from au2.local.running_server import find_data_directory

    try:
        address = session.address
    except InvalidRequest:
        return None  # No server was ever named; none is needed.
    return find_data_directory(address.port) if address.is_loopback else None


def _find_cache(environment: Mapping[str, str]) -> Path:
    """Return the folder for what can be made again. Raises Unsupported: there is none."""
    if not environment.get("XDG_CACHE_HOME") and find_home(environment) is None:
        raise Unsupported("there is no home folder to keep images in.", hint="Set HOME.")
    from platformdirs import user_cache_path  # slow, and not needed for plain processes

    return user_cache_path("au2", appauthor=False)
