"""Run by a runtime's own Python (3.8 or newer): print what it is, as JSON."""

import json
import os
import platform
import sys
import sysconfig

_PATHS = ("purelib", "platlib", "scripts", "data", "include")


def main() -> None:
    """Print the description."""
    known = "CS_GNU_LIBC_VERSION" in os.confstr_names
    told = {
        "version": list(sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "machine": platform.machine(),
        "libc": os.confstr("CS_GNU_LIBC_VERSION") if known else "",
        "paths": {name: sysconfig.get_path(name) for name in _PATHS},
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
