"""How much of a clause to quote for a dose: the shortest text that carries it.

A quote reaches from the dose, with the words that open it ("a single", "intravenous injection of"), to the last mark of
its giving. It begins with the agent's name where that stands in the middle of a sentence directly before the dose, and
where there is no amount.
"""

from itertools import pairwise

from extractor.text.book import rule
from extractor.text.lexer import Tokens

from .facts import FIELDS, Statement
from .marks import Mark

__all__ = ["choose_quote", "find_anchor"]

_LIST_GAP = 60
"""How many characters may stand between the doses of one list, or before what the next sentence says of a dose."""
_GAP = 120
"""How many characters may stand between a dose and what the same clause says of its giving."""
_LATER = ("route", "frequency", "days")
"""What the next sentence says that belongs to the quote; cycles and lengths are mostly those of the whole trial."""


def choose_quote(statement: Statement) -> tuple[int, int]:
    """Start and end of the quote in the section's cleaned text."""
    tokens, (start, end) = statement.clause.tokens, find_anchor(statement)
    end = _extend_end(statement, end)
    start = _extend_start(statement, start)
    return _close_brackets(tokens.text, start, end)


def find_anchor(statement: Statement) -> tuple[int, int]:
    """What the quote has to hold: the doses that follow each other closely, else the first mark of the statement."""
    amounts = sorted(_inside([fact.mark for fact in statement.amounts if fact.section == statement.section], statement))
    own = amounts or sorted(_inside([mark for _, mark in _list_facts(statement)], statement))
    if not own:
        return statement.start, statement.end
    start, end = own[0]
    for (_, last), (first, following) in pairwise(amounts):
        if first - last > _LIST_GAP or "\n" in statement.clause.text[last:first]:
            break
        end = following
    return start, end


def _inside(marks: list[Mark[object]], statement: Statement) -> list[tuple[int, int]]:
    return [(m.start, m.end) for m in marks if statement.start <= m.start and m.end <= statement.end]


def _list_facts(statement: Statement) -> list[tuple[str, Mark[object]]]:
    """What the statement says in its own section, doses apart; not what a dose shares with the agents behind it."""
    facts = ((name, getattr(statement, name)) for name in FIELDS)
    border, end = statement.reach[1], statement.clause.end
    return [
        (name, fact.mark)
        for name, fact in facts
        if fact and fact.section == statement.section and not (statement.amounts and border <= fact.mark.start < end)
    ]


def _extend_end(statement: Statement, end: int) -> int:
    tokens, clause = statement.clause.tokens, statement.clause
    end = _extend_tail(statement, end)
    for name, mark in sorted(_list_facts(statement), key=lambda fact: fact[1].start):
        later = mark.start >= clause.end
        gap = mark.start - end
        if mark.end <= end or gap > (_LIST_GAP if later else _GAP) or (later and name not in _LATER):
            continue
        if gap > 0 and any(end <= m.start < mark.start and m is not statement.mention for m in clause.named):
            continue
        end = _extend_tail(statement, mark.end)
    return end if end < len(tokens.text) else len(tokens.text)


def _extend_tail(statement: Statement, end: int) -> int:
    """The end with the agent's name behind a dose ("5 mg of Examplumab") and what says how one giving is done."""
    tokens, mention = statement.clause.tokens, statement.mention
    while True:
        place = tokens.before(end)
        if mention and end <= mention.start and tokens.read(place, tokens.before(mention.start)).lower() in {"", "of"}:
            end = mention.end
        elif (found := rule("dose_tail").starts(tokens, place)) and found.span[1] > end:
            end = found.span[1]
        else:
            return end


def _extend_start(statement: Statement, start: int) -> int:
    tokens, mention, clause = statement.clause.tokens, statement.mention, statement.clause
    start = _open(statement, start)
    if mention is None or not clause.start <= mention.start < start:
        return start
    first, last = tokens.at(mention.start), tokens.before(start)
    between = rule("name_to_giving").covers(tokens, tokens.before(mention.end), last)
    if statement.amounts:
        begins_line = first == 0 or tokens.codes[first - 1] == "\n"
        adjacent = start - mention.end < 3
        opened = _open(statement, mention.start)
        if adjacent and opened < mention.start:
            return opened
        return mention.start if adjacent and not begins_line else start
    if between:
        return _open(statement, mention.start)
    given = rule("given").ends(tokens, last, max(0, last - 3))
    return given.span[0] if given else start


def _open(statement: Statement, start: int) -> int:
    """The start with the words that open a dose, and marks of its giving next to it."""
    tokens, clause = statement.clause.tokens, statement.clause
    own = {mark.end: mark.start for _, mark in _list_facts(statement) if clause.start <= mark.start}
    while True:
        place = tokens.before(start)
        before = tokens.ends[place - 1] if place else 0
        if place and tokens.codes[place - 1] == ",":
            before = tokens.ends[place - 2] if place > 1 else 0
        if before in own and own[before] < start:
            start = own[before]
        elif (
            (found := rule("dose_opening").ends(tokens, place, max(tokens.at(clause.start), place - 8)))
            and found.span[0] < start
            and found.end > found.first
        ):
            start = found.span[0]
        else:
            return start


def _close_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """Brackets that are opened in the quote are closed in it, if the next sign does so."""
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    if opened > closed and text[end : end + 1] == ")":
        return start, end + 1
    return start, end
