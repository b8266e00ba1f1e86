"""Find the exceptions of a criterion: who may take part although excluded, or not although
included.

An exception begins with such words as "except for", or it is a sentence of its own ("... are
allowed"). What only says for whom a limit holds is the limit's condition, and no exception.
"""

from collections.abc import Iterator, Sequence

from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import Passage
from extractor.schemas import (
    Criterion,
    CriterionKind,
    Evidence,
    FieldRef,
    Origin,
    Support,
)

FIELD = "has_exception"
"""The field whose evidence are the words of the exceptions."""
_LEAST = 2
"""The fewest tokens of an exception: "except" alone says nothing."""
_RIGHT = 0.93
"""How many exceptions were right by hand: 29 of 31 in 40 trials that were read for no rule."""
_CLOSE = 8
"""The most characters between a limit and an "unless" that is its own."""
_OPEN = frozenset("([")
_CLOSED = frozenset(")]")
_ENDS = frozenset(";.\n")


def add_exceptions(criterion: Criterion, passage: Passage) -> Criterion:
    """Add to a criterion whether it has an exception, and to its evidence the words of each.

    ``passage`` holds the criterion, in the section to which the offsets of its evidence refer.
    Gold, which has no evidence, gets none.

    >>> from extractor.language.passage import read_passage
    >>> said = Criterion(
    ...     kind="exclusion",
    ...     section="eligibility",
    ...     quote="Cancer other than of the skin",
    ... )
    >>> add_exceptions(said, read_passage(said.quote)).has_exception
    True
    """
    conditions = _list_conditions(criterion)
    quoted = next(iter(criterion.evidence_for("quote")), None)
    pieces = list[Evidence]()
    has_exception = False
    tokens = passage.alone().tokens
    for first, end in find_exceptions(tokens, criterion.kind):
        start, stop = passage.part(passage.first + first, passage.first + end).raw_span
        has_condition = any(start < last and stop > begin for begin, last in conditions)
        # "< 3 unless ..." says for whom the limit holds; "115 ms is acceptable if ..." admits
        is_opened = rule("exception_opening").starts(tokens, first) is not None
        if has_condition and is_opened:
            continue
        if _is_of_limit(passage.section.raw[start:stop], start, criterion):
            continue
        has_exception = True
        if quoted:
            piece = Evidence(
                field=FIELD,
                section=quoted.section,
                start=start,
                end=stop,
                quote=passage.section.raw[start:stop],
                origin=Origin.RULE,
                support=Support.PARSED,
                confidence=min(quoted.confidence or 1.0, _RIGHT),
            )
            pieces.append(piece)
    evidence = (*criterion.evidence, *pieces)
    return criterion.model_copy(update={FIELD: has_exception, "evidence": evidence})


def _is_of_limit(words: str, start: int, criterion: Criterion) -> bool:
    """Return whether "unless" stands right behind a limit, and so says when that does not hold."""
    ends = [
        piece.end
        for piece in criterion.evidence
        if FieldRef(piece.field).path == "constraints"
    ]
    is_close = any(end <= start <= end + _CLOSE for end in ends)
    return is_close and words.casefold().startswith("unless")


def _list_conditions(criterion: Criterion) -> list[Range]:
    """Return the places of words that say for whom a limit before them holds: "< 3 unless ...".

    A limit within an exception is part of that: "cancer, except of stage 1".
    """
    found = list[Range]()
    for piece in criterion.evidence:
        if not piece.field.endswith(".condition"):
            continue
        limits = [
            limit
            for limit in criterion.evidence
            if limit.field == piece.field.removesuffix(".condition")
        ]
        if FieldRef(piece.field).path == "constraints.condition" and any(
            limit.start < piece.start for limit in limits
        ):
            found.append((piece.start, piece.end))
    return found


