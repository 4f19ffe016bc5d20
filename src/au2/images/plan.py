"""Plan of a package's run: equal in an image and in a local run without one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from au2.domain.errors import Detail, InvalidPackage
from au2.domain.language import Language
from au2.images.launcher_layer import EntryPlan
from au2.images.scripts import DEFAULT_SHELL, RunnableScript, make_runnable
from au2.package import names
from au2.package.tree.entries import PackageEntry


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """The launcher's settings, and the scripts it runs."""

    entry: EntryPlan
    scripts: tuple[RunnableScript, ...]


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
        reset_signals: see :class:`~au2.images.launcher_layer.EntryPlan`.

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

    hooks = {name: runnable(name) for name in (names.BEFORE, names.AFTER) if name in by_path}
    entry = RunnableScript(entry_point)
    if language is Language.SHELL:
        entry = runnable(entry_point)
    plan = EntryPlan(
        language,
        entry.path,
        before=hooks[names.BEFORE].path if names.BEFORE in hooks else "",
        after=hooks[names.AFTER].path if names.AFTER in hooks else "",
        shell=entry.shell,
        before_shell=hooks[names.BEFORE].shell if names.BEFORE in hooks else DEFAULT_SHELL,
        after_shell=hooks[names.AFTER].shell if names.AFTER in hooks else DEFAULT_SHELL,
        reset_signals=reset_signals,
    )
    return PackagePlan(plan, (entry, *hooks.values()))


def guess_language(entry_point: str | None) -> Language:
    """Return the language of the entry point's ending."""
    ending = (entry_point or "").rpartition(".")[2].lower()
    for language in Language:
        if ending in language.endings:
            return language
    return Language.PYTHON
