"""A record through the stages that need no model, and without the libraries that talk to one."""

from collections.abc import Generator

from extractor.ask.interview import Replies, Round, interview
from extractor.ask.plan.questions import plan_questions
from extractor.assemble import Inquiry
from extractor.finish import finish_extraction
from extractor.options import ExtractionOptions
from extractor.parse import parse_record
from extractor.schemas import TrialExtraction, TrialRecord, Usage

__all__ = ["Extraction", "extract_by_rules", "extract_in_rounds"]

Extraction = Generator[Round, Replies, TrialExtraction]
"""Yields what is to be asked of a model, takes the replies, and returns the extraction."""


def extract_by_rules(record: TrialRecord, options: ExtractionOptions) -> TrialExtraction:
    """What ``extract_record`` gives without a model: the questions that ``options`` would ask are counted as open."""
    parsed = parse_record(record)
    inquiry = Inquiry(usage=Usage(open_questions=len(plan_questions(parsed, options))))
    return finish_extraction(parsed, inquiry, options)


def extract_in_rounds(record: TrialRecord, options: ExtractionOptions) -> Extraction:
    """What ``extract_record`` gives, where the caller asks the model in rounds."""
    parsed = parse_record(record)
    inquiry = yield from interview(parsed, options)
    return finish_extraction(parsed, inquiry, options)
