"""One round: jobs, uploads and faults at once, and then the truth about all of them."""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from chaos.faults import FAULTS, Chaos, Happened
from chaos.keeper import Keeper
from chaos.remains import check_installation, find_remains
from chaos.truth import find_problems
from chaos.uploads import check_upload, prepare_upload, send_upload
from chaos.work import Platform, Work, make_work
from tests.support.commands.command import Au2
from tests.support.servers.server_process import ServerProcess

_SETTLE_SECONDS = 300.0
_SENDERS, _UPLOADERS = 6, 3
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Size:
    """How much happens in a round."""

    jobs: int
    uploads: int
    faults: int


@dataclass(slots=True)
class Outcome:
    """What a round came to."""

    seed: int
    jobs: int = 0
    succeeded: int = 0
    uploads: int = 0
    cut_uploads: int = 0
    """Uploads whose command failed in the round, and that were given again after it."""
    restarts: int = 0
    remarked_logs: int = 0
    happened: list[Happened] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Round:
    """Everything that a round works with."""

    server: ServerProcess
    platform: Platform
    au2: Au2
    process: str
    disk: Path
    folder: Path
    instance: str

    def run(self, seed: int, size: Size, names: tuple[str, ...]) -> Outcome:
        """Run a round with the faults of these names; the same seed does the same."""
        begun = time.monotonic()
        outcome = Outcome(seed)
        rng = random.Random(seed)
        works = [make_work(rng, number) for number in range(size.jobs)]
        uploads = [
            prepare_upload(self.au2, self.folder / f"u{seed}-{number}", f"u{seed}-{number}")
            for number in range(size.uploads)
        ]
        chaos = Chaos(self.server, self.disk, self.instance, random.Random(seed + 1))
        faults = [chaos.rng.choice(names) for _ in range(size.faults)]
        keeper = Keeper(self.server)
        keeper.begin()
        try:
            with ThreadPoolExecutor(_SENDERS) as senders, ThreadPoolExecutor(_UPLOADERS) as others:
                sent = [senders.submit(self._submit, work, outcome) for work in works]
                sent += [others.submit(send_upload, self.au2, upload) for upload in uploads]
                for name in faults:
                    time.sleep(chaos.rng.uniform(0.5, 3.0))
                    print(f"  {name} …", file=sys.stderr, flush=True)
                    chaos.act(name)
                for future in sent:
                    future.result()
            self._settle(outcome)
        finally:
            keeper.end()
        outcome.happened, outcome.restarts = chaos.happened, keeper.starts
        self._check_jobs(works, outcome)
        self._check_uploads(uploads, outcome)
        self._wait_for_clean_machine(outcome)
        outcome.problems += check_installation(self.server)
        outcome.problems += self.platform.problems
        self.platform.problems.clear()
        outcome.seconds = time.monotonic() - begun
        return outcome

    def _submit(self, work: Work, outcome: Outcome) -> None:
        try:
            self.platform.submit(self.process, work)
        except Exception as error:
            outcome.problems.append(f"{work.key} was not taken: {error!r}")

    def _settle(self, outcome: Outcome) -> None:
        """Wait until no job is on its way."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            left = [*self.platform.jobs(state="PENDING"), *self.platform.jobs(state="RUNNING")]
            if not left:
                return
            time.sleep(1.0)
        outcome.problems += [
            f"job {job['id']} is still {job['state']} after {_SETTLE_SECONDS:g} s" for job in left
        ]

    def _check_jobs(self, works: Iterable[Work], outcome: Outcome) -> None:
        jobs = self.platform.jobs(type="au-process:run")
        by_key: dict[str, list[dict[str, Any]]] = {}
        for job in jobs:
            by_key.setdefault((job["arguments"] or {}).get("key", ""), []).append(job)
        for work in works:
            found = by_key.get(work.key, [])
            if work.job_id is not None and work.job_id not in {job["id"] for job in found}:
                outcome.problems.append(f"job {work.job_id} ({work.key}) is lost")
            for job in found:
                # A submission whose answer was cut off has a second job; both must be true.
                self._check_job(work, self.platform.job(job["id"]), outcome)

    def _check_job(self, work: Work, job: dict[str, Any], outcome: Outcome) -> None:
        if job["state"] in ("PENDING", "RUNNING"):
            return  # It was told of already.
        seen = work
        if work.job_id != job["id"]:
            seen = Work(work.key, work.arguments, work.state, work.reason, work.exit_code)
            seen.stop = work.stop
        log = self.platform.log(job["id"])
        outcome.jobs += 1
        outcome.succeeded += job["state"] == "SUCCEEDED"
        outcome.remarked_logs += b" platform F " in log
        problems = find_problems(seen, job, log, outcome.happened)
        outcome.problems += problems
        if problems:
            (self.folder / f"log-{job['id']}").write_bytes(log)
            print(f"  {problems}\n  log: {log[-1500:]!r}", file=sys.stderr, flush=True)

    def _check_uploads(self, uploads: Iterable[Any], outcome: Outcome) -> None:
        for upload in uploads:
            outcome.uploads += 1
            outcome.cut_uploads += bool(upload.result.exit_code)
            outcome.problems += check_upload(self.au2, upload)

    def _wait_for_clean_machine(self, outcome: Outcome) -> None:
        remains = _wait_until_empty(lambda: find_remains(self.server, self.instance))
        outcome.problems += [f"left over: {one}" for one in remains]


def _wait_until_empty(find: Callable[[], list[_Item]]) -> list[_Item]:
    deadline = time.monotonic() + 60
    while (found := find()) and time.monotonic() < deadline:
        threading.Event().wait(0.5)
    return found


ALL_FAULTS = tuple(FAULTS)
