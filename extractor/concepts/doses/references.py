"""References: what an arm repeats of another one in a cycle of its own, "R-CHOP as in arm I.
Treatment repeats every 14 days".
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.concepts.doses.marks import within
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked, Statement
from extractor.language.book import rule
from extractor.language.patterns import Found


def repeat_referred(
    texts: Sequence[DoseText], statements: Sequence[Statement]
) -> Iterator[Statement]:
    """Yield statements, and those of another arm that an arm's text repeats in another cycle."""
    yield from statements
    known: dict[str, list[Statement]] = {}
    for text in texts:
        of_text = [one for one in statements if one.text is text]
        headings = list(rule("group_heading").find(text.tokens))
        starts = [*(heading.first for heading in headings), len(text.tokens)]
        for heading, (first, end) in zip(headings, pairwise(starts), strict=True):
            own = [one for one in of_text if first <= one.clause[0] < end]
            known.setdefault(_read_group(heading), []).extend(own)
            reference = rule("as_in_group").search(text.tokens, first, end)
            if reference:
                others = known.get(_read_group(reference), ())
                agents = [one.agent for one in own]
                place = reference.first, end
                for other in others:
                    if other.agent not in agents:
                        yield from _repeat(text, place, other)


def _read_group(found: Found) -> str:
    return (found.read("group") or "").lower()


def _repeat(
    text: DoseText, place: tuple[int, int], other: Statement
) -> Iterator[Statement]:
    """Yield a statement in the cycle and for the length that a text states after a reference. In
    the same cycle, both arms are given alike.
    """
    facts = {
        mark.field: [Linked(mark, 0.8, text)]
        for mark in within(text.marks, *place)
        if mark.field in ("cycle", "duration") and mark.value
    }
    cycles = [
        link.mark.value for one in (facts, other.facts) for link in one.get("cycle", ())
    ]
    if len(set(cycles)) > 1 and "cycle" in facts:
        owner = replace(other.owner, how="repeated")
        sure = other.sure * 0.8
        facts = other.facts | facts
        yield replace(
            other, text=text, clause=place, owner=owner, sure=sure, facts=facts
        )
