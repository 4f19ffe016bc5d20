"""Jobs and uploads whose right outcome is known before they run."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

CODE = """\
import json, os, sys, time, uuid

with open(os.environ["AU_ARGS_FILE"]) as file:
    args = json.load(file)
key = args["key"]
print(f"{key} begin {uuid.uuid4().hex}", flush=True)
for number in range(args["lines"]):
    print(f"{key} out {number}", flush=number % 10 == 0)
    if number % 3 == 0:
        print(f"{key} err {number}", file=sys.stderr)
    time.sleep(args["pause"])
sys.stdout.flush()
match args["end"]:
    case "exit":
        sys.exit(args["code"])
    case "hang":
        time.sleep(600)
    case "memory":
        hoard = []
        while True:
            hoard.append(b"x" * (1 << 20))
with open(os.environ["AU_OUTPUT_FILE"], "w") as file:
    json.dump({"key": key, "lines": args["lines"]}, file)
"""
_PATIENCE_SECONDS = 240.0
_MEMORY_BYTES = 64 << 20


@dataclass(slots=True)
class Work:
    """A job to submit, and what is known of it from outside."""

    key: str
    arguments: Mapping[str, Any]
    state: str
    reason: str | None
    exit_code: int | None
    timeout_seconds: float = 300.0
    stop: bool = False
    """Whether it is to be stopped while it waits or runs."""
    job_id: int | None = None
    """What the server answered; None: no answer came."""
    stopped: bool = False
    """Whether the server has acknowledged the request to stop."""

    @property
    def lines(self) -> int:
        """How many lines it prints to stdout, besides the first."""
        return int(self.arguments["lines"])


def make_work(rng: random.Random, number: int) -> Work:
    """Return one of several kinds of job."""
    key = f"k{rng.getrandbits(48):012x}-{number}"
    kind = rng.choices(
        ("quick", "slow", "loud", "fails", "memory", "timeout", "stop"),
        (30, 25, 10, 15, 5, 5, 10),
    )[0]
    lines, pause = rng.randrange(1, 40), 0.0
    values: dict[str, Any] = {"end": "normal", "code": 0}
    ending: tuple[str, str | None, int | None] = ("SUCCEEDED", None, 0)
    more: dict[str, Any] = {}
    match kind:
        case "slow":
            lines, pause = rng.randrange(20, 80), rng.choice((0.05, 0.1, 0.2))
        case "loud":
            lines = rng.randrange(5_000, 30_000)
        case "fails":
            values = {"end": "exit", "code": rng.randrange(1, 120)}
            ending = ("FAILED", "exit-code", values["code"])
        case "memory":
            values["end"] = "memory"
            ending = ("FAILED", "out-of-memory", None)
        case "timeout":
            values["end"] = "hang"
            more["timeout_seconds"] = float(rng.randrange(2, 6))
            ending = ("FAILED", "timed-out", None)
        case "stop":
            values["end"] = "hang"
            more["stop"] = True
            ending = ("STOPPED", "stopped", None)
    arguments = {"key": key, "lines": lines, "pause": pause, **values}
    return Work(key, arguments, *ending, **more)


@dataclass(slots=True)
class Platform:
    """The API, asked again and again while the server is away."""

    url: str
    token: str
    context: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    """Answers that nobody should get, whatever happens to the server."""
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer that is not of a server in trouble.

        Raises:
            TimeoutError: none came for four minutes.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self._client.request(
                    method,
                    f"{self.url}/api/v1{path}",
                    headers={"Authorization": f"Bearer {self.token}"},
                    params={**self.context, **more.pop("params", {})},
                    **more,
                )
            except httpx.HTTPError:
                time.sleep(0.2)
                continue
            if answer.status_code == 500:
                with self._lock:
                    self.problems.append(f"{method} {path}: 500 {answer.text[:200]}")
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
            time.sleep(0.3)
        raise TimeoutError(f"{method} {path}: no answer for {_PATIENCE_SECONDS:g} s")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def submit(self, process: str, work: Work) -> None:
        """Submit a job. After an answer that was cut off it is submitted once more."""
        body = {
            "process": process,
            "arguments": dict(work.arguments),
            "cpu": 1.0,
            "memory_bytes": _MEMORY_BYTES,
            "network": "none",
            "timeout_seconds": work.timeout_seconds,
        }
        answer = self.ask("POST", "/jobs", json=body)
        answer.raise_for_status()
        work.job_id = answer.json()["id"]
        if work.stop:
            self._stop(work)

    def _stop(self, work: Work) -> None:
        time.sleep(random.Random(work.key).choice((0.0, 0.5, 2.0)))
        work.stopped = self.ask("POST", f"/jobs/{work.job_id}/stop").status_code == 200

    def job(self, job_id: int) -> dict[str, Any]:
        """Return a job's record."""
        record: dict[str, Any] = self.ask("GET", f"/jobs/{job_id}").json()
        return record

    def jobs(self, **wanted: str) -> list[dict[str, Any]]:
        """Return the records of all jobs of the context."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            params = {"limit": "500", **wanted, **({} if after is None else {"after": after})}
            page = self.ask("GET", "/jobs", params=params).json()
            found += page["items"]
            after = page["next"]
            if after is None:
                return found

    def log(self, job_id: int) -> bytes:
        """Return a job's log: records of the CRI log format."""
        return self.ask("GET", f"/jobs/{job_id}/logs").content
