"""What stands around a dose that is to be quoted: its anchor, the facts beside it, the words and signs at a place."""

import re
from collections.abc import Iterator

from .facts import FIELDS, Statement
from .marks import Mark

__all__ = ["Candidate", "bucket", "find_anchor", "first_word", "last_word", "list_facts", "list_marks", "name_edge"]

Candidate = tuple[int, list[str]]
"""A place in the text, and the features of a quote that begins, or ends, there."""

_TOKEN = re.compile(r"[^\W\d_]+")
_LIST_GAP = 60
"""How many characters may stand between the doses of one list."""
_STEPS = (0, 1, 2, 4, 7, 12, 20)


def find_anchor(statement: Statement) -> tuple[int, int]:
    """What the quote has to hold: the doses that follow each other closely, else the first mark of the statement."""
    amounts = [fact.mark for fact in statement.amounts if fact.section == statement.section]
    inside = [mark for mark in amounts or _own_marks(statement) if _is_within(mark, statement)]
    if not inside:
        return statement.start, statement.end
    first = min(inside, key=lambda mark: mark.start)
    if not amounts:
        return first.start, first.end
    following = sorted((mark for mark in amounts if mark.start >= first.end), key=lambda mark: mark.start)
    end, text = first.end, statement.clause.text
    for mark in following:
        if mark.start - end > _LIST_GAP or "\n" in text[end : mark.start]:
            break
        end = mark.end
    return first.start, end


def list_facts(statement: Statement) -> list[tuple[str, Mark[object]]]:
    """What the statement itself says in its own section, doses apart; other marks around are said of other agents.

    What a dose shares with the agents behind it in its clause is named so ("shared days").
    """
    facts = ((name, getattr(statement, name)) for name in FIELDS)
    border, end = statement.reach[1], statement.clause.end
    return [
        (f"shared {name}" if statement.amounts and border <= fact.mark.start < end else name, fact.mark)
        for name, fact in facts
        if fact and fact.section == statement.section
    ]


def list_marks(statement: Statement) -> list[tuple[str, Mark[object]]]:
    """All marks within the statement's reach, each with what it states."""
    found = statement.clause.marks.inside(*statement.reach)
    return [(name, mark) for name in ("amounts", *FIELDS) for mark in getattr(found, name)]


def _is_within(mark: Mark[object], statement: Statement) -> bool:
    return statement.start <= mark.start and mark.end <= statement.end


def _own_marks(statement: Statement) -> list[Mark[object]]:
    return [mark for _, mark in list_facts(statement)]


def name_edge(side: str, text: str, place: int) -> Iterator[str]:
    """The sign between the quote and what stands outside of it; ``side`` is "s" for its start and "e" for its end."""
    outside = text[max(0, place - 2) : place] if side == "s" else text[place : place + 1]
    bare = outside.strip(" \t")
    yield f"{side}:sign {'line' if not bare and (place == 0 or place >= len(text)) else _name_sign(bare, side)}"


def _name_sign(bare: str, side: str) -> str:
    sign = (bare[-1:] if side == "s" else bare[:1]) or " "
    return "line" if sign == "\n" else "letter" if sign.isalnum() else sign


def first_word(text: str, start: int, end: int) -> str:
    """The word with which ``text[start:end]`` begins, in lower case; "-" if it begins otherwise.

    >>> first_word("Given daily", 0, 11), first_word("5 mg", 0, 4)
    ('given', '-')
    """
    found = _TOKEN.search(text, start, end)
    return found[0].lower() if found and not text[start : found.start()].strip() else "-"


def last_word(text: str, start: int, end: int) -> str:
    """The word with which ``text[start:end]`` ends, in lower case; "-" if it ends otherwise.

    >>> last_word("given daily", 0, 11), last_word("days 1-5", 0, 8)
    ('daily', '-')
    """
    words = _TOKEN.findall(text, max(start, end - 30), end)
    return words[-1].lower() if words and text[max(0, end - 30) : end].rstrip()[-1:].isalpha() else "-"


def bucket(words: int) -> int:
    """A number of words as the largest step that it reaches."""
    return max(step for step in _STEPS if step <= words)
