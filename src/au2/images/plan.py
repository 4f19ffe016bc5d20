"""Plan of a package's run: equal in an image and in a local run without one."""

import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.jobs.container_contract import Language
from au2.package import names
from au2.package.tree.entries import PackageEntry

LARGEST_BYTES = 16 << 20
"""A larger script is taken as it is; it is data with a few commands before it."""
DEFAULT_SHELL = "sh"
INTERPRETERS = {
    Language.PYTHON: "python3",
    Language.SHELL: "sh",
    Language.JAVASCRIPT: "node",
    Language.R: "Rscript",
}
_STOP_SIGNALS = {Language.R: "INT"}
"""What is sent first where code can't catch SIGTERM: SIGINT reaches R's ``tryCatch``, ``finally``
and ``on.exit``. SIGTERM follows when half of the grace time is over."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIRST_LINE = re.compile(
    rb"#![ \t]*((?:/[\w./-]*/env[ \t]+(?:-S[ \t]+)?)?(?:/[\w./-]*/)?"
    rb"(?:sh|ash|bash|dash|ksh|mksh|yash|zsh)(?:[ \t]+-[a-zA-Z]+(?:[ \t]+pipefail)?)*)"
    rb"[ \t]*(?:\n|$)"
)
"""A first line that names a shell and options, and nothing that a shell would take apart."""


@dataclass(frozen=True, slots=True)
class RunnableScript:
    """The runnable form of a script."""

    path: str
    copy: bytes | None = None
    """Content of the normalised copy at ``path``; None where the script itself is fit to run."""
    shell: str = DEFAULT_SHELL
    """What runs it, as its first line says. Words without quotes."""


def make_runnable(
    script: PackageEntry, read: Callable[[PackageEntry], bytes], taken: Collection[str]
) -> RunnableScript:
    """Return the runnable form of ``script``; ``$0`` names its folder either way.

    Args:
        script: a file of the package.
        read: returns its content.
        taken: paths of the package, which a copy must not replace.
    """
    if script.size_bytes > LARGEST_BYTES:
        return RunnableScript(script.path)
    content = read(script)
    normalised = content.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
    shell = _find_shell(normalised)
    if normalised == content:
        return RunnableScript(script.path, shell=shell)
    folder, slash, name = script.path.rpartition("/")
    copy_name = f".au2.{name}"
    while f"{folder}{slash}{copy_name}" in taken:
        copy_name = f".{copy_name}"
    return RunnableScript(f"{folder}{slash}{copy_name}", normalised, shell)


def _find_shell(content: bytes) -> str:
    """Return the shell of the first line: scripts need no run bit, but may need their shell."""
    named = _FIRST_LINE.match(content)
    return named[1].decode("ascii") if named else DEFAULT_SHELL


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """The launcher's settings for a package. Paths are relative to the package."""

    language: Language
    entry_point: str
    before: str = ""
    after: str = ""
    shell: str = DEFAULT_SHELL
    """What runs the entry point if it is a shell script."""
    before_shell: str = DEFAULT_SHELL
    after_shell: str = DEFAULT_SHELL
    reset_signals: str = ""
    """A command put before every other that gives SIGINT and SIGQUIT their meaning back, which
    shells take from their background processes. Empty: the runtime has none."""

    def to_bytes(self) -> bytes:
        """Return the file ``/opt/au2/entry``, which the launcher reads as shell."""
        is_shell = self.language is Language.SHELL
        values = {
            "interpreter": self.shell if is_shell else INTERPRETERS[self.language],
            "entry": _as_argument(self.entry_point),
            "before": _as_argument(self.before),
            "before_shell": self.before_shell,
            "after": _as_argument(self.after),
            "after_shell": self.after_shell,
            "reset_signals": self.reset_signals,
            "stop_signal": _STOP_SIGNALS.get(self.language, "TERM"),
        }
        lines = (f"au2_{key}={shlex.quote(value)}\n" for key, value in values.items())
        return "".join(lines).encode()


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """The launcher's settings, and normalised scripts to add to the package."""

    entry: EntryPlan
    copies: Mapping[str, bytes]
    """Content by path."""


def make_plan(
    files: Sequence[PackageEntry],
    read: Callable[[PackageEntry], bytes],
    *,
    entry_point: str | None,
    language: Language | None,
    reset_signals: str,
) -> PackagePlan:
    """Return the plan of the package.

    Args:
        files: the package, already validated.
        read: returns the content of a file.
        entry_point: as stated in ``aunsight.yml``.
        language: the runtime's, if known; None: the entry point's ending decides.
        reset_signals: see :class:`EntryPlan`.

    Raises:
        InvalidPackage: no entry point suits.
    """
    by_path = {entry.path: entry for entry in files}
    language = language or guess_language(entry_point)
    entry_point = entry_point or language.entry_point
    if entry_point not in by_path or by_path[entry_point].type != "file":
        raise InvalidPackage(details=[Detail("the entry point is missing", file=entry_point)])

    def runnable(path: str) -> RunnableScript:
        return make_runnable(by_path[path], read, by_path.keys())

    before, after = (
        runnable(name) if name in by_path else RunnableScript("")
        for name in (names.BEFORE, names.AFTER)
    )
    is_shell = language is Language.SHELL
    entry = runnable(entry_point) if is_shell else RunnableScript(entry_point)
    plan = EntryPlan(
        language,
        entry.path,
        before=before.path,
        after=after.path,
        shell=entry.shell,
        before_shell=before.shell,
        after_shell=after.shell,
        reset_signals=reset_signals,
    )
    copies = {script.path: script.copy for script in (entry, before, after)}
    return PackagePlan(plan, {path: data for path, data in copies.items() if data is not None})


def guess_language(entry_point: str | None) -> Language:
    """Return the language of the entry point's ending."""
    ending = (entry_point or "").rpartition(".")[2].lower()
    for language in Language:
        if ending in language.endings:
            return language
    return Language.PYTHON


def _as_argument(path: str) -> str:
    """Keep a file whose name begins with a hyphen from being taken for an option."""
    return f"./{path}" if path.startswith("-") else path
