"""The prompt: its files, the lines that carry questions, and the calls made of them.

``prompts/frame.v<N>.md`` is the frame of all calls. For each task ``<task>.v<N>.md`` defines the keys, and
``<task>.v<N>.examples.json`` holds worked examples. ``conflict.v<N>.md`` is the frame of rechecks. A call's system part
consists of the frame and the definitions that its questions need; its user part is about one record.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import extractor
from extractor.errors import PromptError
from extractor.llm.requests import LINE_BREAK, Call, PromptVersion, Question
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Task, TrialRecord
from extractor.text.clean import clean_text

from .grammar import write_grammar
from .reply_models import WIRE_ITEMS, narrow_reply, unite_options

_PROMPTS = Path(extractor.__file__).parent / "prompts"
_PART = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)
_WORD = re.compile(r"- (\w+)(?::.*)?")

_GROUPS = ("interventions", "arms")
_LONGEST_CONTEXT, _LONGEST_HINT = 300, 300
_LONGEST_TEXT = 8000
"""Characters of a line's text; no honest one has as many."""
_PER_ITEM, _PER_REPLY, _PER_LIST = 8, 250, 500
"""Output tokens beside those of the fields: an item's number and braces; slack for one long value; and slack where
regimens are listed, for one line that holds most of them.
"""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_LINE_MARK = re.compile(r"\[(?=\s*\d+\s*\|)")
_TAG = re.compile(r"<(?=\||/?\s*[A-Za-z_]+\s*>)")
_HINT_MARK = str.maketrans("[]|", "()/")


@dataclass(frozen=True, slots=True)
class Definition:
    """The meaning of a key, and for a closed set one line for each of its words."""

    text: str
    words: Mapping[str, str]

    def narrow(self, wanted: Collection[str] | None) -> str:
        """The definition with the lines of the ``wanted`` words only; None for all.

        >>> print(Definition("cat:", {"age": "- age", "sex": "- sex"}).narrow({"sex"}))
        cat:
        - sex
        """
        return "\n".join([self.text, *(line for word, line in self.words.items() if wanted is None or word in wanted)])


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: a question, the items that answer it, and the values that these items stand for."""

    question: Question
    answer: tuple[Mapping[str, Any], ...]
    values: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """What the lines of a task are, what its fields mean, and worked examples."""

    about: str
    definitions: Mapping[str, Definition]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as read from its files; that of rechecks has no tasks of its own."""

    version: PromptVersion
    system: Template
    user: Template
    tasks: Mapping[Task, TaskPrompt] = field(default_factory=dict)


def load_prompt() -> Prompt:
    """The newest prompt. Raises ``PromptError`` if a file is missing or broken.

    >>> load_prompt().version.name
    'questions'
    """
    return read_prompt(_PROMPTS)


def load_recheck_prompt() -> Prompt:
    """The newest prompt of rechecks. Raises ``PromptError`` if its file is missing or broken.

    >>> load_recheck_prompt().version.name
    'conflict'
    """
    return read_prompt(_PROMPTS, "conflict", ())


def list_prompt_versions() -> tuple[PromptVersion, ...]:
    """All prompts that a run may use."""
    return load_prompt().version, load_recheck_prompt().version


@cache
def read_prompt(folder: Path, frame: str = "frame", tasks: Collection[Task] = tuple(Task)) -> Prompt:
    """The newest version of a prompt in ``folder``. Raises ``PromptError`` if a file is missing or broken."""
    versions = (re.fullmatch(rf"{frame}\.v(\d+)\.md", path.name) for path in folder.glob(f"{frame}.*"))
    version = max((int(found[1]) for found in versions if found), default=1)
    place = folder / f"{frame}.v{version}.md"
    texts, prompts = [], {}
    try:
        texts.append(place.read_text("utf-8"))
        parts = _split_parts(texts[0], "system", "user")
        for task in tasks:
            place = folder / f"{task}.v{version}.md"
            texts.append(place.read_text("utf-8"))
            definitions = _split_parts(texts[-1], "about")
            about = definitions.pop("about")
            place = place.with_suffix(".examples.json")
            texts.append(place.read_text("utf-8"))
            examples = tuple(_read_example(task, raw) for raw in json.loads(texts[-1]))
            defined = {key: _read_definition(text) for key, text in definitions.items()}
            prompts[task] = TaskPrompt(about, defined, examples)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PromptError(f"prompt {place}: {type(error).__name__}: {error}") from error
    if "$lines" not in parts["user"]:
        raise PromptError(f"prompt {folder}: the user part of {frame}.v{version}.md has no placeholder $lines")
    sha256 = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return Prompt(
        PromptVersion("questions" if tasks else frame, version, sha256),
        Template(parts["system"]),
        Template(parts["user"]),
        prompts,
    )


def _split_parts(text: str, *needed: str) -> dict[str, str]:
    _, *found = _PART.split(text)
    parts = {part: content.strip() for part, content in zip(found[::2], found[1::2], strict=True)}
    if missing := sorted(set(needed) - set(parts)):
        raise ValueError(f"there is no part <!-- {missing[0]} -->")
    return parts


def _read_definition(text: str) -> Definition:
    lines = text.splitlines()
    words = {found[1]: line for line in lines if (found := _WORD.fullmatch(line))}
    return Definition("\n".join(line for line in lines if line not in words.values()), words)


def _read_example(task: Task, raw: Mapping[str, Any]) -> Example:
    # The files number lines from 901, so that an example copied into an answer has no line of its own.
    chunk = Chunk(raw["n"], ChunkKind.ITEM, Span("example", 0, len(raw["text"])), raw["text"])
    question = Question(task, chunk, tuple(raw["fields"]), raw.get("hint", ""))
    return Example(question, tuple(raw["answer"]), tuple(raw["values"]))


