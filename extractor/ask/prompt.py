"""From questions of one task to a call."""

from collections.abc import Iterator, Sequence

from extractor.parse.clean import clean_text
from extractor.schemas import Task, TrialRecord

from .call import Call, Question
from .lines import flatten, render_line
from .prompt_files import Prompt, load_prompt
from .wire import WIRE_ITEMS, WireItem, narrow_reply

__all__ = ["Prompt", "load_prompt", "render_call"]

_LONGEST_CONTEXT = 300
_PER_ITEM, _PER_REPLY = 8, 250
"""Output tokens beside those of the fields: an item's number and braces; slack for one unusually long value."""


def render_call(record: TrialRecord, questions: Sequence[Question], prompt: Prompt | None = None) -> Call:
    """One exchange that carries questions of one task about one record.

    Raises ``ValueError`` for no questions, several tasks, or two questions with one chunk's number;
    ``PromptError`` for a prompt that cannot be filled.
    """
    task = _only_task(questions)
    item, prompt = WIRE_ITEMS[task], prompt or load_prompt(task)
    fields = {q.chunk.number: tuple(item.expand(q.fields)) for q in questions}
    if len(fields) < len(questions):
        raise ValueError("two questions point at one chunk's number; answers could not be told apart")
    return Call(
        prompt=prompt.version,
        questions=tuple(questions),
        system=prompt.system,
        user=prompt.fill(
            title=_section(record, "title") or _section(record, "official_title"),
            conditions=_section(record, "conditions"),
            interventions="; ".join(_interventions(record))[:_LONGEST_CONTEXT],
            lines="\n".join(map(render_line, questions)),
        ),
        reply_model=narrow_reply(item, questions),
        max_output_tokens=_PER_REPLY + sum(_PER_ITEM + _allowance(item, question) for question in questions),
        context={
            "fields": fields,
            "once": tuple(q.chunk.number for q in questions if "regimens" not in q.fields),
            "texts": {q.chunk.number: q.chunk.text for q in questions},
        },
    )


def _only_task(questions: Sequence[Question]) -> Task:
    tasks = {question.task for question in questions}
    if len(tasks) != 1:
        raise ValueError(f"a call carries questions of one task, not of {len(tasks)}")
    return tasks.pop()


def _allowance(item: type[WireItem], question: Question) -> int:
    return sum(item.allowance[field] for field in question.fields)


def _section(record: TrialRecord, name: str) -> str:
    section = record.section(name)
    return flatten(clean_text(section.text).text)[:_LONGEST_CONTEXT] if section else ""


def _interventions(record: TrialRecord) -> Iterator[str]:
    for section in record.sections:
        if section.name.startswith("interventions") and (name := section.part("name")):
            yield flatten(clean_text(name).text)
