"""Telling how a job ended: its state, the time taken, its status and its output."""

import json
from typing import Any, Final

import click

from au2.console.console import Console
from au2.domain.wording import format_seconds
from au2.wire.job import JobView

_MOST_OUTPUT_CHARACTERS: Final = 2000
_NOTED_WAIT_SECONDS: Final = 1.0
"""A shorter wait before the start is not worth a word."""


def report_and_exit(console: Console, standing: JobView, *, pass_exit_code: bool = False) -> None:
    """Tell on stderr how the job ended; fail the command with 1, or the job's code, if it did."""
    report_outcome(console, standing)
    exit_unless_succeeded(standing, pass_exit_code=pass_exit_code)


def report_outcome(console: Console, standing: JobView) -> None:
    """Tell on stderr how the job ended, its status and its output."""
    console.remark(describe_outcome(standing))
    if standing.status_text:
        console.remark(f"Status: {_describe_status(standing)}")
    if standing.output is not None:
        console.remark(f"Output: {_describe_output(standing.id, standing.output)}")


def exit_unless_succeeded(standing: JobView, *, pass_exit_code: bool = False) -> None:
    """Fail the command with 1, or with the job's own code, unless the job ended well."""
    if standing.succeeded:
        return
    code = standing.exit_code if pass_exit_code else None
    # A job can fail although its program ended with 0; a failure never passes for success.
    raise click.exceptions.Exit((code or 1) & 0xFF or 1)


def describe_outcome(standing: JobView) -> str:
    """Return ``Job 12 FAILED (exit-code) after 3.2 s: The code exited with code 3.``"""
    reason = f" ({standing.reason})" if standing.reason else ""
    sentence = f": {standing.reason_text}" if standing.reason_text else "."
    return f"Job {standing.id} {standing.state}{reason}{_describe_time(standing)}{sentence}"


def _describe_time(standing: JobView) -> str:
    if standing.ran_seconds is None:
        return ""
    waited = standing.waited_seconds or 0.0
    before = ""
    if waited >= _NOTED_WAIT_SECONDS:
        before = f", and {format_seconds(waited)} of waiting before"
    return f" after {format_seconds(standing.ran_seconds)}{before}"


def _describe_status(standing: JobView) -> str:
    # On one line: what the code says of itself must not look like lines of ours.
    text = " ".join((standing.status_text or "").split())
    return text if standing.progress is None else f"{text} ({standing.progress:.0%})"


def _describe_output(job_id: int, output: Any) -> str:
    text = json.dumps(output, ensure_ascii=False)
    if len(text) <= _MOST_OUTPUT_CHARACTERS:
        return text
    return f"{text[:_MOST_OUTPUT_CHARACTERS]}… (cut; all of it: au2 job output {job_id})"
