"""Find the endpoints that a text promises to measure, and compare them with the registered
outcomes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from extractor.assembly.findings import cite, warn
from extractor.assembly.items import list_outcome_sections
from extractor.evidence.drafts import span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import find_terms, read_table, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import read_time_unit
from extractor.language.passage import LexedSection
from extractor.language.patterns import RuleMatch
from extractor.schemas import (
    Concept,
    Endpoint,
    Finding,
    FindingKind,
    TimeKind,
    TimeUnit,
    TrialExtraction,
)

_NAMES = "promised_endpoints"
"""The vocabulary of endpoints that a text may promise."""
_BODIES = ("brief_summary", "detailed_description")
_UNBINDING = {"exploratory", "tertiary", "correlative", "translational", "surrogate"}
"""Ranks of endpoints that need not be registered."""
_WEAK = {"clinical", "efficacy", "safety", "key", "main", ""}
"""General words that precede "outcomes". If one of these words precedes "outcomes", the text must
also say that the outcomes will be measured.
"""
_LONGEST_LIST = 250
"""Maximum number of tokens in a list of endpoints."""
_REACH = 28
"""Maximum number of tokens to search for the start or end of a statement."""
_TIME_REACH = 5
"""Maximum number of tokens in a time that precedes an endpoint."""
_SENTENCE = ".;\n"
"""Characters that end a sentence."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Promise(NamedTuple):
    """An endpoint named by the tokens ``first:end`` of a list in a section. The
    clause about the endpoint ends before token ``clause_end``.
    """

    concept: Concept
    section: LexedSection
    first: int
    end: int
    clause_end: int


