"""A record through the stages that need no model, and without the libraries that talk to one."""

from collections.abc import Collection, Generator

from extractor.ask.interview import Replies, Round, interview
from extractor.ask.plan.questions import Assist, plan_questions
from extractor.assemble import Inquiry, assemble_extraction
from extractor.assemble.policy import ModelClass
from extractor.audit import add_findings
from extractor.parse import parse_record
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage

__all__ = ["Extraction", "extract_by_rules", "extract_in_rounds"]

Extraction = Generator[Round, Replies, TrialExtraction]
"""Yields what is to be asked of a model, takes the replies, and returns the extraction."""


def extract_by_rules(record: TrialRecord, tasks: Collection[Task], assist: Assist) -> TrialExtraction:
    """What ``extract_record`` gives without a model: the questions that ``assist`` would ask are counted as open."""
    parsed = parse_record(record)
    inquiry = Inquiry(usage=Usage(open_questions=len(plan_questions(parsed, tasks, assist))))
    return add_findings(parsed, assemble_extraction(parsed, inquiry, tasks))


def extract_in_rounds(
    record: TrialRecord, tasks: Collection[Task], assist: Assist, model_class: ModelClass = ModelClass.CAPABLE
) -> Extraction:
    """What ``extract_record`` gives with the model that whoever goes through the rounds asks."""
    parsed = parse_record(record)
    inquiry = yield from interview(parsed, tasks, assist, model_class)
    return add_findings(parsed, assemble_extraction(parsed, inquiry, tasks))
