"""How much of a clause to quote for a dose: the shortest text that carries it.

A quote reaches from the dose, with the words that open it ("a single", "intravenous injection of"), to the last mark of
its giving. It begins with the agent's name where that stands in the middle of a sentence directly before the dose, and
where there is no amount.
"""

from itertools import pairwise

from extractor.text.book import rule
from extractor.text.lexer import Tokens

from .facts import FIELDS, Statement
from .linking import is_between
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
    start, end = find_anchor(statement)
    end = _extend_end(statement, end)
    start = _extend_start(statement, start)
    return _close_brackets(statement.clause.text, start, end)


def find_anchor(statement: Statement) -> tuple[int, int]:
    """What the quote has to hold: the doses that follow each other closely, else the first mark of the statement."""
    facts = [mark for _, mark in _list_facts(statement)]
    amounts = sorted(_inside([fact.mark for fact in statement.amounts if fact.section == statement.section], statement))
    if not amounts:
        behind = [mark for mark in facts if statement.mention and mark.start >= statement.mention.end]
        own = sorted(_inside(behind, statement)) or sorted(_inside(facts, statement))
        return own[0] if own else (statement.start, statement.end)
    start, end = amounts[0]
    for (_, last), (first, following) in pairwise(amounts):
        parted = any(last <= mark.start < first for name, mark in _list_facts(statement) if name in _PARTS)
        if first - last > _LIST_GAP or parted or "\n" in statement.clause.text[last:first]:
            break
        end = following
    return start, end


_PARTS = ("frequency", "length")
"""What stands between two doses that are no list."""


def _inside(marks: list[Mark[object]], statement: Statement) -> list[tuple[int, int]]:
    return [(m.start, m.end) for m in marks if statement.start <= m.start and m.end <= statement.end]


def _list_facts(statement: Statement) -> list[tuple[str, Mark[object]]]:
    """What the statement says in its own section, doses apart; not what a dose shares with the agents behind it.

    A placebo beside the agent is no other agent: "5 mg of Examplumab or placebo once a day".
    """
    facts = ((name, getattr(statement, name)) for name in FIELDS)
    border, clause = statement.reach[1], statement.clause
    alone = all(m.value.kind == "placebo" or m.start < border for m in clause.named)
    return [
        (name, fact.mark)
        for name, fact in facts
        if fact
        and fact.section == statement.section
        and (alone or not statement.amounts or not border <= fact.mark.start < clause.end)
    ]


def _extend_end(statement: Statement, end: int) -> int:
    clause = statement.clause
    end = _extend_tail(statement, end)
    for name, mark in sorted(_list_facts(statement), key=lambda fact: fact[1].start):
        later = mark.start >= clause.end
        gap = mark.start - end
        if mark.end <= end or gap > (_LIST_GAP if later else _GAP) or (later and name not in _LATER):
            continue
        if clause.text.count("\n", end, mark.start) > 1:
            continue  # from an arm's label, over its type, into its description
        end = _extend_tail(statement, mark.end)
    return end


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
        return start if statement.amounts else _include_verb(tokens, start)
    first = tokens.at(mention.start)
    if statement.amounts:
        opened = _open(statement, mention.start)
        if start - mention.end >= 3:
            return start
        begins_line = first == 0 or tokens.codes[first - 1] == "\n"
        return opened if opened < mention.start else start if begins_line else mention.start
    if is_between("name_to_giving", clause, mention.end, start):
        return _open(statement, mention.start)
    return _include_verb(tokens, start)


def _include_verb(tokens: Tokens, start: int) -> int:
    place = tokens.before(start)
    given = rule("given").ends(tokens, place, max(0, place - 2))
    return given.span[0] if given else start


def _open(statement: Statement, start: int) -> int:
    """The start with the words that open a dose, and marks of its route and frequency before it."""
    tokens, clause = statement.clause.tokens, statement.clause
    opens = {mark.end: mark.start for mark in (*clause.marks.route, *clause.marks.frequency) if mark.end <= start}
    first = tokens.at(clause.start)
    while True:
        place = tokens.before(start)
        joint = place - ((place > first and tokens.codes[place - 1] == ",") or tokens.read(place - 1, place) == "or")
        before = tokens.ends[joint - 1] if joint > first else -1
        found = rule("dose_opening").ends(tokens, place, max(first, place - 8))
        if opens.get(before, start) < start:
            start = opens[before]
        elif found and found.end > found.first and found.span[0] < start:
            start = found.span[0]
        else:
            article = place > first and rule("dose_article").covers(tokens, place - 1, place)
            return tokens.starts[place - 1] if article and not statement.amounts else start


def _close_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """The quote with the brackets that it opens or closes, where those stand near."""
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    if opened > closed and (close := text.find(")", end, end + _BRACKET)) >= 0:
        return start, close + 1
    return (start - 1, end) if closed > opened and text[start - 1 : start] == "(" else (start, end)


_BRACKET = 25
"""How many characters behind a quote the bracket that it opens may close."""
