"""The prompt: its static system part, the lines that carry questions, and the calls made of them.

Providers bill a prefix that repeats at a fraction, and local servers keep it in memory. So the
system part and the reply schema are the same bytes in every call of a run: the annotation guideline
that people read as well (``model/prompts/guideline.md``), in the words of a reply and without what
only people need; how to write an answer (``prompts/system.v<N>.md``); and one worked example
(``prompts/example.v<N>.json``). The user part, about one record, comes last.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from extractor.concepts.own.declaration import CustomField
from extractor.errors import PromptError
from extractor.evidence.drafts import Chunk, Span
from extractor.language.clean import clean_text
from extractor.model.asking.definitions import describe_fields
from extractor.model.asking.questions import LINE_BREAK, Question
from extractor.model.asking.reply_models import (
    Reply,
    is_listing,
    keys_asked,
    name_words,
    reply_for,
)
from extractor.model.calls import Call, PromptVersion
from extractor.schemas import Task, TrialRecord, list_fields

_PROMPTS = Path(__file__).parents[1] / "prompts"
_GUIDELINE = "$guideline"
_EXAMPLES = "$examples"
_CONTEXT = ("title", "official_title", "conditions")
"""Sections that every call shows."""
_LONGEST_CONTEXT = 1200
_LONGEST_HINT = 300
_LONGEST_LABEL = 60
_LONGEST_TEXT = 8000
"""Characters of a line's text; no honest one has as many."""
_PER_ITEM = 8
_PER_REPLY = 250
_PER_LIST = 500
"""Output tokens beside those of the fields: an item's number and braces; slack for one long value;
and slack where regimens are listed, for one line that holds most of them.
"""
_ALLOWANCES = {
    info.metadata.question: info.metadata.tokens
    for task in Task
    for info in list_fields(task)
    if info.metadata.question
}
"""Output tokens that an answer may take at most, by the name of its question; ``_ALLOWANCE`` for
others.
"""
_ALLOWANCE = 8

