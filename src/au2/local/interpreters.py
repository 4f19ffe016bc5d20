"""Interpreters of this machine, as ``PATH`` finds them."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from au2.domain.errors import Unsupported
from au2.domain.jobs.container_contract import Language
from au2.images.plan import INTERPRETERS

_RESET_SIGNALS = ("env", "--default-signal=INT,QUIT")
_PATIENCE_SECONDS = 10
_LANGUAGE_NAMES = {
    Language.PYTHON: "Python",
    Language.SHELL: "a POSIX shell",
    Language.JAVASCRIPT: "Node.js",
    Language.R: "R",
}


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Interpreter of the entry point."""

    path: str
    version: str
    """In its own words; empty where it has none."""

    def __str__(self) -> str:
        """The words of a notice."""
        return f"{self.version} ({self.path})" if self.version else self.path


def find_interpreter(language: Language, environment: Mapping[str, str]) -> Interpreter:
    """Return the interpreter of ``language`` on this machine, by ``PATH`` in ``environment``.

    Raises:
        Unsupported: no interpreter is installed.
    """
    command = INTERPRETERS[language].split()[0]
    path = shutil.which(command, path=environment.get("PATH"))
    if path is None:
        raise Unsupported(
            f"The package needs {_LANGUAGE_NAMES[language]}: '{command}' is not installed on "
            "this machine, or not on your PATH.",
            hint="Install it, or run the package in a container of its runtime (--container).",
        )
    version = "" if language is Language.SHELL else _ask_version(path, environment)
    if language is Language.JAVASCRIPT and version:
        version = f"{_LANGUAGE_NAMES[language]} {version}"  # It says the number alone.
    return Interpreter(path, version)


def find_reset_signals(environment: Mapping[str, str]) -> str:
    """Return the command to reset ignored signals; empty if there is none.

    See :class:`au2.images.plan.EntryPlan`. Only some systems' ``env`` has the option.
    """
    path = shutil.which(_RESET_SIGNALS[0], path=environment.get("PATH"))
    if path is None or ask_interpreter(path, (*_RESET_SIGNALS[1:], "true"), environment) is None:
        return ""
    return f"{path} {_RESET_SIGNALS[1]}"


def _ask_version(path: str, environment: Mapping[str, str]) -> str:
    said = ask_interpreter(path, ("--version",), environment)
    lines = (said or "").strip().splitlines()
    return lines[0][:100] if lines else ""


def ask_interpreter(
    path: str, options: Sequence[str], environment: Mapping[str, str]
) -> str | None:
    """Return the output of a program; None: it failed, or takes too long."""
    try:
        done = subprocess.run(
            [path, *options],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout or done.stderr).decode(errors="replace")
