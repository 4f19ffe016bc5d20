"""Description of a runtime's Python: version, platform, install scheme and distributions, as JSON.

Run by the runtime's own Python (3.8 or newer, standard library only).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import site
import sys
import sysconfig

PATHS = ("purelib", "platlib", "scripts", "data", "include")


def describe() -> dict[str, object]:
    """Return the description."""
    known = "CS_GNU_LIBC_VERSION" in os.confstr_names
    return {
        "version": list(sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "machine": platform.machine(),
        "libc": os.confstr("CS_GNU_LIBC_VERSION") if known else "",
        "paths": {name: sysconfig.get_path(name) for name in PATHS},
        "site": site.getsitepackages()[0],
        "installed": list_installed(),
    }


def list_installed() -> dict[str, object]:
    """Return version, requirements and extras of each distribution, by normalised name."""
    found: dict[str, object] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        key = re.sub(r"[-_.]+", "-", name or "").lower()
        # The first is the one that an import finds.
        if key and key not in found:
            found[key] = {
                "version": distribution.version,
                "requires": list(distribution.requires or []),
                "extras": distribution.metadata.get_all("Provides-Extra") or [],
            }
    return found


if __name__ == "__main__":
    json.dump(describe(), sys.stdout)