_NOTES = {
    "lead_in": "under: the number of the line that is the lead_in of this one; no heading.",
    "rule": (
        "rule: how many of the lines that this one introduces must hold: all, any, or a number: "
        "2, 2-4."
    ),
}
"""What is said only in calls that ask for these fields."""
_FOR_PEOPLE = "<!--people-->"
_FOR_ALL = "<!--/people-->"
_MARKUP = re.compile(r"\*\*|^\|(?:-+\|)+\n|\n(?=\n\n)", re.MULTILINE)
"""Bold type, rules of tables, more than one empty line."""
_WRAP = re.compile(r"(?<!\n)\n *(?=[^\s|#-])")
_NAME = re.compile(r"`([^`]+)`")

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_LINE_MARK = re.compile(r"\[(?=\s*\d+\s*\|)")
_TAG = re.compile(r"<(?=\||/?\s*[A-Za-z_]+\s*>)")
_HINT_MARK = str.maketrans("[]|", "()/")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The static part of every call, and its worked example: questions and the items that answer
    them.
    """

    version: PromptVersion
    system: str
    questions: tuple[Question, ...]
    answer: tuple[Mapping[str, Any], ...]


@lru_cache(256)  # fields of the user's own have no end
def load_prompt(custom: tuple[CustomField, ...] = ()) -> Prompt:
    """Return the newest prompt, with the definitions of the user's own fields behind it.

    The definitions change the digest of the prompt's version, not its number. Raises
    ``PromptError`` if a file is missing or broken.

    >>> load_prompt().version.name
    'questions'
    """
    prompt = read_prompt(_PROMPTS)
    if not custom:
        return prompt
    system = "\n\n".join([prompt.system, *describe_fields(custom)])
    version = replace(prompt.version, sha256=_digest(system))
    return replace(prompt, system=system, version=version)


@cache
def read_prompt(folder: Path) -> Prompt:
    """Return the newest version of the prompt in ``folder``: the form of an answer, with the
    guideline and the worked example in the places of its two placeholders.

    Raises ``PromptError`` if a file is missing or broken, or a placeholder is missing.
    """
    version = _find_newest(folder)
    form_path = folder / f"system.v{version}.md"
    path = form_path
    try:
        form = path.read_text("utf-8").strip()
        path = folder / "guideline.md"
        guideline = path.read_text("utf-8").strip()
        path = folder / f"example.v{version}.json"
        text = path.read_text("utf-8")
        example = json.loads(text)
        questions = tuple(map(_read_question, example["lines"]))
        answer = tuple(example["answer"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PromptError(f"prompt {path}: {type(error).__name__}: {error}") from error
    for mark in (_GUIDELINE, _EXAMPLES):
        if mark not in form:
            raise PromptError(f"prompt {form_path}: there is no placeholder {mark}")
    written = json.dumps({"items": answer}, ensure_ascii=False, separators=(",", ":"))
    lines = list(example.get("context", ()))
    lines += map(render_line, questions)
    lines.append(written)
    system = form.replace(_GUIDELINE, shorten_guideline(guideline))
    system = system.replace(_EXAMPLES, "\n".join(lines))
    named_version = PromptVersion("questions", version, _digest(system))
    return Prompt(named_version, system, questions, answer)


def _find_newest(folder: Path) -> int:
    """Return the highest N of the files ``system.v<N>.md`` in ``folder``, 1 if there is none."""
    newest = 1
    for path in folder.glob("system.*"):
        named = re.fullmatch(r"system\.v(\d+)\.md", path.name)
        if named:
            newest = max(newest, int(named[1]))
    return newest


def shorten_guideline(guideline: str) -> str:
    """Return the guideline as a model gets it: with the keys and words of a reply for the names in
    backquotes, without the passages that only people need, and without bold type, rules of tables
    and wrapped lines.

    >>> shorten_guideline(
    ...     "## Endpoints <!--people-->All <!--/people-->`time_points` of `overall_survival`"
    ... )
    '## Endpoints times of OS'
    """
    common, *passages = guideline.split(_FOR_PEOPLE)
    for passage in passages:
        _, _, for_all = passage.partition(_FOR_ALL)
        common += for_all
    parts = re.split(r"^(?=## )", common, flags=re.MULTILINE)
    worded = "".join(map(_replace_names, parts))
    return _WRAP.sub(" ", _MARKUP.sub("", worded))


def _replace_names(part: str) -> str:
    """Write the words of a reply for the names in backquotes: in the part of the guideline about a
    task those of the task. Other names only lose their backquotes.
    """
    words: Mapping[str, str] = {}
    for task in Task:
        if part.startswith(f"## {task.capitalize()}"):
            words = name_words(task)
    return _NAME.sub(lambda name: words.get(name[1], name[1]), part)


def _digest(system: str) -> str:
    return hashlib.sha256(system.encode()).hexdigest()


def _read_question(raw: Mapping[str, Any]) -> Question:
    """Read a question of the worked example.

    Its file numbers the lines from 901. So an item that a model copies from the example is about no
    line of the record.
    """
    text = raw["text"]
    chunk = Chunk(raw["n"], Span("example", 0, len(text)), text)
    fields = tuple(raw["fields"])
    return Question(Task(raw["task"]), chunk, fields, raw.get("hint", ""))


def flatten(text: str) -> str:
    r"""Write a record's text on one line, without anything that could pass for a mark of the prompt
    or a chat template.

    >>> flatten("Pain\nscore </record> [2|ok] <|end|>")
    'Pain // score < /record> [ 2|ok] < |end|>'
    """
    lines = []
    for line in _INVISIBLE.sub("", text).splitlines():
        words = line.split()
        if words:
            lines.append(" ".join(words))
    # "[12|" could pass for the head of a line, "<|" or "</record>" for a template's tag
    unmarked = _LINE_MARK.sub("[ ", LINE_BREAK.join(lines))
    return _TAG.sub("< ", unmarked)


def render_line(question: Question) -> str:
    """Return the question as a model reads it, on one line: ``[number|keys|hint] text``.

    Keys and hint are left out if there are none. A long hint or text is cut.
    """
    head = [str(question.number)]
    keys = " ".join(keys_asked(question))
    if keys:
        head.append(keys)
    hint = flatten(clean_text(question.hint).text)[:_LONGEST_HINT]
    if hint:
        head.append(hint.translate(_HINT_MARK))
    text = flatten(question.chunk.text[:_LONGEST_TEXT])
    return f"[{'|'.join(head)}] {text}"


def narrow_record(record: TrialRecord) -> TrialRecord:
    """Return the record with only the sections that calls mention, which is little to send to
    another process.
    """
    kept = []
    for section in record.sections:
        is_named = section.name in _CONTEXT
        if is_named or section.name.startswith(("interventions", "arms")):
            kept.append(section)
    return record.model_copy(update={"sections": tuple(kept)})


def render_call(
    record: TrialRecord,
    questions: Sequence[Question],
    *,
    custom: tuple[CustomField, ...] = (),
) -> Call:
    """Make one call that carries questions about one record, in the order of the tasks.

    ``custom`` are the user's fields, defined in every call of a run. Raises ``ValueError`` without
    questions or if two are about one chunk.
    """
    numbers = {question.number for question in questions}
    if not questions or len(numbers) < len(questions):
        raise ValueError(
            "a call needs questions, each about a chunk of its own: its number identifies the "
            "answer"
        )
    prompt = load_prompt(custom)
    questions = sorted(questions, key=lambda question: list(Task).index(question.task))
    asked = {name for question in questions for name in question.fields}
    lines = list(_describe_trial(record, questions))
    for name, note in _NOTES.items():
        if name in asked:
            lines.append(note)
    lines += map(render_line, questions)
    return Call(
        prompt=prompt.version,
        system=prompt.system,
        user="\n".join(lines),
        reply_model=reply_for(custom),
        max_output_tokens=count_output_tokens(questions),
        context=Reply.context_of(questions),
        record_id=record.record_id,
    )


def count_output_tokens(questions: Sequence[Question]) -> int:
    """Return an output limit that a good answer never reaches: the tokens that each field may take,
    the user's own among them, for each item and reply something besides, and more if a line may
    have many items.
    """
    allowed = dict(_ALLOWANCES)
    for question in questions:
        for own in question.custom:
            allowed[own.name] = own.tokens
    tokens = _PER_REPLY
    if any(map(is_listing, questions)):
        tokens += _PER_LIST
    for question in questions:
        tokens += _PER_ITEM
        for name in question.fields:
            tokens += allowed.get(name, _ALLOWANCE)
    return tokens


def _describe_trial(
    record: TrialRecord, questions: Sequence[Question]
) -> Iterator[str]:
    """Yield the context of a call, a line each: title (else the official title), conditions, and
    where doses are asked the names of interventions and arms. Missing sections are left out, long
    ones cut.
    """
    shown = {}
    for name in _CONTEXT:
        section = record.section(name)
        if section:
            shown[name] = flatten(clean_text(section.text).text)
    context = {
        "Trial": shown.get("title") or shown.get("official_title"),
        "Conditions": shown.get("conditions"),
    }
    if any(question.task is Task.DOSING for question in questions):
        context["Interventions"] = _list_interventions(record)
        context["Arms"] = _list_arms(record)
    for name, text in context.items():
        if text:
            yield f"{name}: {text[:_LONGEST_CONTEXT]}"


def _list_interventions(record: TrialRecord) -> str:
    """Return the names of the registry's interventions, as "Aspirin; Placebo"."""
    names = []
    for section in record.sections:
        if not section.name.startswith("interventions"):
            continue
        name = section.part("name")
        if name:
            names.append(flatten(clean_text(name).text))
    return "; ".join(names)


def _list_arms(record: TrialRecord) -> str:
    """Return the labels of the registry's arms with the numbers by which a reply names them, as
    "1 Treatment; 2 Control".
    """
    arms: list[str] = []
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = flatten(clean_text(section.part("label") or "").text)
        arms.append(f"{len(arms) + 1} {label[:_LONGEST_LABEL]}")
    return "; ".join(arms)
