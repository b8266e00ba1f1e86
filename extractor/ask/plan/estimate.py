"""What asking about a record would take, before anything is asked."""

from collections.abc import Collection
from dataclasses import dataclass, field

from extractor.ask.prompting.prompt import render_call
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task

from .questions import Assist, pack_questions, plan_questions
from .request_sizes import RequestSize, measure_call

__all__ = ["Estimate", "estimate_questions"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Questions, and the first requests of all calls that carry them."""

    questions: int = 0
    size: RequestSize = field(default_factory=RequestSize)


def estimate_questions(parsed: ParsedRecord, tasks: Collection[Task], assist: Assist) -> Estimate:
    """What ``inquire`` would ask about a record, if no answer had to be asked again."""
    questions = plan_questions(parsed, tasks, assist)
    sizes = (measure_call(render_call(parsed.record, pack)) for pack in pack_questions(questions))
    return Estimate(len(questions), sum(sizes, RequestSize()))
