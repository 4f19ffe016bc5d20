"""Meaning of a program's exit code: the signal by name, and its usual cause. Pure.

Codes above 128 come from a program ended by a signal (128 + its number), or from a shell with
such a program. Code may also choose such a number, so a cause is never stated as certain.
"""

from typing import Final

from au2.domain.job import Resources
from au2.domain.wording import format_bytes

_FIRST_SIGNAL_CODE: Final = 128
_LAST_SIGNAL: Final = 64
KILLED: Final = _FIRST_SIGNAL_CODE + 9
"""How a program ends by SIGKILL."""
_BUS_ERROR: Final = _FIRST_SIGNAL_CODE + 7

_SIGNALS: Final = (
    *("SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE"),
    *("SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT"),
    *("SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU"),
    *("SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"),
)
"""Linux's, from number 1 on, as signal(7) lists them: other systems, on which packages are run
without a container, have other numbers."""
_CAUSES: Final = {
    "SIGILL": "The program met an instruction that this processor does not know: mostly, it or "
    "one of its libraries was built for a newer one.",
    "SIGTRAP": "The program stopped itself at a check that failed, or was being debugged.",
    "SIGABRT": "The program gave up by itself: mostly a check in native code that failed, or "
    "memory that was freed twice. Its last lines in the log say more.",
    "SIGFPE": "The program divided a whole number by zero, in native code.",
    "SIGKILL": "Something killed the program, and the kernel reports no lack of memory: mostly "
    "another process of the same run.",
    "SIGSEGV": "The program used memory that it does not have: mostly a mistake in native code, "
    "as in an extension module that does not fit its libraries, or a recursion without end.",
    "SIGPIPE": "The program wrote into a pipe that nobody reads any more.",
    "SIGTERM": "Something asked the program to end, and that was not the platform: mostly another "
    "process of the same run.",
    "SIGXCPU": "The program reached a limit of CPU time that it or its image had set.",
    "SIGXFSZ": "The program wrote a larger file than a limit of its own allows.",
    "SIGSYS": "The program made a system call that is not allowed in containers.",
}
_SHELL_CAUSES: Final = {
    126: "That is how a shell ends when it may not execute a command: see the log, and check the "
    "file's mode.",
    127: "That is how a shell ends when it does not find a command: see the log for its name.",
}


def describe_exit(code: int) -> str:
    """Return ``code 3``, or ``code 139 (SIGSEGV)``."""
    name = _signal_name(code)
    return f"code {code}" if name is None else f"code {code} ({name})"


def explain_exit(code: int, resources: Resources) -> str | None:
    """Return a sentence or two about the usual cause of an exit code, or None."""
    if code == _BUS_ERROR:
        return _explain_bus_error(resources)
    return _SHELL_CAUSES.get(code) or _CAUSES.get(_signal_name(code) or "")


def _explain_bus_error(resources: Resources) -> str:
    size = format_bytes(resources.shared_memory_bytes or resources.memory_bytes)
    return (
        "That is a bus error: mostly, /dev/shm was full when the code wrote to memory that its "
        f"processes share. It has {size}; give it more with --shm-size, or with --memory, "
        "which it is a part of."
    )


def _signal_name(code: int) -> str | None:
    number = code - _FIRST_SIGNAL_CODE
    if 0 < number <= len(_SIGNALS):
        return _SIGNALS[number - 1]
    return f"signal {number}" if 0 < number <= _LAST_SIGNAL else None
