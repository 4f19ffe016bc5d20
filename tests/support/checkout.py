"""Where things are in this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
"""The virtual environment's commands, also when it was not activated."""
AU2 = BIN / "au2"
AU2_SERVER = BIN / "au2-server"
RUNTIME_CACHE = ROOT / ".cache" / "runtimes"
"""Built runtimes, shared by tests, demo and bench."""
RUNTIME_NAME = "Python3.11"
