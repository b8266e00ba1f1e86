"""A record through the stages that need no model, and without the libraries that talk to one."""

from collections.abc import Collection

from extractor.ask.questions import Assist, plan_questions
from extractor.assemble import Inquiry, assemble_extraction
from extractor.audit import add_findings
from extractor.parse import parse_record
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage

__all__ = ["extract_by_rules"]


def extract_by_rules(record: TrialRecord, tasks: Collection[Task], assist: Assist) -> TrialExtraction:
    """What ``extract_record`` gives without a model: the questions that ``assist`` would ask are counted as open."""
    parsed = parse_record(record)
    inquiry = Inquiry(usage=Usage(open_questions=len(plan_questions(parsed, tasks, assist))))
    return add_findings(parsed, assemble_extraction(parsed, inquiry, tasks))
