"""How the rules read the wordings of ``benchmarks/adversarial``, one line for each wording.

Each value is right ("="), wrong ("!"), or missed ("missed"), by the answers in those files, with its
confidence.
"""

from pathlib import Path

import pytest

from benchmarks.adversarial.__main__ import extract_wordings, judge
from benchmarks.data import read_lines

from .snapshots import check_snapshot

WORDINGS = Path(__file__).parents[1] / "benchmarks/adversarial"
TASKS = sorted(path.stem for path in WORDINGS.glob("*.jsonl"))


def describe(task):
    """Yield a line for each wording: its id, and its values by field."""
    wordings = read_lines(WORDINGS / f"{task}.jsonl")
    for wording, extraction in zip(wordings, extract_wordings(wordings), strict=True):
        values = [describe_value(outcome) for outcome in judge(wording, extraction)]
        yield " ".join([wording["id"], *values])


def describe_value(outcome):
    """Return a value as a field and what became of it: ``amount=0.94``."""
    if outcome.confidence is None:
        return f"{outcome.field}:missed"
    mark = "=" if outcome.right else "!"
    return f"{outcome.field}{mark}{outcome.confidence:.2f}"


@pytest.mark.parametrize("task", TASKS)
def test_wordings_are_read_as_before(task):
    check_snapshot(f"wordings/{task}", describe(task))
