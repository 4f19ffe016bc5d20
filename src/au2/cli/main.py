"""Start and end of `au2`: arguments in, exit code out (spec section 4)."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from au2.cli.root import make_root
from au2.cli.session import Session
from au2.console.console import Console, standard_console
from au2.console.program import run_program
from au2.console.standard_streams import close_standard_streams, open_standard_streams


def main() -> NoReturn:
    """Run the command line of this process."""
    console = standard_console(has_input=open_standard_streams())
    code = run(sys.argv[1:], console, os.environ)
    close_standard_streams()
    sys.exit(code)


def run(arguments: Sequence[str], console: Console, environment: Mapping[str, str]) -> int:
    """Run one command and return its exit code."""
    return run_program(make_root(), "au2", arguments, Session(console, environment))


if __name__ == "__main__":
    main()
