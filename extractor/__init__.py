"""Extractor reads clinical-trial registry records and returns evidence-backed eligibility, dosing and endpoints.

>>> from extractor import split_outcomes
>>> split_outcomes("Overall survival, From infusion to death., 2 years")[0].time_frame
'2 years'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Extractor
    from .errors import ExtractorError
    from .fetch import Registry, RegistryQuery, fetch_records
    from .many import Results
    from .options import Effort
    from .pages.notebook import show
    from .results.diff import TrialDiff, diff_trials
    from .results.evaluation import ScoreReport, evaluate
    from .schemas import Task, TrialExtraction, TrialRecord
    from .stages.parse import Outcome, ParsedRecord, parse_record, split_outcomes
    from .stages.parse.drafts import ConflictKind, TokenConflict
    from .stages.proof.quotes import QuoteCheck, QuoteStatus, verify_quote
    from .stages.read import make_record, read_records

__all__ = [
    "ConflictKind", "Effort", "Extractor", "ExtractorError", "Outcome", "ParsedRecord", "QuoteCheck", "QuoteStatus",
    "Registry", "RegistryQuery", "Results", "ScoreReport", "Task", "TokenConflict", "TrialDiff", "TrialExtraction",
    "TrialRecord", "diff_trials", "evaluate", "fetch_records", "make_record", "parse_record", "read_records",
    "show", "split_outcomes", "verify_quote",
]  # fmt: skip

# The public names of each module. A name is imported at its first use, so that the command line starts quickly.
_MODULES = {
    ".api": "Extractor",
    ".many": "Results",
    ".results.diff": "TrialDiff diff_trials",
    ".errors": "ExtractorError",
    ".results.evaluation": "ScoreReport evaluate",
    ".fetch": "Registry RegistryQuery fetch_records",
    ".stages.proof.quotes": "QuoteCheck QuoteStatus verify_quote",
    ".options": "Effort",
    ".pages.notebook": "TrialExtraction show",  # a notebook displays extractions
    ".stages.parse": "Outcome ParsedRecord parse_record split_outcomes",
    ".stages.parse.drafts": "ConflictKind TokenConflict",
    ".stages.read": "make_record read_records",
    ".schemas": "Task TrialRecord",
}


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    module = next((module for module, names in _MODULES.items() if name in names.split()), None)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value
