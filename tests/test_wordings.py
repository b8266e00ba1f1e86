"""How the rules read the wordings of ``benchmarks/adversarial``, one line for each wording.

Each value is right, wrong, or missed, by the answers in those files.
"""

from pathlib import Path

import pytest

from benchmarks.adversarial.__main__ import extract_wordings, judge
from benchmarks.data import read_lines

from .snapshots import Line, check_snapshot

WORDINGS = Path(__file__).parents[1] / "benchmarks/adversarial"
TASKS = sorted(path.stem for path in WORDINGS.glob("*.jsonl"))


def describe(task):
    """Yield a line for each wording: its id, and its values by field."""
    wordings = read_lines(WORDINGS / f"{task}.jsonl")
    for wording, extraction in zip(wordings, extract_wordings(wordings), strict=True):
        outcomes = list(judge(wording, extraction))
        sure = [f"{o.field} {o.confidence:.2f}" for o in outcomes if o.confidence]
        yield Line(
            " ".join([wording["id"], *map(describe_value, outcomes)]),
            " ".join([wording["id"], *sure]),
        )


def describe_value(outcome):
    """Return a value as a field and what became of it: ``amount:right``."""
    if outcome.confidence is None:
        return f"{outcome.field}:missed"
    return f"{outcome.field}:{'right' if outcome.right else 'wrong'}"


@pytest.mark.parametrize("task", TASKS)
def test_wordings_are_read_as_before(task):
    check_snapshot(f"wordings/{task}", describe(task))
