"""Contract between a container and the platform: paths, variables, labels, language, network.

Specification, section 3.
"""

from enum import StrEnum

PACKAGE_DIRECTORY = "/package"
JOB_DIRECTORY = "/run/au2"
HOME_DIRECTORY = "/home/au2"
USER_ID = 1000
"""User and group that packaged versions run as."""

ARGUMENTS_FILE = "args.json"
OUTPUT_FILE = "output.json"
STATUS_FILE = "status.json"
LAUNCHER_FILE = "launcher.json"
"""Written by the launcher: exit codes and times of hooks and entry point."""
RESULT_FILES = frozenset({OUTPUT_FILE, STATUS_FILE, LAUNCHER_FILE})
"""Job files that are read after the run."""
SCRATCH_FOLDER = "scratch"

LANGUAGE_LABEL = "au2.runtime.language"
RUNTIME_NAME_LABEL = "au2.runtime.name"
RESET_SIGNALS_LABEL = "au2.runtime.reset-signals"
"""Labels of a runtime's image; the last is a command that restores SIGINT and SIGQUIT, which a
shell may ignore, and runs another."""


def job_file_variables(folder: str = JOB_DIRECTORY) -> dict[str, str]:
    """Return the variables with the paths of a run's job files.

    Args:
        folder: absolute path of the job files, as seen by the code.
    """
    return {
        "AU_ARGS_FILE": f"{folder}/{ARGUMENTS_FILE}",
        "AU_OUTPUT_FILE": f"{folder}/{OUTPUT_FILE}",
        "AU_STATUS_FILE": f"{folder}/{STATUS_FILE}",
        "AU_SCRATCH_DIR": f"{folder}/{SCRATCH_FOLDER}",
    }


class Language(StrEnum):
    """Language of an entry point."""

    PYTHON = "python"
    SHELL = "shell"
    JAVASCRIPT = "javascript"
    R = "r"

    @property
    def entry_point(self) -> str:
        """Default name of the entry point."""
        return f"main.{self.endings[0]}"

    @property
    def endings(self) -> tuple[str, ...]:
        """File name extensions of entry points in lower case, the usual one first."""
        return _ENDINGS[self.value]


_ENDINGS = {"python": ("py",), "shell": ("sh",), "javascript": ("js", "mjs", "cjs"), "r": ("r",)}


class Network(StrEnum):
    """Network access of one job."""

    INTERNET = "internet"
    NONE = "none"
