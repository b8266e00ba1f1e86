"""Where the quote of a dose may begin, each place with the features that tell whether annotators begin there."""

import re
from collections.abc import Iterator

from .facts import Statement
from .marks import Mark
from .quote_context import Candidate, bucket, find_anchor, first_word, last_word, list_facts, list_marks, name_edge

__all__ = ["describe_starts"]

_WORD = re.compile(r"\S+")
_DOSE_OF = re.compile(
    r"(?:an?\s|the\s)?(\w+)?\s?(?:dos(?:e|age)s?|dose levels?)\s(?:of|is|will be|was)\s", re.IGNORECASE
)
_VERB = re.compile(r"\b(?:is|are|was|were|be|been|administered|given|taken|injected|infused|received)\b", re.IGNORECASE)
_OPENERS = "([\"'*•"
_SENTENCE_END = re.compile(r"\n|\.\s")
_BEFORE = 240
"""How many characters before the dose a quote may begin."""


def describe_starts(statement: Statement) -> list[Candidate]:
    """Where the quote may begin, nearest to the dose first."""
    clause, (anchor, _) = statement.clause, find_anchor(statement)
    text, mention = clause.text, statement.mention
    first = max(clause.start, anchor - _BEFORE)
    marks = [(name, mark) for name, mark in list_marks(statement) if mark.start < anchor]
    places = [m.start() + _opening(m[0]) for m in _WORD.finditer(text, first, anchor)] + [anchor]
    if mention and first <= mention.start < anchor:
        places.append(mention.start)
    candidates = []
    for words, place in enumerate(sorted(set(places), reverse=True)):
        if any(mark.start < place < mark.end for _, mark in marks):
            continue
        features = [f"s:words {bucket(words)}", f"s:from {last_word(text, first, place)}", *name_edge("s", text, place)]
        features.append(f"s:at {first_word(text, place, clause.end)}")
        features += [f"s:leaves {name}" for name in dict.fromkeys(name for name, mark in marks if mark.end <= place)]
        features += [f"s:at mark {name}" for name, mark in marks if mark.start == place]
        features += _relate(place, anchor, statement)
        if any(place <= other.start < anchor and other is not mention for other in clause.named):
            features.append("s:other agent inside")
        candidates.append((place, features))
    return [*candidates, *_describe_earlier(statement, {place for place, _ in candidates})]


def _describe_earlier(statement: Statement, known: set[int]) -> list[Candidate]:
    """Starts in the clause before, which states the route or the times of the dose."""
    text, border = statement.clause.text, statement.clause.start
    found: dict[int, list[str]] = {}
    for name, mark in list_facts(statement):
        if not border - _BEFORE <= mark.start < border or "\n\n" in text[mark.start : border]:
            continue
        for place, kind in _earlier_places(statement, mark):
            if place not in known and place >= border - _BEFORE:
                word = first_word(text, place, statement.clause.end)
                edge = name_edge("s", text, place)
                found[place] = ["s:before clause", f"s:before clause {name}", f"s:at {word}", *edge, f"s:at {kind}"]
    return list(found.items())


def _earlier_places(statement: Statement, mark: Mark[object]) -> Iterator[tuple[int, str]]:
    """The start of the sentence of a fact, the name in it, and the fact's own words."""
    text, mention = statement.clause.text, statement.mention
    first = max(0, statement.clause.start - _BEFORE)
    ends = [found.end() for found in _SENTENCE_END.finditer(text, first, mark.start)]
    sentence = ends[-1] if ends else first
    if ends or first == 0:
        yield sentence, "sentence"
        if mention and sentence <= mention.start < mark.start:
            yield mention.start, "sentence"
    yield mark.start, "fact"


def _relate(place: int, anchor: int, statement: Statement) -> Iterator[str]:
    """How a start stands to the clause and to the agent's name."""
    mention, kind = statement.mention, "own" if statement.agent.section == statement.section else "other"
    text = statement.clause.text
    gap = _name_gap(text[mention.end : anchor]) if mention else "none"
    if dose := _DOSE_OF.fullmatch(text, place, anchor):
        yield f"s:dose {(dose[1] or '-').lower()}"
    if place == statement.clause.start:
        yield "s:clause start"
        yield f"s:clause start {kind}"
    if place == statement.reach[0]:
        yield "s:reach start"
    if mention is None or mention.start > statement.end:
        yield "s:no name"
    elif place == mention.start:
        yield "s:at name"
        yield f"s:at name {kind}"
        yield f"s:at name {gap}"
    elif place > mention.start:
        close = "close" if place - mention.end < 4 else "far"
        yield f"s:name left out {close}"
        yield f"s:name left out {close} {kind}"
        yield f"s:name left out {gap}"
        if place < mention.end:
            yield "s:inside name"
    elif place < mention.start:
        yield "s:before name"


def _name_gap(between: str) -> str:
    """What stands between the agent's name and the dose."""
    bare = between.strip()
    if not bare or len(bare) == 1:
        return bare if not bare.isalnum() else "word"
    return "verb" if _VERB.search(between) else "bracket" if bare[0] == "(" else "words"


def _opening(word: str) -> int:
    return len(word) - len(word.lstrip(_OPENERS))
