"""Extractor reads clinical-trial registry records and returns evidence-backed eligibility, dosing
and endpoints.

>>> from extractor import split_outcomes
>>> split_outcomes("Overall survival, From infusion to death., 2 years")[0].time_frame
'2 years'
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.api import Extractor
    from extractor.apps.diff import diff_published, diff_trials
    from extractor.apps.evaluation import ScoreReport, evaluate
    from extractor.apps.fetch import (
        PaperSource,
        Registry,
        RegistryQuery,
        fetch_records,
    )
    from extractor.apps.pages.notebook import show
    from extractor.concepts.outcomes.split import Outcome, split_outcomes
    from extractor.concepts.own.models import find_values
    from extractor.concepts.parse import ParsedRecord, parse_record
    from extractor.errors import ExtractorError
    from extractor.evidence.drafts import ConflictKind, TokenConflict
    from extractor.evidence.quotes import QuoteCheck, QuoteStatus, verify_quote
    from extractor.formats import make_record, read_records
    from extractor.frame import ExtractFrame
    from extractor.match import Match, Patient
    from extractor.options import ExtractorOptions
    from extractor.results import Results, read_results
    from extractor.schemas import Task, TrialExtraction, TrialRecord
    from extractor.schemas.vocabulary import Effort

__all__ = [
    "ConflictKind",
    "Effort",
    "ExtractFrame",
    "Extractor",
    "ExtractorError",
    "ExtractorOptions",
    "Match",
    "Outcome",
    "PaperSource",
    "ParsedRecord",
    "Patient",
    "QuoteCheck",
    "QuoteStatus",
    "Registry",
    "RegistryQuery",
    "Results",
    "ScoreReport",
    "Task",
    "TokenConflict",
    "TrialExtraction",
    "TrialRecord",
    "diff_published",
    "diff_trials",
    "evaluate",
    "fetch_records",
    "find_values",
    "make_record",
    "parse_record",
    "read_records",
    "read_results",
    "show",
    "split_outcomes",
    "verify_quote",
]

# The public names of each module, and the functions behind methods of data classes. A name is
# imported when it is first used, so that the command line starts quickly.
_MODULES = {
    ".api": "Extractor",
    ".frame": "ExtractFrame",
    ".match": "Match Patient match_trial",
    ".options": "ExtractorOptions",
    ".results": "Results read_results",
    ".apps.diff": "diff_published diff_trials",
    ".apps.export": "frame_extraction",
    ".errors": "ExtractorError",
    ".apps.evaluation": "ScoreReport evaluate",
    ".apps.fetch": "PaperSource Registry RegistryQuery fetch_records",
    ".evidence.quotes": "QuoteCheck QuoteStatus verify_quote",
    ".apps.pages.notebook": "show",
    ".concepts.own.models": "find_values",
    ".concepts.outcomes.split": "Outcome split_outcomes",
    ".concepts.parse": "ParsedRecord parse_record",
    ".evidence.drafts": "ConflictKind TokenConflict",
    ".formats": "make_record read_records",
    ".schemas": "Effort Task TrialExtraction TrialRecord",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def __getattr__(name: str) -> object:
    if name == "__version__":
        return version("trial-extractor")
    for module, names in _MODULES.items():
        if name not in names.split():
            continue
        value: object = getattr(import_module(module, __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