def check_promises(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield a finding for each endpoint that the summary or description promises but that is not
    registered as an outcome, followed by a finding for each endpoint that, according to the text,
    is measured at times other than those of the registered outcomes. Each endpoint has at most one
    finding of each kind.
    """
    # every promise would be unregistered
    if not extraction.endpoints:
        return
    promises: list[Promise] = []
    for name in _BODIES:
        if name in parsed.sections:
            promises += find_promises(parsed.sections[name])
    unregistered: dict[Concept, Finding] = {}
    differing: dict[Concept, Finding] = {}
    for promise in promises:
        concept = promise.concept
        if not _is_registered(extraction.endpoints, concept):
            unregistered.setdefault(concept, _report_unregistered(parsed, promise))
            continue
        finding = _compare_times(parsed, extraction, promise)
        if finding:
            differing.setdefault(concept, finding)
    yield from unregistered.values()
    yield from differing.values()


def find_promises(section: LexedSection) -> Iterator[Promise]:
    """Yield every endpoint that a list of the trial's endpoints names, except an endpoint that is
    only mentioned in passing.

    >>> from extractor.language.passage import read_section
    >>> text = read_section(
    ...     "brief_summary", "Relapse and overall survival are secondary endpoints."
    ... )
    >>> [promise.concept.value for promise in find_promises(text)]
    ['relapse_or_progression_rate', 'overall_survival']
    """
    tokens = section.tokens
    for first, end in _find_lists(tokens):
        for term in find_terms(tokens, _NAMES, first, end):
            part = max(first, _find_start(tokens, term.first, "," + _SENTENCE))
            # as in "time to relapse" and "predictors of relapse"
            if rule("names_in_passing").search(tokens, part, term.first):
                continue
            stop = _find_end(tokens, term.end, end, _SENTENCE)
            yield Promise(Concept(term.value), section, term.first, term.end, stop)


def _find_lists(tokens: Tokens) -> Iterator[Range]:
    """Yield the token ranges of lists of the trial's endpoints.

    A list runs from an opening such as "secondary endpoints are" to the end of the sentence or, if
    a line break follows the opening, to the end of the block, but not beyond another opening. A
    list may also precede a closing such as "are the secondary endpoints" in the same sentence.
    """
    for opening in rule("opens_promises").find(tokens):
        if not _is_binding(tokens, opening):
            continue
        end = min(len(tokens), opening.end + _LONGEST_LIST)
        another = rule("opens_promises").search(tokens, opening.end, end)
        end = another.first if another else end
        if tokens.codes[opening.end : opening.end + 1] == "\n":
            block_end = rule("ends_block").search(tokens, opening.end, end)
            end = block_end.first if block_end else end
        else:
            end = _find_end(tokens, opening.end, end, ".")
        yield opening.end, end
    for closing in rule("closes_promises").find(tokens):
        first = _find_start(tokens, closing.first, _SENTENCE)
        if not rule("reported_by_others").search(tokens, first, closing.first):
            yield first, closing.first


def _is_binding(tokens: Tokens, opening: RuleMatch) -> bool:
    """Return True if a list contains endpoints that this trial will measure and must register.

    A rank such as "primary" is sufficient, except that exploratory endpoints need not be
    registered. Without a rank, a colon is sufficient. Other outcomes may be patient outcomes, so
    the text must say that they will be measured; endpoints need no further evidence. Objectives are
    aims, not endpoints. Endpoints "in a previous trial" are not endpoints of this trial.
    """
    noun = opening.read("noun").lower()
    start = _find_start(tokens, opening.first, _SENTENCE)
    before = rule("rank_before").ends(tokens, opening.first, start)
    rank = ""
    if before:
        rank = before.read("rank").lower()
    end = _find_end(tokens, opening.end, opening.first + _REACH, ".")
    if noun.startswith("objective"):
        return False
    if rank in _UNBINDING:
        return False
    if rule("reported_by_others").search(tokens, start, end):
        return False
    if rank not in _WEAK:
        return True
    if tokens.words[opening.end - 1] == ":":
        return True
    if noun.startswith("outcome"):
        return rule("will_happen").search(tokens, opening.first, end) is not None
    return True


def _find_start(tokens: Tokens, at: int, punctuation: str) -> int:
    """Return the index of the token after the nearest preceding punctuation mark, looking back at
    most ``_REACH`` tokens from ``at``.
    """
    low = max(0, at - _REACH)
    while at > low and not _is_punctuation(tokens, at - 1, punctuation):
        at -= 1
    return at


def _find_end(tokens: Tokens, at: int, end: int, punctuation: str) -> int:
    """Return the index of the next punctuation mark or blank line at or after token ``at``. If
    neither is found before ``end``, return ``end``.
    """
    end = min(end, len(tokens))
    blank = tokens.codes.find("\n\n", at, end)
    end = blank if blank >= 0 else end
    for index in range(at, end):
        if _is_punctuation(tokens, index, punctuation):
            return index
    return end


def _is_punctuation(tokens: Tokens, at: int, punctuation: str) -> bool:
    """Return True if a token is one of these characters and is not a full stop inside a word, such
    as the one in "e.g".
    """
    is_inner = at + 1 < len(tokens) and tokens.joined(at + 1)
    word = tokens.words[at]
    return word in punctuation and not (word == "." and is_inner)


def _is_registered(endpoints: Iterable[Endpoint], concept: Concept) -> bool:
    """Return True if an outcome may measure a concept, according to the outcome's concept or
    words.
    """
    trace = read_table("traces")[concept]
    for endpoint in endpoints:
        text = f"{endpoint.measure} {endpoint.description}".lower()
        if endpoint.concept in trace["concepts"]:
            return True
        if re.search(trace["words"], text):
            return True
    return False


def _report_unregistered(parsed: ParsedRecord, promise: Promise) -> Finding:
    place = promise.section.whole.part(promise.first, promise.end)
    searched = list_outcome_sections(parsed)
    return warn(
        FindingKind.ENDPOINT_NOT_REGISTERED,
        "endpoints",
        f"the text names {place.text} as an endpoint, but none of the registered outcomes "
        f"measures it ({len(searched)} searched)",
        cite(parsed, span_of(place)),
        sections=searched,
    )


def _compare_times(
    parsed: ParsedRecord, extraction: TrialExtraction, promise: Promise
) -> Finding | None:
    """Return a finding if, according to the text, an endpoint is measured at times that differ
    from those of every outcome for its concept: "2-year survival", "survival at 2 years". All
    times must have the same unit. The finding cites the first outcome.
    """
    outcomes = [
        outcome
        for outcome in extraction.endpoints
        if outcome.concept is promise.concept
    ]
    if not outcomes:
        return None
    first, end = _find_times(promise)
    words = promise.section.tokens.words[first:end]
    units = {unit for unit in map(read_time_unit, words) if unit}
    times = [float(word) for word in words if word.isdecimal()]
    if not times:
        return None
    if len(units) != 1:
        return None
    if any(_may_cover(outcome, units, times) for outcome in outcomes):
        return None
    outcome = outcomes[0]
    place = promise.section.whole.part(min(first, promise.first), max(end, promise.end))
    registered = outcome.evidence_for("time_frame") or outcome.evidence_for("measure")
    registered_times = [point.value for point in outcome.time_points]
    return warn(
        FindingKind.TIME_POINTS_DIFFER,
        f"endpoints[{extraction.endpoints.index(outcome)}].time_points",
        f"the text measures {promise.concept.replace('_', ' ')} at {_name_times(units, times)}, "
        f"{name_outcome(outcome)} at {_name_times(units, registered_times)}",
        cite(parsed, span_of(place)),
        *(piece.cite() for piece in registered),
    )


def _find_times(promise: Promise) -> Range:
    """Return the token range that states the times of an endpoint: the tokens immediately before
    the endpoint or, if no time precedes it, the tokens after it, up to and including the last
    number and its unit. The range is empty if no time is found.
    """
    tokens = promise.section.tokens
    low = promise.first - _TIME_REACH
    before = rule("stated_time_before").ends(tokens, promise.first, low)
    if before:
        return before.first, before.end
    after = rule("time_after").starts(tokens, promise.end, promise.clause_end)
    first, end = (after and after.part("times")) or (0, 0)
    # in "at 9 months and 2 years, if possible", the times end with "2 years"
    numbers = [at for at in range(first, end) if tokens.words[at].isdecimal()]
    if not numbers:
        return first, first
    end = numbers[-1] + 1
    has_unit = end < len(tokens) and read_time_unit(tokens.words[end])
    return first, end + 1 if has_unit else end


def _may_cover(outcome: Endpoint, units: set[TimeUnit], times: Sequence[float]) -> bool:
    """Return True if an outcome may be measured at these times: it has no times, its times are in
    another unit, its words contain all of the numbers, or its period includes the last time.
    """
    points = [point.value for point in outcome.time_points]
    if not points:
        return True
    if {point.unit for point in outcome.time_points} != units:
        return True
    # "up to 5 years" includes 2 years
    if outcome.time_kind is not TimeKind.AT and max(points) >= max(times):
        return True
    words = f"{outcome.measure} {outcome.description} {outcome.time_frame}"
    return set(times) <= set(map(float, _NUMBER.findall(words)))


def _name_times(units: Iterable[TimeUnit], times: Iterable[float]) -> str:
    """Return times as text, preceded by their unit: "day 30, 45"."""
    return f"{next(iter(units))} {', '.join(f'{time:g}' for time in times)}"


def name_outcome(endpoint: Endpoint) -> str:
    """Return a readable name for an outcome, numbered from 1 among the outcomes of the same rank.

    >>> name_outcome(Endpoint(rank="secondary", index=2, measure="Response"))
    'secondary outcome 3'
    """
    return f"{endpoint.rank} outcome {endpoint.index + 1}"
