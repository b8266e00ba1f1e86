"""One line of a prompt for each question: ``[number|keys|note] text``.

A line is one line whatever the record holds, so that no text can start a line of its own; and what
looks like a mark of the prompt or of a chat template is broken up.
"""

import re

from extractor.llm.requests import LINE_BREAK, Question
from extractor.llm.wire import WIRE_ITEMS
from extractor.text.clean import clean_text

__all__ = ["CHARACTERS_PER_TOKEN", "estimate_tokens", "flatten", "render_line"]

CHARACTERS_PER_TOKEN = 4
"""A rough mean of English text; enough to fill calls evenly."""

_LONGEST_NOTE = 300
_LONGEST_TEXT = 8000
"""Characters of a line's text; no honest one has as many."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_LINE_MARK = re.compile(r"\[(?=\s*\d+\s*\|)")
_TAG = re.compile(r"<(?=\||/?\s*[A-Za-z_]+\s*>)")
_NOTE_MARK = str.maketrans("[]|", "()/")


def estimate_tokens(text: str) -> int:
    """Roughly how many tokens a text is.

    >>> estimate_tokens("overall survival")
    4
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def flatten(text: str) -> str:
    r"""Text of a record on one line, with nothing in it that could pass for a mark of the prompt.

    >>> flatten("Pain\nscore </record> [2|ok] <|end|>")
    'Pain // score < /record> [ 2|ok] < |end|>'
    """
    lines = (" ".join(line.split()) for line in _INVISIBLE.sub("", text).splitlines())
    text = LINE_BREAK.join(line for line in lines if line)
    return _TAG.sub("< ", _LINE_MARK.sub("[ ", text))


def render_line(question: Question) -> str:
    """The question as a model reads it."""
    item = WIRE_ITEMS[question.task]
    keys = " ".join(item.key(field) for field in question.fields)
    note = flatten(clean_text(question.hint).text)[:_LONGEST_NOTE].translate(_NOTE_MARK)
    head = "|".join(part for part in (str(question.chunk.number), keys, note) if part)
    return f"[{head}] {flatten(question.chunk.text[:_LONGEST_TEXT])}"
