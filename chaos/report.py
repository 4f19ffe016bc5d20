"""What rounds came to, as lines and as a table for the documentation."""

from collections import Counter
from collections.abc import Sequence

from chaos.round import Outcome

_MOST_SHOWN = 20


def format_outcome(outcome: Outcome) -> str:
    """Return a round's result as lines."""
    faults = "; ".join(map(str, outcome.happened))
    lines = [
        f"  {outcome.jobs} jobs ({outcome.succeeded} succeeded, {outcome.remarked_logs} logs with "
        f"a remark), {outcome.uploads} uploads ({outcome.cut_uploads} given again), "
        f"{outcome.restarts} restarts, {outcome.seconds:.0f} s",
        f"  faults: {faults}",
    ]
    lines += [f"  PROBLEM {problem}" for problem in outcome.problems[:_MOST_SHOWN]]
    return "\n".join(lines)


def format_table(outcomes: Sequence[Outcome]) -> str:
    """Return a Markdown table: a row per fault, and the sums."""
    counts = Counter(fault.name for outcome in outcomes for fault in outcome.happened)
    rows = [f"| {name} | {count} |" for name, count in sorted(counts.items())]
    problems = sum(len(outcome.problems) for outcome in outcomes)
    jobs = sum(outcome.jobs for outcome in outcomes)
    uploads = sum(outcome.uploads for outcome in outcomes)
    return "\n".join(
        [
            f"{len(outcomes)} rounds from seed {outcomes[0].seed}: {jobs} jobs, {uploads} uploads, "
            f"{sum(outcome.restarts for outcome in outcomes)} restarts of the server, "
            f"{sum(outcome.remarked_logs for outcome in outcomes)} logs with a remark, "
            f"{problems} problems, {sum(outcome.seconds for outcome in outcomes) / 60:.0f} min.",
            "",
            "| fault | times |",
            "| --- | --- |",
            *rows,
        ]
    )
