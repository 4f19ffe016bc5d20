"""Where `au2` starts and ends: arguments in, exit code out (spec section 4)."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from au2.cli.root import make_root
from au2.cli.session import Session
from au2.console.console import Console, standard_console
from au2.console.failures import explain_failure
from au2.console.standard_streams import close_standard_streams, open_standard_streams


def main() -> NoReturn:
    """Run the command line of this process."""
    console = standard_console(has_input=open_standard_streams())
    code = run(sys.argv[1:], console, os.environ)
    close_standard_streams()
    sys.exit(code)


def run(arguments: Sequence[str], console: Console, environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    session = Session(console, environment)
    try:
        code = make_root().main(arguments, prog_name="au2", standalone_mode=False, obj=session)
        console.flush()
    except BaseException as error:  # noqa: BLE001 - the last door: all that is raised gets a sentence
        ending = explain_failure(error, environment)
        if ending.error is not None:
            console.error(ending.error)
        return ending.exit_code
    finally:
        session.close()
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
