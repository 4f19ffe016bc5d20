"""What to do about an installation that failed, from what uv said. Pure."""

import re
from collections.abc import Mapping, Sequence

_KNOWN = (
    (
        r"was not found in the (package registry|provided package locations)",
        "Check how the name is written; if it is an internal package, ask your operator to add its "
        "index to the server's settings.",
    ),
    (
        r"Failed to (build|download and build)|Call to `.*` failed",
        "It comes as source only and could not be built on this runtime: choose a version that has "
        "a wheel, or a runtime with the tools it needs.",
    ),
    (
        r"No solution found|unsatisfiable|no version of",
        "Change the versions in requirements.txt so that they go together.",
    ),
)


def advise(tail: Sequence[str], runtime: Mapping[str, str]) -> str:
    """Return one or two sentences.

    Args:
        tail: the last lines that were printed.
        runtime: version by name of what the runtime has.
    """
    # Messages are broken into lines with a margin.
    text = " ".join(re.sub(r"[^\x20-\x7e`]+", " ", line) for line in tail)
    text = " ".join(text.split())
    clashing = [
        f"{name} {version}"
        for name, version in sorted(runtime.items())
        if re.search(rf"(?<![\w.-]){re.escape(name)}==?{re.escape(version)}(?![\w.])", text)
    ]
    if clashing and re.search(r"No solution found|unsatisfiable", text):
        names = ", ".join(name.split()[0] for name in clashing)
        return (
            f"The runtime brings {', '.join(clashing)}. Ask for what goes with that, or install "
            f"another over it: write 'dependencies: {{override: [{names}]}}' into aunsight.yml."
        )
    for pattern, advice in _KNOWN:
        if re.search(pattern, text):
            return advice
    return "Fix the error that the installer reports above, then upload again."
