"""Extractor reads clinical-trial registry records and returns evidence-backed eligibility, dosing and endpoints.

>>> from extractor import split_outcomes
>>> split_outcomes("Overall survival, From infusion to death., 2 years")[0].time_frame
'2 years'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Extractor
    from .diff import TrialDiff, diff_trials
    from .errors import ExtractorError
    from .evaluation import ScoreReport, evaluate
    from .fetch import Registry, RegistryQuery, fetch_records
    from .ground.conflicts import ConflictKind, TokenConflict
    from .ground.quotes import QuoteCheck, QuoteStatus, verify_quote
    from .options import Assist, Effort
    from .parse import Outcome, ParsedRecord, parse_record, split_outcomes
    from .read import read_records
    from .schemas import Task, TrialExtraction, TrialRecord
    from .schemas.shown import show

__all__ = [
    "Assist",
    "ConflictKind",
    "Effort",
    "Extractor",
    "ExtractorError",
    "Outcome",
    "ParsedRecord",
    "QuoteCheck",
    "QuoteStatus",
    "Registry",
    "RegistryQuery",
    "ScoreReport",
    "Task",
    "TokenConflict",
    "TrialDiff",
    "TrialExtraction",
    "TrialRecord",
    "diff_trials",
    "evaluate",
    "fetch_records",
    "parse_record",
    "read_records",
    "show",
    "split_outcomes",
    "verify_quote",
]

# The module of each public name. A name is imported at its first use, so that the command line starts quickly.
_MODULES = {
    "Assist": ".options",
    "ConflictKind": ".ground.conflicts",
    "Effort": ".options",
    "Extractor": ".api",
    "ExtractorError": ".errors",
    "Outcome": ".parse",
    "ParsedRecord": ".parse",
    "QuoteCheck": ".ground.quotes",
    "QuoteStatus": ".ground.quotes",
    "Registry": ".fetch",
    "RegistryQuery": ".fetch",
    "ScoreReport": ".evaluation",
    "Task": ".schemas",
    "TokenConflict": ".ground.conflicts",
    "TrialDiff": ".diff",
    "TrialExtraction": ".schemas",
    "TrialRecord": ".schemas",
    "diff_trials": ".diff",
    "evaluate": ".evaluation",
    "fetch_records": ".fetch",
    "parse_record": ".parse",
    "read_records": ".read",
    "show": ".schemas.shown",
    "split_outcomes": ".parse",
    "verify_quote": ".ground.quotes",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = value
    return value
