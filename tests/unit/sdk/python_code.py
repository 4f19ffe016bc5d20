"""Code that uses the Python library, in a process of its own as user code is."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.checkout import ROOT

SOURCE = ROOT / "sdk" / "python" / "src"


class Code:
    """Runs lines of Python with the module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AU_")}
        environment |= {"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-c", f"import aunsight\n{lines}"],
            cwd=self.folder,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def ok(self, lines: str, **variables: str) -> str:
        ran = self.run(lines, **variables)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def error(self, lines: str, **variables: str) -> str:
        ran = self.run(lines, **variables)
        assert ran.returncode == 1
        return ran.stderr.splitlines()[-1]
