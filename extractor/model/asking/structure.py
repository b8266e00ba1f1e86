"""The question about the structure of an eligibility section, and its answer.

It is asked before all others, because its answer decides their lines. The text is shown once, with
a number at each place where an item might begin; the answer names the numbers where one does.
"""

import re
from functools import cache
from itertools import pairwise
from typing import Literal

from pydantic import StrictBool

from extractor.concepts.criteria.structure import (
    AnsweredLine,
    has_structure_doubt,
    list_places,
)
from extractor.evidence.drafts import Chunk, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.prompt import flatten, make_prompt
from extractor.model.asking.questions import Question, Replies, is_lacking
from extractor.model.calls import PROMPTS, Call, Prompt, ReplyItem, ReplyModel
from extractor.options import ExtractionOptions
from extractor.schemas import CriterionKind, Task

_VERSION = 1
_SECTION = "eligibility"
_FIELD = "structure"
_MOST_PLACES = 500
"""Maximum number of places in a question, so that current models can write the whole answer."""
_PER_LINE = 16
_PER_REPLY = 250
"""Output tokens for a line of the answer with all its keys, and in addition to all lines."""
_BRACKET = re.compile(r"\[(?=\d+\])")
"""A bracket in the text that could be mistaken for the number of a place."""
_KINDS = {"in": CriterionKind.INCLUSION, "ex": CriterionKind.EXCLUSION}


class Line(ReplyItem, frozen=True):
    """A line of the answer, as ``AnsweredLine`` describes it."""

    list: Literal["in", "ex"] | None = None
    under: int | None = None
    ok: StrictBool = True


class StructureReply(ReplyModel, frozen=True):
    """A model's answer about the structure of a text."""

    # this docstring is sent to providers as the description of the tool

    schema_file = "structure_schema.json"
    items: tuple[Line, ...]


@cache
def load_structure_prompt() -> Prompt:
    """Return the static system part of every question about a structure."""
    path = PROMPTS / f"{_FIELD}.v{_VERSION}.md"
    return make_prompt(_FIELD, _VERSION, path.read_text("utf-8").strip())


def plan_structure(parsed: ParsedRecord, options: ExtractionOptions) -> Question | None:
    """Return the question about the structure of a record, or None if ``options`` do not require
    it: at ``Effort.MEDIUM``, only a doubtful structure is asked about. Also return None if there is
    only one place where an item might begin, or so many that the answer would be too long.
    ``parsed`` is read by the rules alone.
    """
    section = parsed.sections.get(_SECTION)
    may_ask = options.asks and Task.ELIGIBILITY in options.tasks
    if section is None or not may_ask:
        return None
    if not has_structure_doubt(parsed, options.effort):
        return None
    places = list_places(section)
    if not 1 < len(places) <= _MOST_PLACES:
        return None
    span = Span(_SECTION, 0, len(section.raw))
    chunk = Chunk(0, span, section.tokens.text)
    return Question(Task.ELIGIBILITY, chunk, (_FIELD,), places=places)


def render_structure(record_id: str, question: Question) -> Call:
    """Return the call for a question about a structure."""
    return Call(
        prompt=load_structure_prompt(),
        user=show_places(question.chunk.text, question.places),
        reply_model=StructureReply,
        max_output_tokens=_PER_REPLY + _PER_LINE * len(question.places),
        record_id=record_id,
    )


def show_places(text: str, places: tuple[int, ...]) -> str:
    r"""Return a text with the number of each place before it, without empty lines.

    >>> show_places("Inclusion: \n\n * Age [2]", (0, 14))
    '[1] Inclusion:\n [2] * Age [ 2]'
    """
    shown: list[str] = []
    edges = (0, *places, len(text))
    for number, (start, end) in enumerate(pairwise(edges)):
        part = _BRACKET.sub("[ ", text[start:end])
        # the text above the first place has no number
        if number:
            part = f"[{number}] {part}"
        shown.append(part)
    lines = []
    for line in "".join(shown).splitlines():
        words = flatten(line)
        if words:
            indent = line[: len(line) - len(line.lstrip(" "))]
            lines.append(indent + words)
    return "\n".join(lines)


def read_structure(replies: Replies) -> tuple[AnsweredLine, ...]:
    """Return the lines of the answer to the question about a structure; empty if there is no whole
    answer.
    """
    if is_lacking(replies):
        return ()
    lines: list[AnsweredLine] = []
    for reply in filter(None, replies):
        for item in reply.items:
            kind = _KINDS.get(item.values.get("list", ""))
            under = item.values.get("under")
            is_item = item.values.get("ok", True)
            lines.append(AnsweredLine(item.n, kind, under, is_item))
    return tuple(lines)