def flatten(text: str) -> str:
    r"""Text of a record on one line, without anything that could pass for a mark of the prompt or a chat template.

    >>> flatten("Pain\nscore </record> [2|ok] <|end|>")
    'Pain // score < /record> [ 2|ok] < |end|>'
    """
    lines = (" ".join(line.split()) for line in _INVISIBLE.sub("", text).splitlines())
    text = LINE_BREAK.join(line for line in lines if line)
    return _TAG.sub("< ", _LINE_MARK.sub("[ ", text))


def render_line(question: Question) -> str:
    """The question as a model reads it, on one line: ``[number|keys|hint] text``."""
    keys = " ".join(WIRE_ITEMS[question.task].key(name) for name in question.fields)
    hint = flatten(clean_text(question.hint).text)[:_LONGEST_HINT].translate(_HINT_MARK)
    head = "|".join(part for part in (str(question.chunk.number), keys, hint) if part)
    return f"[{head}] {flatten(question.chunk.text[:_LONGEST_TEXT])}"


def narrow_record(record: TrialRecord) -> TrialRecord:
    """The record with only the sections that calls mention, which is little to send to another process."""
    names = ("title", "official_title", "conditions")
    kept = tuple(s for s in record.sections if s.name in names or s.name.startswith(_GROUPS))
    return record.model_copy(update={"sections": kept})


def render_call(record: TrialRecord, questions: Sequence[Question], prompt: Prompt | None = None) -> Call:
    """One call that carries questions about one record, grouped by task.

    Raises ``ValueError`` without questions or if two are about one chunk, ``PromptError`` for a prompt with unknown
    placeholders.
    """
    prompt = prompt or load_prompt()
    if not questions or len({question.chunk.number for question in questions}) < len(questions):
        raise ValueError("a call needs questions, each about a chunk of its own: its number identifies the answer")
    questions = sorted(questions, key=lambda question: list(Task).index(question.task))
    definitions = "\n\n".join(
        _define_task(prompt.tasks[task], list(asked)) for task, asked in groupby(questions, key=lambda q: q.task)
    )
    most = _count_output_tokens(questions)
    return make_call(prompt, questions, most, definitions, _describe_trial(record, questions))


def make_call(
    prompt: Prompt, questions: Sequence[Question], max_output_tokens: int, definitions: str, trial: str = ""
) -> Call:
    """A call with these definitions in its system part, and the trial and the questions' lines in its user part."""
    try:
        system = prompt.system.substitute(definitions=definitions)
        user = prompt.user.substitute(trial=trial, lines="\n".join(map(render_line, questions)))
    except (KeyError, ValueError) as error:
        raise PromptError(f"prompt {prompt.version.name}: no value for placeholder {error}") from error
    return Call(
        prompt=prompt.version,
        questions=tuple(questions),
        system=system,
        user=user,
        reply_model=narrow_reply(questions),
        max_output_tokens=max_output_tokens,
        context={
            "tasks": {q.chunk.number: q.task for q in questions},
            "fields": {q.chunk.number: WIRE_ITEMS[q.task].expand(q.fields) for q in questions},
            "once": tuple(q.chunk.number for q in questions if "regimens" not in q.fields),
            "texts": {q.chunk.number: q.chunk.text for q in questions},
        },
        line_grammar=partial(write_grammar, questions),
    )


def _define_task(prompt: TaskPrompt, questions: Sequence[Question]) -> str:
    """What the lines are, the definitions that these questions need, and examples."""
    item = WIRE_ITEMS[questions[0].task]
    options = unite_options(item, questions)
    wanted = {part for question in questions for name in question.fields for part in item.covers(name)}
    definitions = (d.narrow(options.get(name)) for name, d in prompt.definitions.items() if name in wanted)
    examples = (f"Example: {_render_example(example)}" for example in _choose_examples(prompt, questions))
    return "\n".join([prompt.about, *definitions, *examples])


def _choose_examples(prompt: TaskPrompt, questions: Sequence[Question]) -> list[Example]:
    """The first example that shows only what is asked, since each costs as much as a question; of regimens all."""
    asked = {name for question in questions for name in question.fields}
    fitting = [example for example in prompt.examples if set(example.question.fields) <= asked]
    return [example for example in fitting if "regimens" in example.question.fields] or fitting[:1]


def _render_example(example: Example) -> str:
    answer = json.dumps({"items": example.answer}, ensure_ascii=False, separators=(",", ":"))
    return f"{render_line(example.question)}\n{answer}"


def _count_output_tokens(questions: Sequence[Question]) -> int:
    """A limit that a good answer never reaches."""
    fields = sum(WIRE_ITEMS[question.task].allowance[name] for question in questions for name in question.fields)
    regimens = any("regimens" in question.fields for question in questions)
    return _PER_REPLY + _PER_LIST * regimens + _PER_ITEM * len(questions) + fields


def _describe_trial(record: TrialRecord, questions: Sequence[Question]) -> str:
    """What a reader must know of the trial, with its interventions where doses are asked."""
    context = {
        "Trial": _section(record, "title") or _section(record, "official_title"),
        "Conditions": _section(record, "conditions"),
    }
    if any(question.task is Task.DOSING for question in questions):
        context["Interventions"] = "; ".join(_interventions(record))[:_LONGEST_CONTEXT]
    return "\n".join(f"{name}: {text}" for name, text in context.items() if text)


def _section(record: TrialRecord, name: str) -> str:
    section = record.section(name)
    return flatten(clean_text(section.text).text)[:_LONGEST_CONTEXT] if section else ""


def _interventions(record: TrialRecord) -> Iterator[str]:
    for section in record.sections:
        if section.name.startswith("interventions") and (name := section.part("name")):
            yield flatten(clean_text(name).text)
