"""Where summary and description promise to measure something: lists of endpoints, outcomes and objectives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractor.schemas import Concept
from extractor.text.book import find_terms

from .prose import Prose
from .wording import sentence_around

__all__ = ["PROMISED_NAMES", "Promise", "PromiseList", "find_lists", "find_promises"]


@dataclass(frozen=True, slots=True)
class PromiseList:
    """``prose.text[start:end]`` lists what will be measured.

    ``rank`` is the word before the noun in lower case, such as "primary", or empty; ``is_endpoint`` says that the text
    speaks of endpoints or outcomes, not of objectives.
    """

    prose: Prose
    start: int
    end: int
    rank: str
    is_endpoint: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """``text[start:end]`` names an endpoint in a list; what is said of it ends at ``clause_end`` at the latest."""

    concept: Concept
    listed: PromiseList
    start: int
    end: int
    clause_end: int

    @property
    def section(self) -> str:
        return self.listed.prose.section

    @property
    def text(self) -> str:
        return self.listed.prose.text

    @property
    def words(self) -> str:
        return self.text[self.start : self.end]


PROMISED_NAMES = "promised_endpoints"
"""The vocabulary of their names."""
_NOUN = re.compile(r"end[\s-]?point|outcome|objective", re.IGNORECASE)
_TRIGGER = re.compile(
    r"\b(?P<noun>end[\s-]?point|outcome|objective)s?(?:\s+(?:measures?|variables?|parameters?))?"
    r"(?:\s+(?:of|for|in)\s+(?:the|this|our)\s+(?:[\w-]+\s+){0,3}?(?:study|trial|phase|part))?\s*"
    r"(?:(?:will\s+be|is|are|was|were)\b(?:\s+as\s+follows)?|(?:will\s+)?includ(?:es?|ed|ing)\b|consists?\s+of\b"
    r"|such\s+as\b|:)[^\S\n]*:?",
    re.IGNORECASE,
)
_REVERSED = re.compile(
    r"\b(?:is|are|was|were|be|as)\s+(?:the\s+|an?\s+|also\s+|our\s+)*(?P<rank>primary|secondary|co-?primary)\s+"
    r"(?:[\w-]+\s+)?$",
    re.IGNORECASE,
)
"""Behind what is promised: "survival and relapse are secondary endpoints"."""
_BEFORE_NOUN = 50
_RANK = re.compile(
    r"\b(?P<rank>primary|secondary|co-?primary|principal|main|key|clinical|efficacy|safety|exploratory|tertiary|correlative"
    r"|translational|surrogate)\b[\w\s/,()-]{0,30}$",
    re.IGNORECASE,
)
_UNBINDING = {"exploratory", "tertiary", "correlative", "translational", "surrogate"}
_WEAK = {"clinical", "efficacy", "safety", "key", "main", ""}
"""Words beside "outcomes" that may speak of anything; then the text must say that they will be measured."""
_FUTURE = re.compile(r"\bwill\b|\bto be\b|:\s*$|\bthis (?:study|trial)\b", re.IGNORECASE)
_GOVERNED = re.compile(r"\b(?:of|on|for|about|by|with|to)\s+(?:the\s+|these\s+|all\s+)?$", re.IGNORECASE)
"""In front of "outcomes", where another noun is the head: "a kinetic model of outcomes: ..."."""
_LITERATURE = re.compile(
    r"\b(?:previous(?:ly)?|prior|earlier|published|et al|poor|worse|improved|literature|meta-analysis|historical(?:ly)?"
    r"|reported|patients\s+with\s+\w+\s+have)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"\.(?=\s|$)|\n\s*\n")
_BLOCK_END = re.compile(
    r"\n[ \t]*(?=[^\n.]{0,40}\b(?:outline|design|methods?|statistic\w*|rationale|background|hypothes\w+|eligibility"
    r"|inclusion|exclusion|procedures?|treatment|schedule|follow-up)\b[^\n.]{0,30}:?[ \t]*(?:\n|$))"
    r"|\n[ \t]*(?i:background|rationale|introduction|hypothes[ie]s|(?:study\s+)?(?:design|methods?))[ \t]*:"
    r"|\bPROJECTED ACCRUAL|\bOUTLINE|\b(?i:exploratory|tertiary|correlative|translational)\b",
)
_NEW_LINE = re.compile(r"[ \t]*\n")
_LONGEST = 1200
"""Characters of a list of endpoints."""
_CLAUSE = re.compile(r"[;\n]|\.\s")
_UNSAID = re.compile(
    r"\b(?:correlat|predict|associat|relat(?:ion|e to|ed to)|prognos|impact|influence|surrogate|biomarker|defined"
    r"|until|absence|no |expectation|in terms of|without|unacceptable|due to|free of|between|caus|captur|if |based on"
    r"|according to|time (?:from|to)|factors?|not )[^,;]*$",
    re.IGNORECASE,
)
"""Behind these words an endpoint is named, but not promised."""
_AIM = re.compile(
    r"\b(?:attenuat|reduc|prevent|minimi[sz]|achiev|improv|increas|decreas|avoid|maximi[sz]|ability|alleviat|treat )",
    re.IGNORECASE,
)
"""What a trial wants to reach is no promise to measure it."""
_REACH = 150
"""How far in front of a word what governs it may stand."""


def find_promises(listed: PromiseList) -> Iterator[Promise]:
    """Every endpoint that a list names.

    >>> from extractor.text.book import read_text
    >>> prose = Prose("brief_summary", read_text("Secondary endpoints are overall survival and relapse at 1 year."))
    >>> [promise.words for listed in find_lists(prose) for promise in find_promises(listed)]
    ['overall survival', 'relapse']
    """
    tokens, words = listed.prose.tokens, listed.prose.text[listed.start : listed.end]
    for term in find_terms(tokens, PROMISED_NAMES, tokens.at(listed.start), tokens.before(listed.end)):
        start, end = tokens.starts[term.first] - listed.start, tokens.ends[term.end - 1] - listed.start
        opening = _last_clause(words, start)
        if words[start:end] == "PCR" and "patholog" not in listed.prose.text.lower():
            continue  # the polymerase chain reaction; the response is written "pCR"
        if _UNSAID.search(opening) or (not listed.is_endpoint and _AIM.search(opening)):
            continue
        stop = _CLAUSE.search(words, end)
        yield Promise(
            concept=Concept(term.value),
            listed=listed,
            start=listed.start + start,
            end=listed.start + end,
            clause_end=listed.start + (stop.start() if stop else len(words)),
        )


def find_lists(prose: Prose) -> Iterator[PromiseList]:
    """The stretches of a text that say what the trial will measure, or which objectives it has.

    >>> from extractor.text.book import read_text
    >>> prose = Prose("brief_summary", read_text("Death is the primary endpoint. Earlier trials failed."))
    >>> [listed.rank for listed in find_lists(prose)]
    ['primary']
    """
    yield from _find_opened_lists(prose)
    yield from _find_closed_lists(prose)


def _find_opened_lists(prose: Prose) -> Iterator[PromiseList]:
    """Lists behind their noun: "secondary endpoints are ..."."""
    triggers = list(_TRIGGER.finditer(prose.text))
    limits = [*(trigger.start() for trigger in triggers[1:]), len(prose.text)]
    for trigger, limit in zip(triggers, limits, strict=False):
        opening = _last_clause(prose.text, trigger.start())
        found = _RANK.search(opening)
        rank = found["rank"].lower() if found else ""
        if not _binds(prose.text, trigger, opening, rank):
            continue
        stop = _BLOCK_END if _NEW_LINE.match(prose.text, trigger.end()) else _SENTENCE_END
        longest = min(limit, trigger.end() + _LONGEST)
        end = stop.search(prose.text, trigger.end(), longest)
        is_endpoint = trigger["noun"].lower() != "objective"
        yield PromiseList(prose, trigger.end(), end.start() if end else longest, rank, is_endpoint)


def _find_closed_lists(prose: Prose) -> Iterator[PromiseList]:
    """Lists in front of their noun."""
    for noun in _NOUN.finditer(prose.text):
        place = noun.start()
        trigger = _REVERSED.search(prose.text, max(0, place - _BEFORE_NOUN), place)
        if not trigger:
            continue
        start, _ = sentence_around(prose.text, *trigger.span())
        if not _LITERATURE.search(prose.text, start, trigger.start()):
            yield PromiseList(prose, start, trigger.start(), trigger["rank"].lower(), is_endpoint=True)


def _binds(text: str, trigger: re.Match[str], opening: str, rank: str) -> bool:
    """Whether the list is of what this trial will measure, and must register."""
    end = _SENTENCE_END.search(text, trigger.end(), trigger.end() + _LONGEST)
    sentence = text[trigger.start() : end.end() if end else trigger.end() + _REACH]
    if rank in _UNBINDING or _LITERATURE.search(opening) or _LITERATURE.search(sentence[:_REACH]):
        return False
    if rank not in _WEAK:
        return True
    if not rank and _GOVERNED.search(opening):
        return False
    noun = trigger["noun"].lower()
    if noun == "objective":
        return trigger[0].rstrip().endswith(":")
    return noun.startswith("end") or bool(_FUTURE.search(sentence))


def _last_clause(text: str, end: int) -> str:
    """What stands in front of ``end`` in the same clause, as far as it matters."""
    opening = text[max(0, end - _REACH) : end]
    return opening[max((stop.end() for stop in _CLAUSE.finditer(opening)), default=0) :]