def find_exceptions(tokens: Tokens, kind: CriterionKind) -> list[Range]:
    """Return the exceptions in a criterion's tokens, in order and without overlaps.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Cancer within 5 years (except for basal cell carcinoma)")
    >>> [
    ...     tokens.read(*place)
    ...     for place in find_exceptions(tokens, CriterionKind.EXCLUSION)
    ... ]
    ['except for basal cell carcinoma']
    """
    opened = [*_find_openings(tokens)]
    # "drugs, except those permitted" is no sentence of its own that permits drugs
    stated = [
        (first, end)
        for first, end in _find_statements(tokens, kind)
        if not any(first < start < end for start, _ in opened)
    ]
    found = [*opened, *stated]
    kept = list[Range]()
    for first, end in sorted(found, key=lambda place: (place[0], -place[1])):
        if not kept or first >= kept[-1][1]:
            kept.append((first, end))
    return kept


def _find_openings(tokens: Tokens) -> Iterator[Range]:
    """Yield what such words as "except for" begin, up to the end of their brackets or clause."""
    end_before = 0
    for opening in rule("exception_opening").find(tokens):
        if opening.first < end_before:
            continue
        end = _find_end(tokens, opening.end, is_list=_opens_list(tokens, opening.end))
        if end - opening.end < _LEAST - 1:
            continue
        end_before = end
        yield opening.first, end


def _opens_list(tokens: Tokens, end: int) -> bool:
    """Return whether a list of exceptions follows: a colon, or "exceptions" before it."""
    behind = tokens.words[end - 1 : end + 4]
    return ":" in behind or "following" in behind


def _find_end(tokens: Tokens, first: int, *, is_list: bool) -> int:
    """Return where an exception ends that goes on at a token."""
    depth = 0
    stops = {found.first for found in rule("exception_stop").find(tokens, first)}
    for place in range(first, len(tokens)):
        word = tokens.words[place]
        if word in _OPEN:
            depth += 1
        elif word in _CLOSED:
            depth -= 1
        if depth < 0:
            return place
        if depth == 0 and place in stops and not is_list:
            return place
    return _trim(tokens, first, len(tokens))


def _trim(tokens: Tokens, first: int, end: int) -> int:
    """Return the end without full stops and white space behind the last word."""
    while end > first and tokens.words[end - 1] in _ENDS:
        end -= 1
    return end


def _find_statements(tokens: Tokens, kind: CriterionKind) -> Iterator[Range]:
    """Yield the sentences that say whom the criterion does not concern."""
    for behind in rule("excepted_behind").find(tokens):
        first = _find_excepted(tokens, behind.first)
        if first < behind.first:
            yield first, behind.end
    includes = kind is CriterionKind.INCLUSION
    for said in rule("excluded_anyway" if includes else "admitted_anyway").find(tokens):
        first = _find_start(tokens, said.first)
        if not includes and rule("denies_all").starts(tokens, first):
            continue
        end = said.end
        while end < len(tokens) and not _is_end(tokens, end):
            end += 1
        yield first, _trim(tokens, said.end, end)


def _find_excepted(tokens: Tokens, end: int) -> int:
    """Return where the name begins that ends before "excepted": behind the last comma, or at the
    beginning of the sentence or bracket.
    """
    first = _find_start(tokens, end)
    commas = [at for at in range(first, end) if tokens.words[at] == ","]
    return commas[-1] + 1 if commas else first


def _find_start(tokens: Tokens, place: int) -> int:
    """Return where the sentence or the bracket of a token begins."""
    first = place
    while (
        first
        and not _is_end(tokens, first - 1)
        and tokens.words[first - 1] not in _OPEN
    ):
        first -= 1
    return first


def _is_end(tokens: Tokens, place: int) -> bool:
    """Return whether a token ends a sentence or a bracket. The point of "e.g." ends none."""
    word = tokens.words[place]
    if word != ".":
        return word in _ENDS or word in _CLOSED
    behind: Sequence[str] = tokens.words[place + 1 : place + 2]
    return not behind or behind[0][:1].isupper() or not behind[0][:1].isalnum()
