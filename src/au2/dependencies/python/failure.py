"""Hints for failed installations, from uv's output. Pure."""

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
        "Change the versions in requirements.txt so that they fit together.",
    ),
)


def advise(tail: Sequence[str], runtime: Mapping[str, str]) -> str:
    """Return a hint of one or two sentences.

    Args:
        tail: last lines of the output.
        runtime: version by name of the runtime's distributions.
    """
    # uv breaks messages into lines with a margin.
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
            f"The runtime has {', '.join(clashing)}. Choose versions that fit, or install another "
            f"version over it: write 'dependencies: {{override: [{names}]}}' into aunsight.yml."
        )
    for pattern, advice in _KNOWN:
        if re.search(pattern, text):
            return advice
    return "Fix the error that the installer reports above, then upload again."
