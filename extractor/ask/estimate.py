"""What asking would take, before anything is asked."""

import json
from collections.abc import Collection

from pydantic import BaseModel

from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task

from .call import Call
from .lines import estimate_tokens
from .prompt import render_call
from .questions import Assist, pack_questions, plan_questions

__all__ = ["Estimate", "estimate_questions"]


class Estimate(BaseModel):
    """Counts over records. Tokens are estimated at four characters a token, the answer's schema included; answers are
    mostly far shorter than their bound.
    """

    records: int = 0
    questions: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    output_tokens_at_most: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(**{name: getattr(self, name) + getattr(other, name) for name in Estimate.model_fields})


def estimate_questions(parsed: ParsedRecord, tasks: Collection[Task], assist: Assist) -> Estimate:
    """What ``inquire`` would ask about a record, if no answer had to be asked again."""
    questions = plan_questions(parsed, tasks, assist)
    calls = [render_call(parsed.record, pack) for pack in pack_questions(questions)]
    return Estimate(
        records=1,
        questions=len(questions),
        calls=len(calls),
        prompt_tokens=sum(map(_estimate_prompt, calls)),
        output_tokens_at_most=sum(call.max_output_tokens for call in calls),
    )


def _estimate_prompt(call: Call) -> int:
    schema = json.dumps(call.reply_model.model_json_schema())
    return sum(map(estimate_tokens, (call.system, call.user, schema)))
