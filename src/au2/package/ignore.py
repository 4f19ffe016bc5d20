"""``.auignore``: which files stay at home. The full grammar of gitignore."""

from collections.abc import Callable

from pathspec import GitIgnoreSpec

from au2.package import names

Ignored = Callable[[str, bool], bool]
"""``(path, is_directory) -> whether it is left out``; asked from the top down, as git does: what
lies in a folder that is left out is never asked for."""

_ALWAYS = ".git"


def make_ignored(text: str) -> Ignored:
    """Return the predicate for the rules in ``text``.

    Besides the rules: ``.git`` is always left out, as git itself does, at any depth, and the files
    of a package that have a meaning never are.
    """
    rules = GitIgnoreSpec.from_lines(text.splitlines())

    def ignored(path: str, is_directory: bool) -> bool:
        if path in names.NEVER_IGNORED and not is_directory:
            return False
        if path.rpartition("/")[2] == _ALWAYS:
            return True
        return rules.match_file(f"{path}/" if is_directory else path)

    return ignored
