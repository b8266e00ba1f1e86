"""How much of a clause to quote for a dose: where the quote begins and where it ends.

Annotators quote the phrase around a dose: mostly with the agent where it stands next to the dose, without the verb
before, to the end of what is said of the giving. Both ends are chosen among the places between words by a log-linear
model, whose features are named here; ``quote_weights.toml`` says how much each counts.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp

from .facts import FIELDS, Statement
from .marks import Mark

__all__ = ["choose_quote", "describe_ends", "describe_starts", "find_anchor"]

_WORD = re.compile(r"\S+")
_TOKEN = re.compile(r"[^\W\d_]+")
_DOSE_OF = re.compile(
    r"(?:an?\s|the\s)?(\w+)?\s?(?:dos(?:e|age)s?|dose levels?)\s(?:of|is|will be|was)\s", re.IGNORECASE
)
_VERB = re.compile(r"\b(?:is|are|was|were|be|been|administered|given|taken|injected|infused|received)\b", re.IGNORECASE)
_OPENERS = "([\"'*•"
_CLOSERS = " \t\n.,;:"
_SENTENCE = re.compile(r"[.;](?=\s|$)|\n|$")
_BEFORE, _BEYOND = 240, 320
"""How many characters before and behind the dose a quote may reach."""
_LIST_GAP = 60
"""How many characters may stand between the doses of one list."""
_STEPS = (0, 1, 2, 4, 7, 12, 20)

Candidate = tuple[int, list[str]]
"""A place in the text, and the features of a quote that begins, or ends, there."""


def choose_quote(statement: Statement) -> tuple[int, int, float]:
    """Start and end of the quote in the section's cleaned text, and the probability that both are right."""
    weights = _load_weights()
    start, sure = _choose(describe_starts(statement), weights)
    end, surer = _choose(describe_ends(statement), weights)
    return start, end, sure * surer


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


def describe_starts(statement: Statement) -> list[Candidate]:
    """Where the quote may begin, nearest to the dose first."""
    clause, (anchor, _) = statement.clause, find_anchor(statement)
    text, mention = clause.text, statement.mention
    first = max(clause.start, anchor - _BEFORE)
    marks = [(name, mark) for name, mark in _list_marks(statement) if mark.start < anchor]
    places = [m.start() + _opening(m[0]) for m in _WORD.finditer(text, first, anchor)] + [anchor]
    if mention and first <= mention.start < anchor:
        places.append(mention.start)
    candidates = []
    for words, place in enumerate(sorted(set(places), reverse=True)):
        if any(mark.start < place < mark.end for _, mark in marks):
            continue
        features = [f"s:words {_bucket(words)}", f"s:from {_last_word(text, first, place)}", *_edge("s", text, place)]
        features.append(f"s:at {_first_word(text, place, clause.end)}")
        features += [f"s:leaves {name}" for name in dict.fromkeys(name for name, mark in marks if mark.end <= place)]
        features += [f"s:at mark {name}" for name, mark in marks if mark.start == place]
        features += _relate(place, anchor, statement)
        if any(place <= other.start < anchor and other is not mention for other in clause.named):
            features.append("s:other agent inside")
        candidates.append((place, features))
    return candidates


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


def describe_ends(statement: Statement) -> list[Candidate]:
    """Where the quote may end, nearest to the dose first."""
    clause, (_, anchor) = statement.clause, find_anchor(statement)
    text, last = clause.text, min(clause.end, anchor + _BEYOND)
    marks = [(name, mark) for name, mark in _list_marks(statement) if mark.end > anchor]
    places = [anchor, *(m.end() - _closing(m[0]) for m in _WORD.finditer(text, anchor, last))]
    places += [found.start() for found in _SENTENCE.finditer(text, last, min(len(text), last + _BEYOND))][:2]
    candidates = []
    for words, place in enumerate(sorted({place for place in places if place >= anchor})):
        if any(mark.start < place < mark.end for _, mark in marks):
            continue
        features = [
            f"e:words {_bucket(words)}",
            f"e:to {_first_word(text, place, place + 30)}",
            *_edge("e", text, place),
        ]
        features.append(f"e:with {_last_word(text, anchor - 20, place)}")
        features += [f"e:leaves {name}" for name in dict.fromkeys(name for name, mark in marks if mark.start >= place)]
        features += [f"e:at mark {name}" for name, mark in marks if mark.end == place]
        if place == clause.end or not text[place : clause.end].strip(_CLOSERS):
            features.append("e:clause end")
        if place > clause.end:
            features.append("e:beyond clause")
        if place > statement.reach[1]:
            features.append("e:beyond reach")
        elif not text[place : statement.reach[1]].strip(_CLOSERS):
            features.append("e:reach end")
        if any(anchor <= other.start < place and other is not statement.mention for other in clause.named):
            features.append("e:other agent inside")
        if (mention := statement.mention) and mention.start >= anchor:
            features.append("e:name inside" if mention.end <= place else "e:name left out")
        if text.count("(", anchor, place) > text.count(")", anchor, place):
            features.append("e:open bracket")
        candidates.append((place, features))
    return candidates


def _list_marks(statement: Statement) -> list[tuple[str, Mark[object]]]:
    """All marks within the statement's reach, each with what it states."""
    found = statement.clause.marks.inside(*statement.reach)
    return [(name, mark) for name in ("amounts", *FIELDS) for mark in getattr(found, name)]


def _is_within(mark: Mark[object], statement: Statement) -> bool:
    return statement.start <= mark.start and mark.end <= statement.end


def _own_marks(statement: Statement) -> list[Mark[object]]:
    facts = [getattr(statement, name) for name in FIELDS]
    return [fact.mark for fact in facts if fact and fact.section == statement.section]


def _edge(side: str, text: str, place: int) -> Iterator[str]:
    """The sign between the quote and what stands outside of it."""
    outside = text[max(0, place - 2) : place] if side == "s" else text[place : place + 1]
    bare = outside.strip(" \t")
    yield f"{side}:sign {'line' if not bare and (place == 0 or place >= len(text)) else _name_sign(bare, side)}"


def _name_sign(bare: str, side: str) -> str:
    sign = (bare[-1:] if side == "s" else bare[:1]) or " "
    return "line" if sign == "\n" else "letter" if sign.isalnum() else sign


def _first_word(text: str, start: int, end: int) -> str:
    found = _TOKEN.search(text, start, end)
    return found[0].lower() if found and not text[start : found.start()].strip() else "-"


def _last_word(text: str, start: int, end: int) -> str:
    words = _TOKEN.findall(text, max(start, end - 30), end)
    return words[-1].lower() if words and text[max(0, end - 30) : end].rstrip()[-1:].isalpha() else "-"


def _opening(word: str) -> int:
    return len(word) - len(word.lstrip(_OPENERS))


def _closing(word: str) -> int:
    return len(word) - len(word.rstrip(_CLOSERS))


def _bucket(words: int) -> int:
    return max(step for step in _STEPS if step <= words)


def _choose(candidates: Sequence[Candidate], weights: Mapping[str, float]) -> tuple[int, float]:
    scores = [_sum(features, weights) for _, features in candidates]
    best = max(range(len(scores)), key=scores.__getitem__)
    return candidates[best][0], 1 / sum(exp(score - scores[best]) for score in scores)


def _sum(features: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(feature, 0.0) for feature in features)


@cache
def _load_weights() -> dict[str, float]:
    return tomllib.loads((files(__package__) / "quote_weights.toml").read_text("utf-8"))
