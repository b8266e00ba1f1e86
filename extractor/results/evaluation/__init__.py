"""Score extractions against gold annotations, and check the gold itself."""

from .comparers import ErrorKind
from .gold_check import check_gold, check_gold_files
from .gold_files import Flaw
from .report import ErrorExample, ScoreReport
from .scoring import evaluate

__all__ = [
    "ErrorExample",
    "ErrorKind",
    "Flaw",
    "ScoreReport",
    "check_gold",
    "check_gold_files",
    "evaluate",
]
