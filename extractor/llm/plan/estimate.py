"""What asking about a record would take, before anything is asked."""

from dataclasses import dataclass, field, replace
from time import process_time

from extractor.llm.prompting.prompt import render_call
from extractor.options import ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import TrialRecord

from .questions import pack_questions, plan_questions
from .request_sizes import RequestSize, measure_call

__all__ = ["Estimate", "estimate_questions", "estimate_record"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Questions, the first requests of all calls that carry them, and the seconds of processor time that it took to
    find out.
    """

    questions: int = 0
    size: RequestSize = field(default_factory=RequestSize)
    seconds: float = 0.0


def estimate_record(record: TrialRecord, options: ExtractionOptions) -> Estimate:
    """What ``query_model`` would ask about a record, if no answer had to be asked again."""
    since = process_time()
    found = estimate_questions(parse_record(record), options)
    return replace(found, seconds=process_time() - since)


def estimate_questions(parsed: ParsedRecord, options: ExtractionOptions) -> Estimate:
    """What ``query_model`` would ask about a record, if no answer had to be asked again."""
    questions = plan_questions(parsed, options)
    sizes = (measure_call(render_call(parsed.record, pack)) for pack in pack_questions(questions))
    return Estimate(len(questions), sum(sizes, RequestSize()))
