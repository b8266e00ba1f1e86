"""The last steps of every extraction, whoever asked the model: assemble, audit, leave out what is doubtful.

A module of its own, since ``pipeline`` and ``rules`` must not import each other: one loads the model's libraries.
"""

from extractor.assemble import Inquiry, assemble_extraction
from extractor.assemble.confidence import drop_doubtful
from extractor.audit import add_findings
from extractor.options import ExtractionOptions
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import TrialExtraction

__all__ = ["finish_extraction"]


def finish_extraction(parsed: ParsedRecord, inquiry: Inquiry, options: ExtractionOptions) -> TrialExtraction:
    """What was read and answered as an extraction. The audit sees all values, also those that are then left out."""
    extraction = assemble_extraction(parsed, inquiry, options.tasks)
    return drop_doubtful(add_findings(parsed, extraction), options.min_confidence)
