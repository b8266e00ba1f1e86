"""Where the quote of a dose may end, given where it begins, each place with the features that tell."""

import re
from collections.abc import Iterable, Iterator, Sequence

from .facts import Statement
from .marks import Mark
from .quote_context import Candidate, bucket, find_anchor, first_word, last_word, list_facts, list_marks, name_edge

__all__ = ["describe_ends", "fit_ends"]

_WORD = re.compile(r"\S+")
_CLOSERS = " \t\n.,;:"
_SENTENCE = re.compile(r"[.;](?=\s|$)|\n|$")
_BRACKET = re.compile(r"(?<=\w)\)(?=[\s.,;:]|$)")
_BEYOND = 320
"""How many characters behind the dose a quote may end."""
_WHOLE = ("e:clause end", "e:beyond clause", "e:own end", "e:after own end")
"""Features that weigh otherwise in a quote that begins with the agent's name."""


def describe_ends(statement: Statement) -> list[Candidate]:
    """Where the quote may end, wherever it begins."""
    text, (_, anchor) = statement.clause.text, find_anchor(statement)
    marks = [(name, mark) for name, mark in list_marks(statement) if mark.end > anchor]
    candidates = []
    for words, place in enumerate(_list_places(statement, anchor)):
        if any(mark.start < place < mark.end for _, mark in marks):
            continue
        features = [f"e:words {bucket(words)}", f"e:with {last_word(text, anchor - 20, place)}"]
        features += [f"e:leaves {name}" for name in dict.fromkeys(name for name, mark in marks if mark.start >= place)]
        features += [f"e:at mark {name}" for name, mark in marks if mark.end == place]
        features += _relate(statement, anchor, place)
        candidates.append((place, features))
    facts = list_facts(statement)
    known = {place for place, _ in candidates}
    candidates += _describe_later(statement, [fact for fact in facts if fact[1].end not in known])
    behind = [(name, mark) for name, mark in facts if mark.end >= anchor]
    last = max((mark.end for name, mark in behind if _is_near(name, mark, statement)), default=anchor)
    return [(place, [*features, *_compare(behind, (anchor, last), place)]) for place, features in candidates]


def _is_near(name: str, mark: Mark[object], statement: Statement) -> bool:
    return mark.start < statement.clause.end and not name.startswith("shared")


def _compare(facts: Sequence[tuple[str, Mark[object]]], span: tuple[int, int], place: int) -> Iterator[str]:
    """Which of the facts behind the dose the quote holds; ``span`` is from the dose to the last of the clause."""
    anchor, last = span
    yield from (
        f"e:own {'lacks' if mark.end > place else 'has'} {name}" for name, mark in facts if mark.start >= anchor
    )
    if place >= last:
        yield "e:own end" if place == last else "e:after own end"


def fit_ends(statement: Statement, candidates: Iterable[Candidate], start: int) -> list[Candidate]:
    """The ends with what tells whether they fit a quote that begins at ``start``."""
    text, mention = statement.clause.text, statement.mention
    named = "name" if mention and start == mention.start else "noname"
    return [
        (
            place,
            [*features, *(f"{one} {named}" for one in _WHOLE if one in features), *_match_brackets(text, start, place)],
        )
        for place, features in candidates
    ]


def _match_brackets(text: str, start: int, end: int) -> Iterator[str]:
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    if opened != closed:
        yield "e:unclosed" if opened > closed else "e:unopened"
    if start and text[start - 1] == "(":
        yield f"e:start in bracket {'closes' if text[end : end + 1] == ')' else 'no'}"


def _list_places(statement: Statement, anchor: int) -> list[int]:
    """The ends of words within the clause, with and without a closing bracket, and of the two sentences behind it."""
    text, last = statement.clause.text, min(statement.clause.end, anchor + _BEYOND)
    places = [anchor, *(m.end() - _closing(m[0]) for m in _WORD.finditer(text, anchor, last))]
    places += [m.start() for m in _BRACKET.finditer(text, anchor, last)]
    places += [found.start() for found in _SENTENCE.finditer(text, last, min(len(text), last + _BEYOND))][:2]
    return sorted({place for place in places if place >= anchor})


def _relate(statement: Statement, anchor: int, place: int) -> Iterator[str]:
    """How an end stands to the clause, to what is said in it, and to the names of agents."""
    clause, mention = statement.clause, statement.mention
    text = clause.text
    yield f"e:to {first_word(text, place, place + 30)}"
    yield from name_edge("e", text, place)
    if place == clause.end or not text[place : clause.end].strip(_CLOSERS):
        yield "e:clause end"
    if place > clause.end:
        yield "e:beyond clause"
    if place > statement.reach[1]:
        yield "e:beyond reach"
    elif not text[place : statement.reach[1]].strip(_CLOSERS):
        yield "e:reach end"
    if any(anchor <= other.start < place and other is not mention for other in clause.named):
        yield "e:other agent inside"
    if mention and mention.start >= anchor:
        yield "e:name inside" if mention.end <= place else "e:name left out"


def _describe_later(statement: Statement, facts: Iterable[tuple[str, Mark[object]]]) -> list[Candidate]:
    """Ends in the next sentence, with what it says of the dose: "Courses repeat every 28 days"."""
    text, border = statement.clause.text, statement.clause.end
    return [
        (
            mark.end,
            [
                "e:beyond clause",
                f"e:beyond clause {name}",
                f"e:to {first_word(text, mark.end, mark.end + 30)}",
                *name_edge("e", text, mark.end),
            ],
        )
        for name, mark in facts
        if border < mark.end <= border + _BEYOND
    ]


def _closing(word: str) -> int:
    return len(word) - len(word.rstrip(_CLOSERS))
