"""Run jobs and uploads while faults happen, and check every record and log."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

from chaos.report import format_outcome, format_table
from chaos.round import ALL_FAULTS, Outcome, Round, Size
from chaos.work import CODE, Platform
from tests.support.commands.people import People
from tests.support.machine.small_disk import mounted_ext4
from tests.support.packages.folders import fill_package, upload_package
from tests.support.servers.server_process import ServerProcess

_DISK_MEBIBYTES = 6 << 10
QUICK = Size(jobs=16, uploads=3, faults=5)
WHOLE = Size(jobs=100, uploads=20, faults=14)


@contextmanager
def prepared() -> Iterator[Round]:
    """A server on a small disk of its own, with a process that the jobs run."""
    with tempfile.TemporaryDirectory(prefix="au2-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        disk = folder / "disk"
        disk.mkdir()
        with mounted_ext4(disk, _DISK_MEBIBYTES):
            server = ServerProcess(disk / "data", {"AU2_JOBS_STOP_GRACE_SECONDS": "2"})
            try:
                server.init()
                server.add_runtime()
                server.start()
                au2 = People(server, folder).admin()
                package = fill_package(au2, folder / "prints", {"main.py": CODE})
                process = upload_package(au2, package).process
                token = au2.json("token", "create", "chaos")["token"]
                context = {name: server.ids[name] for name in ("organization", "project")}
                instance = sha256(str(server.data_dir.resolve()).encode()).hexdigest()[:12]
                with closing(Platform(server.url, token, context)) as platform:
                    yield Round(server, platform, au2, process, disk, folder, instance)
            finally:
                server.remove()


def run_rounds(
    seed: int, size: Size, names: tuple[str, ...], *, rounds: int | None, seconds: float
) -> list[Outcome]:
    """Run rounds, until there were so many or the time is over; at least one."""
    deadline = time.monotonic() + seconds
    outcomes: list[Outcome] = []
    with prepared() as one:
        while not outcomes or (
            time.monotonic() < deadline if rounds is None else len(outcomes) < rounds
        ):
            number = seed + len(outcomes) * 1000
            print(f"Round {len(outcomes) + 1}, seed {number}", file=sys.stderr, flush=True)
            outcomes.append(one.run(number, size, names))
            print(format_outcome(outcomes[-1]), file=sys.stderr, flush=True)
            if outcomes[-1].problems:
                print(one.server.log_tail(20_000), file=sys.stderr, flush=True)
    return outcomes


def main() -> int:
    """Return the exit code: 1 when anything is not true."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first round (default: 1)")
    parser.add_argument("--minutes", type=float, default=30, help="how long (default: 30)")
    parser.add_argument("--rounds", type=int, help="how many rounds, instead of --minutes")
    parser.add_argument("--jobs", type=int, help="in each round (default: 100)")
    parser.add_argument("--uploads", type=int, help="in each round (default: 20)")
    parser.add_argument("--faults", type=int, help="in each round (default: 14)")
    parser.add_argument(
        "--only", action="append", choices=ALL_FAULTS, help="this fault; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="one small round")
    options = parser.parse_args()
    base = QUICK if options.quick else WHOLE
    size = Size(
        *(
            getattr(base if getattr(options, name) is None else options, name)
            for name in ("jobs", "uploads", "faults")
        )
    )
    outcomes = run_rounds(
        options.seed,
        size,
        tuple(options.only or ALL_FAULTS),
        rounds=1 if options.quick and options.rounds is None else options.rounds,
        seconds=options.minutes * 60,
    )
    print(format_table(outcomes))
    return 1 if any(outcome.problems for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
