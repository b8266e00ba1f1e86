"""Which doubts are worth the tokens that it takes to settle them.

A question costs its line and its answer, a field the definition that its first question in a call brings along. What
it may gain is doubt: one minus the confidence of the rules, summed over the fields. A field of a record, or a
question, whose doubt is too small for its tokens is not asked.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from extractor.llm.prompting.lines import estimate_tokens, render_line
from extractor.llm.prompting.prompt_files import load_prompt
from extractor.llm.requests import Question
from extractor.llm.wire import WIRE_ITEMS, unite_options
from extractor.schemas import Task

__all__ = ["WRITTEN", "Costs", "Doubted", "keep_worthwhile", "load_costs"]


_USED = 1 / 3
"""How much of its allowance an answer takes, on the average."""
WRITTEN = 4
"""What a token costs that a model writes, in tokens that it reads."""
_ROUNDS = 4
_UNSETTLED = frozenset({"specimens", "methods", "time_window"})
"""Fields that are not asked in doubt: where a capable model differed from the rules over these quotes, it was right no
more often than they were, since annotators cut them in many ways.
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """What asking takes: the doubt that one token must settle, and the tokens of each field's definition.

    ``definitions`` are measured for the questions at hand, as narrow as these allow.
    """

    doubt_per_token: float
    definitions: Callable[[Sequence[Question]], Mapping[tuple[Task, str], float]]


@dataclass(frozen=True, slots=True)
class Doubted:
    """A question, and for each of its fields the doubt: how many values are probably wrong."""

    question: Question
    doubts: Mapping[str, float]


def load_costs() -> Costs:
    """What it takes to ask a model that is told what each key means: a value that is as likely wrong as right is worth
    180 tokens.
    """
    return Costs(0.0028, _measure_definitions)


def keep_worthwhile(drafts: Sequence[Doubted], costs: Costs) -> tuple[Question, ...]:
    """The questions of one record that are worth asking, each with the fields that are, in their order."""
    kept = list(drafts)
    for _ in range(_ROUNDS):
        # What one question drops may leave another alone with the cost of a definition.
        before = sum(len(draft.question.fields) for draft in kept)
        kept = _drop_questions(_drop_fields(kept, costs), costs)
        if sum(len(draft.question.fields) for draft in kept) == before:
            break
    return tuple(draft.question for draft in kept)


def _drop_fields(drafts: Sequence[Doubted], costs: Costs) -> list[Doubted]:
    total: dict[tuple[Task, str], float] = defaultdict(float)
    for draft in drafts:
        for field in draft.question.fields:
            total[draft.question.task, field] += _gain(draft, field)
    sizes = costs.definitions([draft.question for draft in drafts])
    worthwhile = {
        key for key, doubt in total.items() if doubt > 0 and doubt >= costs.doubt_per_token * sizes.get(key, 0.0)
    }
    kept = []
    for draft in drafts:
        question = draft.question
        fields = tuple(field for field in question.fields if (question.task, field) in worthwhile)
        if fields:
            kept.append(Doubted(replace(question, fields=fields), draft.doubts))
    return kept


def _drop_questions(drafts: Sequence[Doubted], costs: Costs) -> list[Doubted]:
    return [draft for draft in drafts if _sum_doubt(draft) >= costs.doubt_per_token * _measure_question(draft.question)]


def _sum_doubt(draft: Doubted) -> float:
    return sum(_gain(draft, field) for field in draft.question.fields)


def _gain(draft: Doubted, field: str) -> float:
    return 0.0 if field in _UNSETTLED else draft.doubts[field]


def _measure_question(question: Question) -> float:
    allowance = WIRE_ITEMS[question.task].allowance
    answer = sum(allowance[field] for field in question.fields) * _USED
    return estimate_tokens(render_line(question)) + answer * WRITTEN


def _measure_definitions(questions: Sequence[Question]) -> dict[tuple[Task, str], float]:
    """The tokens of each field's definition, as narrow as these questions allow."""
    costs = {}
    for task, prompt in load_prompt().tasks.items():
        options = unite_options(WIRE_ITEMS[task], [question for question in questions if question.task is task])
        for field, definition in prompt.definitions.items():
            costs[task, field] = float(estimate_tokens(definition.narrow(options.get(field))))
    return costs
