"""The prompt: its static system part, and the lines and the context of the user part.

Providers charge less for a repeated prefix, and local servers keep it in memory. Therefore, the
reply schema and the system part are byte-identical in every call of a run; the system part
consists of the annotation guideline, the format of an answer, a worked example
(``model/prompts/system.v10.md``), and then the custom fields. The user part, about one record,
comes last.
"""

import hashlib
import json
import re
from functools import lru_cache
from typing import NamedTuple

from extractor.concepts.own.declaration import CustomField, CustomFields, Example, Of
from extractor.language.clean import clean_text
from extractor.model.asking.questions import Question, Questions
from extractor.model.asking.reply_models import (
    CRITERIA,
    ENDPOINTS,
    FIELDS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMENS,
    is_listing,
)
from extractor.model.calls import LINE_BREAK, PROMPTS, Prompt
from extractor.schemas import Task, TrialRecord, list_fields

_VERSION = 10
PROMPT = PROMPTS / f"system.v{_VERSION}.md"
_LONGEST_CONTEXT = 1200
_LONGEST_HINT = 300
_LONGEST_LABEL = 60
_LONGEST_TEXT = 8000
"""Maximum number of characters in a line's text. No genuine line is that long."""
_PER_ITEM = 8
_PER_REPLY = 250
_PER_LIST = 500
_PER_QUOTE = 40
"""Output tokens in addition to those for the fields: for the number and braces of an item, for one
long value, for a line that states most of the regimens, and for the quote of an item of running
text.
"""
_LISTS = (CRITERIA, ENDPOINTS, REGIMENS, PEOPLE)
"""What a line may ask for as a list, in the order of the prompt."""
_CHARACTERS_PER_ITEM = 120
"""The least length of running text that states one criterion or endpoint."""
_ALLOWANCE = 8
_ALLOWANCES = {
    info.question: info.tokens for task in Task for info in list_fields(task)
}
"""Maximum number of output tokens for the answer to each of these questions; ``_ALLOWANCE``
applies to all other questions.
"""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_MARK = re.compile(r"\[(?=\s*\d+\s*\|)|<(?=\||/?\s*[A-Za-z_]+\s*>)")
"""A bracket that could be mistaken for the beginning of a prompt line, such as "[12|", or of a tag
in a chat template, such as "<|" or "</record>".
"""
_HINT_MARK = str.maketrans("[]|", "()/")
PLACE = re.compile(r"\[(?=\d+\])")
"""A bracket that could be mistaken for the number of a place."""
_OWN_FIELDS = """# Fields of this user

These keys are asked for as well. "quote" is the words of the line that bear the answer out, \
copied exactly; include a \
"no" or "not" that belongs to them. Leave a key out where the text does not state it."""
_WHERE = {
    Of.RECORD: "of the trial: give it on each line that states it, and on no other",
    Of.CRITERION: "of the criterion in the line",
    Of.REGIMEN: "of a regimen: give it in the item of the regimen",
    Of.ENDPOINT: "of the outcome in the line",
}


@lru_cache(256)  # the number of custom fields is unlimited
def load_prompt(custom: CustomFields = ()) -> Prompt:
    """Return the prompt, followed by the definitions of the custom fields.

    >>> load_prompt().name
    'questions'
    """
    system = PROMPT.read_text("utf-8").strip()
    if custom:
        system = "\n\n".join([system, _OWN_FIELDS, *map(_describe_field, custom)])
    return make_prompt("questions", _VERSION, system)


def make_prompt(name: str, version: int, system: str) -> Prompt:
    """Return a prompt with the digest of its text."""
    digest = hashlib.sha256(system.encode()).hexdigest()
    return Prompt(name, version, digest, system)


def _describe_field(field: CustomField) -> str:
    """Return the definition of a custom field for the model, with its attributes and examples."""
    parts = "quote and these" if field.needs_quote else "these"
    lines = [
        f"{field.name} ({_WHERE[field.of]}). {field.definition}",
        f"Write an object of {parts}:",
    ]
    lines += [attribute.describe() for attribute in field.attributes]
    if field.many:
        lines.append("Write a list if the line states several.")
    lines += [_describe_example(field, example) for example in field.examples]
    return "\n".join(lines)


def _describe_example(field: CustomField, example: Example) -> str:
    """Return an example with its answer, in the format of a reply."""
    text = json.dumps(example.text, ensure_ascii=False)
    answers = field.complete_answers(example)
    if not answers:
        return f"Example: {text} gives nothing"
    written: object = answers if field.many else answers[0]
    # a value of a class such as Period is written as text, such as "21 day"
    answer = json.dumps({field.name: written}, ensure_ascii=False, default=str)
    return f"Example: {text} gives {answer}"


