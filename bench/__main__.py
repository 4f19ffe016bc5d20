"""Measure, print the table, and fail when a limit is broken."""

import argparse
import json
import sys

from bench.arguments import measure_arguments
from bench.dependencies import measure_dependencies
from bench.images import measure_images, measure_starts
from bench.installation import Installation, installed
from bench.job_lists import measure_job_lists
from bench.report import format_table, to_document
from bench.runs import measure_runs
from bench.series import Line, Series, alone
from bench.uploads import measure_large_upload, measure_uploads
from tests.support.images.docker import running_docker


def measure_help(installation: Installation, rounds: int) -> Line:
    """Measure how long ``au2 --help`` takes."""
    series = Series()
    for _ in range(rounds):
        with series.timing():
            installation.au2.ok("--help")
    return alone("au2 --help", "ms", series, 200)


_MANY = 30


def measure(rounds: int) -> list[Line]:
    """Measure everything."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    say("Starting Docker and a server …")
    with running_docker() as docker, installed(docker) as installation:
        say(f"Runs, {rounds} rounds …")
        lines = measure_runs(installation, rounds)
        say(f"Uploads, {rounds} rounds …")
        lines.append(measure_uploads(installation, rounds))
        say(f"Dependencies, {rounds} rounds …")
        lines += measure_dependencies(installation, rounds)
        say("A large upload …")
        lines += measure_large_upload(installation)
        lines.append(measure_starts(installation, rounds))
        say("Images of a gigabyte …")
        lines += measure_images(installation, 1 if rounds < _MANY else 3)
        lines.append(measure_help(installation, rounds))
    lines.append(measure_arguments())
    say("Lists of jobs in a million …")
    lines.append(measure_job_lists(1 + rounds // 2))
    return lines


def main() -> int:
    """Return the exit code: 1 when a limit is broken."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 30")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    lines = measure(5 if options.quick else _MANY)
    if options.output == "json":
        print(json.dumps(to_document(lines), indent=2))
    else:
        print(format_table(lines))
    return 0 if all(line.ok for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
