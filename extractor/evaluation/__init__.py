"""Score extractions against gold annotations, and check the gold itself."""

from .comparers import ErrorKind
from .gold_check import GoldProblem, check_gold, check_gold_files
from .report import ErrorExample, ScoreReport
from .scoring import evaluate

__all__ = [
    "ErrorExample",
    "ErrorKind",
    "GoldProblem",
    "ScoreReport",
    "check_gold",
    "check_gold_files",
    "evaluate",
]
