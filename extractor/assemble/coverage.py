"""What became of every character of a record: claimed by a value, boilerplate, or unclaimed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from extractor.parse.parsed import Span
from extractor.schemas import Coverage, Evidence, Item, Section, SectionCoverage, Support, TrialRecord

from .boilerplate import find_words, is_boilerplate

__all__ = ["CoveredSpan", "TextClass", "list_covered_spans", "list_unclaimed", "measure_coverage"]

_Claim = tuple[int, int, str]
Claimed = Iterable[tuple[str, Item]]
"""Items with their paths, such as ``dosing[0]``."""


class TextClass(StrEnum):
    """What became of a stretch of text.

    - ``claimed``: a value quotes it.
    - ``boilerplate``: white space, bullets, punctuation between values, headings, the registry's own notes and labels.
    - ``unclaimed``: neither.
    """

    CLAIMED = "claimed"
    BOILERPLATE = "boilerplate"
    UNCLAIMED = "unclaimed"


@dataclass(frozen=True, slots=True)
class CoveredSpan:
    """A stretch of raw text and what became of it; ``items`` are the paths of those that quote it."""

    span: Span
    text_class: TextClass
    items: tuple[str, ...] = ()


def list_covered_spans(record: TrialRecord, items: Claimed) -> Iterator[CoveredSpan]:
    """Every character of the record in exactly one span, section by section in reading order."""
    claims = _list_claims(items)
    for section in record.sections:
        own = claims.get(section.name, [])
        for start, end, text_class in _classify(section, _unite(own)):
            names = (path for first, last, path in own if first < end and start < last)
            claimed_by = tuple(dict.fromkeys(names)) if text_class is TextClass.CLAIMED else ()
            yield CoveredSpan(Span(section.name, start, end), text_class, claimed_by)


def measure_coverage(record: TrialRecord, items: Claimed) -> Coverage:
    """The characters of a record by what became of them, as a whole and for each kind of section."""
    claims = _list_claims(items)
    counts: dict[str, dict[TextClass, int]] = {}
    for section in record.sections:
        count = counts.setdefault(section.name.partition("[")[0], dict.fromkeys(TextClass, 0))
        for start, end, text_class in _classify(section, _unite(claims.get(section.name, []))):
            count[text_class] += end - start
    sections = tuple(
        SectionCoverage(
            kind=kind,
            characters=sum(count.values()),
            claimed=count[TextClass.CLAIMED],
            boilerplate=count[TextClass.BOILERPLATE],
        )
        for kind, count in counts.items()
    )
    totals = {name: sum(getattr(one, name) for one in sections) for name in ("characters", "claimed", "boilerplate")}
    return Coverage(**totals, sections=sections)


def list_unclaimed(section: Section, evidence: Iterable[Evidence]) -> Iterator[tuple[int, int]]:
    """The stretches of a section that none of these pieces quotes, and that are no boilerplate."""
    claims = sorted((piece.start, piece.end, "") for piece in evidence if piece.section == section.name)
    for start, end, text_class in _classify(section, _unite(claims)):
        if text_class is TextClass.UNCLAIMED:
            yield start, end


def _list_claims(items: Claimed) -> dict[str, list[_Claim]]:
    """What is quoted in each section, in reading order."""
    claims: dict[str, list[_Claim]] = defaultdict(list)
    for path, item in items:
        for piece in item.evidence:
            if _quotes_it(path, piece):
                claims[piece.section].append((piece.start, piece.end, path))
    for found in claims.values():
        found.sort()
    return claims


def _quotes_it(path: str, piece: Evidence) -> bool:
    """Whether a value is read from just these characters: a regimen's role rests on all that is said of its arm."""
    return not path.startswith("dosing") or piece.support is not Support.INFERRED or piece.field == "quote"


def _unite(claims: Sequence[_Claim]) -> Iterator[tuple[int, int]]:
    """The stretches that claims cover together, left to right."""
    start = end = 0
    for first, last, _ in claims:
        if first > end:
            if end > start:
                yield start, end
            start = first
        end = max(end, last)
    if end > start:
        yield start, end


def _classify(section: Section, claimed: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, TextClass]]:
    reached = 0
    for start, end in claimed:
        yield from _classify_gap(section, reached, start)
        yield start, end, TextClass.CLAIMED
        reached = end
    yield from _classify_gap(section, reached, len(section.text))


def _classify_gap(section: Section, start: int, end: int) -> Iterator[tuple[int, int, TextClass]]:
    """What lies between two claims: in each line the words are unclaimed unless they are boilerplate."""
    done = start
    while start < end:
        stop = section.text.find("\n", start, end)
        stop = end if stop < 0 else stop + 1
        words = find_words(section.text, start, stop)
        if words and not _says_nothing(section, *words):
            if words[0] > done:
                yield done, words[0], TextClass.BOILERPLATE
            yield *words, TextClass.UNCLAIMED
            done = words[1]
        start = stop
    if end > done:
        yield done, end, TextClass.BOILERPLATE


def _says_nothing(section: Section, start: int, end: int) -> bool:
    if section.name == "eligibility":
        return is_boilerplate(section.text[start : min(len(section.text), end + 1)])
    return any(part.name == "type" and part.start <= start and end <= part.end for part in section.parts)