def flatten(text: str) -> str:
    r"""Return a record's text on one line, without anything that could be mistaken for markup of
    the prompt or of a chat template.

    >>> flatten("Pain\nscore </record> [2|ok] <|end|>")
    'Pain // score < /record> [ 2|ok] < |end|>'
    """
    lines = [" ".join(line.split()) for line in _INVISIBLE.sub("", text).splitlines()]
    return _MARK.sub(r"\g<0> ", LINE_BREAK.join(filter(None, lines)))


def render_line(line: Question) -> str:
    """Return a line of the prompt: ``[number|what is asked|hint] text``.

    An empty hint is omitted. A long hint or text is truncated.
    """
    asked: list[str] = []
    if line.task is Task.ENDPOINTS:
        asked.append("outcome")
    elif "category" in line.fields:
        asked.append("criterion")
    asked += [name for name in _LISTS if name in line.fields]
    asked += [field.name for field in line.custom]
    hint = _show(line.hint)[:_LONGEST_HINT]
    keys = " ".join(asked)
    head = filter(None, (str(line.number), keys, hint.translate(_HINT_MARK)))
    text = PLACE.sub("[ ", flatten(line.chunk.text[:_LONGEST_TEXT]))
    return f"[{'|'.join(head)}] {text}"


class TrialContext(NamedTuple):
    """The context of a record, which calls include before the lines: the title and the conditions
    and, in calls about doses, the names of interventions and the numbered arms.
    """

    record_id: str
    context: tuple[str, ...] = ()
    treatments: tuple[str, ...] = ()


def describe_trial(record: TrialRecord) -> TrialContext:
    """Return the context of a record. Missing parts are omitted, and long parts are truncated."""
    names = []
    arms: list[str] = []
    for section in record.sections:
        name = section.part("name")
        if name and section.name.startswith("interventions"):
            names.append(_show(name))
        if section.name.startswith("arms["):
            label = _show(section.part("label"))
            arms.append(f"{len(arms) + 1} {label[:_LONGEST_LABEL]}")
    title = _show(record.raw_text("title")) or _show(record.raw_text("official_title"))
    conditions = _show(record.raw_text("conditions"))
    return TrialContext(
        record.record_id,
        _list_lines(Trial=title, Conditions=conditions),
        _list_lines(Interventions="; ".join(names), Arms="; ".join(arms)),
    )


def _show(text: str | None) -> str:
    """Return text on one line with its markup removed, or "" if there is no text."""
    return PLACE.sub("[ ", flatten(clean_text(text or "").text))


def _list_lines(**texts: str) -> tuple[str, ...]:
    """Return a line such as "Conditions: Asthma" for each text that is not empty."""
    return tuple(
        f"{name}: {text[:_LONGEST_CONTEXT]}" for name, text in texts.items() if text
    )


def count_output_tokens(
    questions: Questions, criteria: int = 0, custom: CustomFields = ()
) -> int:
    """Return an output limit that a valid answer never reaches: the sum of the allowances for each
    field (including custom fields), each item, the whole reply, and lines that may have many items.

    ``criteria`` is the number of criteria in the text above the lines.
    """
    tokens = _PER_REPLY + _PER_ITEM * len(questions)
    names = (*FIELDS[Task.ELIGIBILITY], *PEOPLE_FIELDS)
    of_criterion = sum(_ALLOWANCES.get(name, _ALLOWANCE) for name in names)
    of_criterion += sum(field.tokens for field in custom if field.of is Of.CRITERION)
    tokens += criteria * (_PER_ITEM + of_criterion)
    if any(map(is_listing, questions)):
        tokens += _PER_LIST
    for question in questions:
        custom_tokens = {field.name: field.tokens for field in question.custom}
        most_items = 1 + len(question.chunk.text) // _CHARACTERS_PER_ITEM
        for name in (CRITERIA, ENDPOINTS):
            if name in question.fields:
                tokens += most_items * _count_of_item(name)
        for name in question.fields:
            tokens += custom_tokens.get(name) or _ALLOWANCES.get(name, _ALLOWANCE)
    return tokens


def _count_of_item(name: str) -> int:
    """Return the output tokens for an item of a list of running text."""
    task = Task.ENDPOINTS if name == ENDPOINTS else Task.ELIGIBILITY
    allowances = [_ALLOWANCES.get(each, _ALLOWANCE) for each in FIELDS[task]]
    return _PER_ITEM + _PER_QUOTE + sum(allowances)
