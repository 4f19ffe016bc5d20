"""Records which files of au2 have a function that is called: Python imports this at its start.

``TRACE_FOLDER`` names a folder. As soon as it holds a file ``begin``, the path of each source file
is appended to ``<pid>`` there at the first call of one of its functions.
"""

import os
import sys
import threading
from types import FrameType
from typing import Any

_FOLDER = os.environ["TRACE_FOLDER"]
_BEGIN = os.path.join(_FOLDER, "begin")  # noqa: PTH118 - pathlib is slow to import
_SOURCE = os.environ["TRACE_SOURCE"]
_seen: set[str] = set()


def _record(frame: FrameType, event: str, _: Any) -> None:
    path = frame.f_code.co_filename
    if event != "call" or path in _seen or not path.startswith(_SOURCE):
        return
    if frame.f_code.co_name == "<module>" or not os.path.exists(_BEGIN):  # noqa: PTH110
        return
    _seen.add(path)
    with open(os.path.join(_FOLDER, str(os.getpid())), "a") as file:  # noqa: PTH118, PTH123
        file.write(path + "\n")


threading.setprofile(_record)
sys.setprofile(_record)
