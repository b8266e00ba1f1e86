"""Find the words that negate a criterion, and its exceptions: the people whom an exclusion admits,
or whom an inclusion does not admit.

An exception begins with words such as "except for", or is a separate sentence ("... are allowed").
Words that only state to whom a limit applies are a condition of the limit, not an exception.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from extractor.confidence import weigh
from extractor.evidence.parsed import drop_inner, find_touched
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens, keep
from extractor.language.passage import Passage
from extractor.schemas import (
    Criterion,
    CriterionKind,
    Evidence,
    FieldRef,
    Origin,
    Support,
)

_BEHIND = ("denied_behind", "free_behind", "absent_behind", "ruled_out_behind")
"""Rules for a negation after a name: "Fever: none", "seizure-free", "Fever is absent", "Fever has
been ruled out". Add new rules of this kind here.
"""
_BEHIND_ITS_NAME = "negated behind its name"


class Negation(NamedTuple):
    """The tokens ``first:end``, which negate a statement. ``case`` determines the confidence; its
    values are listed under ``negations`` in ``confidence/table.toml``.
    """

    first: int
    end: int
    case: str


def find_negation(tokens: Tokens, first: int, end: int) -> Negation | None:
    """Return the words that negate the statement in the tokens ``first:end``; None if it is not
    negated. Words at its beginning ("No fever") take precedence over words after a name ("Fever:
    none"); the search for the latter stops at a clause such as "unless ...".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Brain metastases: absent")
    >>> find_negation(tokens, 0, len(tokens))
    Negation(first=0, end=4, case='negated behind its name')
    """
    # "No history of stroke", "Patients must not be pregnant"
    in_front = rule("negated_statement").starts(tokens, first, end)
    if in_front:
        return Negation(in_front.first, in_front.end, "negated")
    # as in "Pregnancy: no", "Seizure-free for 2 years", "Pain is absent", "Stroke is ruled out";
    # the tokens of such a negation include the name
    for rule_name in _BEHIND:
        denial = rule(rule_name).starts(tokens, first, end)
        if denial:
            case = _BEHIND_ITS_NAME
            # "The caregiver is absent" may only say that this person is away
            if rule("someone_absent").starts(tokens, first, end):
                case = "someone is absent"
            return Negation(denial.first, denial.end, case)
    return None


def name_case_of_no_negation(tokens: Tokens, first: int, end: int) -> str:
    """Return the case of a statement that is not negated. The case is doubtful if later words
    state that something is absent, as in "Patients in whom asthma is absent".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients in whom asthma is absent")
    >>> name_case_of_no_negation(tokens, 0, len(tokens))
    'something else is absent'
    """
    if rule("denied_in_part").search(tokens, first, end):
        return "something else is absent"
    return "not negated"


FIELD = "has_exception"
_PATH = f"eligibility.criteria.{FIELD}"
"""The field whose evidence contains the words of an exception."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_UNLESS_REACH = 8
"""Maximum number of characters between a limit and an "unless" that belongs to it."""
_OPEN = frozenset("([")
_CLOSED = frozenset(")]")
_EDGES = frozenset("()[];\n")


def add_exceptions(criterion: Criterion, passage: Passage) -> Criterion:
    """Set ``has_exception`` on a criterion, and add the words of each exception to its evidence.

    ``passage`` contains the criterion, in the section to which the offsets of its evidence refer.
    Words that only state to whom a limit applies are skipped. Gold criteria do not have evidence,
    so only ``has_exception`` is set.

    >>> from extractor.language.passage import read_passage
    >>> criterion = Criterion(
    ...     kind="exclusion",
    ...     section="eligibility",
    ...     quote="Cancer other than of the skin",
    ... )
    >>> add_exceptions(criterion, read_passage(criterion.quote)).has_exception
    True
    """
    of_quote = criterion.evidence_for("quote")
    places = defaultdict[str, list[tuple[int, int]]](list)
    for piece in criterion.evidence:
        places[FieldRef(piece.field).path].append((piece.start, piece.end))
    ends = sorted(end for _, end in places["constraints"])
    conditions = drop_inner(places["constraints.condition"])
    pieces: list[Evidence] = []
    has_exception = False
    tokens = passage.cut()
    for first, end in find_exceptions(tokens, criterion.kind):
        exception = passage.part(passage.first + first, passage.first + end)
        start, stop = exception.raw_span
        words = exception.raw
        # "< 3 unless ..." states to whom the limit applies; "115 ms is acceptable if ..." admits
        is_opened = rule("exception_opening").starts(tokens, first) is not None
        # as in "platelets < 100, unless transfused": a limit ends shortly before it
        before = bisect_left(ends, start - _UNLESS_REACH)
        is_behind = before < bisect_right(ends, start) and words[:6].lower() == "unless"
        if is_opened and (is_behind or find_touched(conditions, start, stop)):
            continue
        has_exception = True
        for piece in of_quote[:1]:
            update = {
                "field": FIELD,
                "start": start,
                "end": stop,
                "quote": words,
                "origin": Origin.RULE,
                "support": Support.PARSED,
                "confidence": min(piece.confidence or 1.0, weigh(_PATH, ("stated",))),
            }
            pieces.append(piece.model_copy(update=update))
    evidence = (*criterion.evidence, *pieces)
    return criterion.model_copy(update={FIELD: has_exception, "evidence": evidence})


