"""From questions to a call: the frame, the definitions that they need, and the lines."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from extractor.llm.requests import Call, Question
from extractor.llm.wire import WIRE_ITEMS, WireItem, narrow_reply, unite_options, write_grammar
from extractor.schemas import Task, TrialRecord
from extractor.text.clean import clean_text

from .lines import flatten, render_line
from .prompt_files import Example, Prompt, TaskPrompt, fill, load_prompt

__all__ = ["Prompt", "load_prompt", "narrow_record", "render_call", "render_example"]

_TOLD = frozenset({"title", "official_title", "conditions"})
_GROUPS = ("interventions", "arms")
_LONGEST_CONTEXT = 300
_PER_ITEM, _PER_REPLY, _PER_LIST = 8, 250, 500
"""Output tokens beside those of the fields: an item's number and braces; slack for one unusually long value, and where
regimens are listed for one line that holds most of them.
"""


def render_call(record: TrialRecord, questions: Sequence[Question], prompt: Prompt | None = None) -> Call:
    """One exchange that carries questions about one record, those of a task together.

    Raises ``ValueError`` for no questions or two with one chunk's number; ``PromptError`` for a prompt that cannot
    be filled.
    """
    prompt = prompt or load_prompt()
    questions = _in_order(questions)
    system = fill(prompt.system, definitions="\n\n".join(_define_tasks(questions, prompt)))
    return _make_call(questions, prompt, system, _describe_trial(record, questions))


def _in_order(questions: Sequence[Question]) -> list[Question]:
    """The questions with those of a task together. Raises ``ValueError`` if answers could not be told apart."""
    numbers = {question.chunk.number for question in questions}
    if not questions or len(numbers) < len(questions):
        raise ValueError("a call needs questions, and no two that point at one chunk: answers could not be told apart")
    return sorted(questions, key=lambda question: list(Task).index(question.task))


def _make_call(questions: Sequence[Question], frame: Prompt, system: str, trial: Iterator[str]) -> Call:
    return Call(
        prompt=frame.version,
        questions=tuple(questions),
        system=system,
        user=fill(frame.user, trial="\n".join(trial), lines="\n".join(map(render_line, questions))),
        reply_model=narrow_reply(questions),
        max_output_tokens=_allow(questions),
        context={
            "tasks": {q.chunk.number: q.task for q in questions},
            "fields": {q.chunk.number: tuple(WIRE_ITEMS[q.task].expand(q.fields)) for q in questions},
            "once": tuple(q.chunk.number for q in questions if "regimens" not in q.fields),
            "texts": {q.chunk.number: q.chunk.text for q in questions},
        },
        line_grammar=partial(write_grammar, questions),
    )


def narrow_record(record: TrialRecord) -> TrialRecord:
    """The record with no more of it than calls tell of: little to carry to where they are made."""
    told = tuple(s for s in record.sections if s.name in _TOLD or s.name.startswith(_GROUPS))
    return record.model_copy(update={"sections": told})


def render_example(example: Example) -> str:
    """The example's line and the items that answer it."""
    answer = json.dumps({"items": example.answer}, ensure_ascii=False, separators=(",", ":"))
    return f"{render_line(example.question)}\n{answer}"


def _describe_trial(record: TrialRecord, questions: Sequence[Question]) -> Iterator[str]:
    """What a reader must know of the trial; its interventions where doses are asked about."""
    told = {
        "Trial": _section(record, "title") or _section(record, "official_title"),
        "Conditions": _section(record, "conditions"),
    }
    if any(question.task is Task.DOSING for question in questions):
        told["Interventions"] = "; ".join(_interventions(record))[:_LONGEST_CONTEXT]
    yield from (f"{name}: {text}" for name, text in told.items() if text)


def _define_tasks(questions: Sequence[Question], prompt: Prompt) -> Iterator[str]:
    for task, group in groupby(questions, key=lambda question: question.task):
        asked = list(group)
        yield "\n".join([prompt.tasks[task].about, *_define_fields(prompt.tasks[task], WIRE_ITEMS[task], asked)])


def _define_fields(prompt: TaskPrompt, item: type[WireItem], questions: Sequence[Question]) -> Iterator[str]:
    options = unite_options(item, questions)
    wanted = {part for question in questions for field in question.fields for part in item.covers(field)}
    for field, definition in prompt.definitions.items():
        if field in wanted:
            yield definition.narrow(options.get(field))
    yield from (f"Example: {render_example(example)}" for example in _choose_examples(prompt, questions))


def _choose_examples(prompt: TaskPrompt, questions: Sequence[Question]) -> list[Example]:
    """The first example that shows nothing but what is asked: one is enough, and each costs as much as a question. Of
    regimens all: there are many ways to tell a dose.
    """
    asked = {field for question in questions for field in question.fields}
    fitting = [example for example in prompt.examples if set(example.question.fields) <= asked]
    return [example for example in fitting if "regimens" in example.question.fields] or fitting[:1]


def _allow(questions: Sequence[Question]) -> int:
    """Output tokens that a good answer never needs."""
    fields = [WIRE_ITEMS[question.task].allowance[field] for question in questions for field in question.fields]
    listed = any("regimens" in question.fields for question in questions)
    return _PER_REPLY + _PER_LIST * listed + _PER_ITEM * len(questions) + sum(fields)


def _section(record: TrialRecord, name: str) -> str:
    section = record.section(name)
    return flatten(clean_text(section.text).text)[:_LONGEST_CONTEXT] if section else ""


def _interventions(record: TrialRecord) -> Iterator[str]:
    for section in record.sections:
        if section.name.startswith("interventions") and (name := section.part("name")):
            yield flatten(clean_text(name).text)
