"""``serve.py DATA LISTEN PREPARE DISPATCHER``: the real supervisor over doubles."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from au2.console.console import standard_console
from au2.domain.errors import Au2Error
from au2.server.data_directory import DataDirectory
from au2.server.settings.endpoint import parse_listen_address
from au2.server.settings.sections import ServerSettings, Settings
from au2.server.supervision.start import ServerProcesses, start_server
from au2.server.supervision.supervisor import RestartDelays

root, listen, prepare, dispatcher = sys.argv[1:]
here = Path(__file__).parent
server = replace(
    ServerSettings(), listen=parse_listen_address(listen), run_dir=Path(root) / "run" / "own"
)
settings = Settings(server=server)
processes = ServerProcesses(
    prepare=(sys.executable, str(here / "child.py"), "prepare", prepare),
    api=(sys.executable, str(here / "api.py")),
    dispatcher=(sys.executable, str(here / "child.py"), "dispatcher", dispatcher),
    delays=RestartDelays(first_seconds=0.0, longest_seconds=0.0),
    stop_seconds=1000.0,
    silent_seconds=float(os.environ.get("SILENT", "1000")),
    lock_patience_seconds=float(os.environ.get("PATIENCE", "0")),
)
console = standard_console(has_input=False)
try:
    sys.exit(
        start_server(
            DataDirectory(Path(root)), settings, announce=console.announce, processes=processes
        )
    )
except Au2Error as error:
    console.error(error)
    sys.exit(error.exit_code)