def find_exceptions(tokens: Tokens, kind: CriterionKind) -> list[Range]:
    """Return the exceptions in a criterion's tokens, in order and without overlaps.

    Each exception is a token range. If two exceptions overlap, the one that begins first is kept;
    if both begin at the same token, the longer one is kept.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Cancer within 5 years (except for basal cell carcinoma)")
    >>> [
    ...     tokens.read(*place)
    ...     for place in find_exceptions(tokens, CriterionKind.EXCLUSION)
    ... ]
    ['except for basal cell carcinoma']
    """
    opened = list(_find_openings(tokens))
    starts = [first for first, _ in opened]
    # "drugs, except those permitted" is not a separate sentence that permits drugs: an exception
    # begins within it
    stated = [
        (first, end)
        for first, end in _find_statements(tokens, kind)
        if bisect_right(starts, first) >= bisect_left(starts, end)
    ]
    exceptions: list[Range] = []
    for first, end in sorted([*opened, *stated], key=lambda at: (at[0], -at[1])):
        if not exceptions or first >= exceptions[-1][1]:
            exceptions.append((first, end))
    return exceptions


def _find_openings(tokens: Tokens) -> Iterator[Range]:
    """Yield the exceptions that begin with words such as "except for", up to the end of their
    brackets or clause. An opening without any words after it is skipped, and so is one within
    another exception.
    """
    end = 0
    for opening in rule("exception_opening").find(tokens):
        if opening.first < end:
            continue
        # "except the following: A; B" has several clauses
        following = tokens.words[opening.end - 1 : opening.end + 4]
        is_list = ":" in following or "following" in following
        end = _find_end(tokens, opening.end, is_list=is_list)
        if end > opening.end:
            yield opening.first, end


def _find_end(tokens: Tokens, first: int, *, is_list: bool) -> int:
    """Return the token at which an exception ends. The words that follow the opening begin at
    token ``first``. The exception ends where its bracket closes or, unless it is a list, before
    words that begin a new clause (";", ", within"); otherwise, it ends with the text.
    """
    depth = 0
    stops = _list_stops(tokens)
    for place in range(first, len(tokens)):
        word = tokens.words[place]
        if word in _OPEN:
            depth += 1
        elif word in _CLOSED:
            depth -= 1
        ends_clause = place in stops and not is_list and depth == 0
        # the bracket of "(except for basal cell carcinoma)" closes
        if ends_clause or depth < 0:
            return place
    return len(tokens)


@keep
def _list_stops(tokens: Tokens) -> frozenset[int]:
    """Return the tokens at which the words of an exception end, outside brackets."""
    return frozenset(stop.first for stop in rule("exception_stop").find(tokens))


def _find_statements(tokens: Tokens, kind: CriterionKind) -> Iterator[Range]:
    """Yield the sentences that state to whom a criterion does not apply.

    In inclusions, they exclude people ("are excluded"); in exclusions, they admit people ("will be
    allowed"). "No ... will be allowed" does not admit anybody.
    """
    includes = kind is CriterionKind.INCLUSION
    verdict = rule("excluded_anyway") if includes else rule("admitted_anyway")
    edges = [place for place in range(len(tokens)) if _is_edge(tokens, place)]
    for statement in verdict.find(tokens):
        # the sentence extends from the last edge before the statement to the first edge after it
        first = [-1, *edges][bisect_left(edges, statement.first)] + 1
        end = [*edges, len(tokens)][bisect_left(edges, statement.end)]
        if includes or not rule("denies_all").starts(tokens, first):
            yield first, end


def _is_edge(tokens: Tokens, place: int) -> bool:
    """Return whether a token begins or ends a sentence, a clause or a bracket. A full stop ends a
    sentence before a capital or punctuation, or at the end of the text; the one in "e.g." does not.
    """
    word = tokens.words[place]
    if word != ".":
        return word in _EDGES
    if place + 1 == len(tokens):
        return True
    following = tokens.words[place + 1][0]
    # the full stop of "e.g. skin" ends nothing
    return following.isupper() or not following.isalnum()
