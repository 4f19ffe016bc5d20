"""What a server leaves on the machine when nothing runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

from chaos.processes import find_monitors
from tests.support.servers.server_process import ServerProcess, run_server_command


def find_remains(server: ServerProcess, instance: str) -> list[str]:
    """Return what is left of containers: folders, mounts, control groups, processes."""
    found = [f"monitor of {name}" for name in find_monitors(instance)]
    for folder in (server.data_dir / "containers", Path(f"/run/au2/{instance}/containers")):
        found += [f"folder {path}" for path in folder.iterdir()]
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1]
        if f"/run/au2/{instance}/containers" in place or "overlay-check" in place:
            found.append(f"mount {place}")
    groups = Path("/sys/fs/cgroup").glob(f"**/au2-{instance}/job-*")
    found += [f"control group {group}" for group in groups]
    return found


def check_installation(server: ServerProcess) -> list[str]:
    """Return what fsck, doctor and the database's own check find."""
    problems = []
    for command in (("fsck",), ("doctor",)):
        result = run_server_command(*command, "--data-dir", server.data_dir, env=server.env)
        if result.exit_code:
            problems.append(f"{command[0]}: {result}")
    file = server.data_dir / "database" / "au2.sqlite3"
    with closing(sqlite3.connect(file, timeout=30)) as database:
        [(verdict,)] = database.execute("PRAGMA integrity_check").fetchall()
    if verdict != "ok":
        problems.append(f"database: {verdict}")
    return problems
