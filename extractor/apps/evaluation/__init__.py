"""Score extractions against gold annotations, and check the gold itself."""

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.gold_check import check_gold, check_gold_files
from extractor.apps.evaluation.report import ErrorExample, ScoreReport
from extractor.apps.evaluation.scoring import evaluate

__all__ = [
    "ErrorExample",
    "ErrorKind",
    "ScoreReport",
    "check_gold",
    "check_gold_files",
    "evaluate",
]
