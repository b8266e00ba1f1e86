"""What changed between two versions of a trial: who may take part, what is given, what is
measured.
"""

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    StatedValue,
    TrialChange,
    TrialDiff,
)
from extractor.apps.diff.compare import diff_trials

__all__ = [
    "ChangeKind",
    "ChangeSeverity",
    "StatedValue",
    "TrialChange",
    "TrialDiff",
    "diff_trials",
]
