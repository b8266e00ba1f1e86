"""Resolve references between arms: "R-CHOP as in arm I. Treatment repeats every 14 days" repeats
the regimens of another arm with a different cycle.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.concepts.doses.marks import within
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked, Statement
from extractor.language.book import rule
from extractor.language.patterns import RuleMatch


def repeat_referred(
    texts: Sequence[DoseText], statements: Sequence[Statement]
) -> Iterator[Statement]:
    """Yield all statements, followed by copies of the statements that an arm repeats from another
    arm with a different cycle.
    """
    yield from statements
    known: dict[str, list[Statement]] = {}
    for text in texts:
        headings = list(rule("group_heading").find(text.tokens))
        ends = [*(heading.first for heading in headings[1:]), len(text.tokens)]
        for heading, end in zip(headings, ends, strict=False):
            first = heading.first
            of_text = [statement for statement in statements if statement.text is text]
            own_statements = [
                statement for statement in of_text if first <= statement.clause[0] < end
            ]
            known.setdefault(_read_group(heading), []).extend(own_statements)
            reference = rule("as_in_group").search(text.tokens, first, end)
            if reference is None:
                continue
            agents = {statement.agent.key for statement in own_statements}
            for other in known.get(_read_group(reference), ()):
                if other.agent.key not in agents:
                    yield from _repeat(text, (reference.first, end), other)


def _read_group(match: RuleMatch) -> str:
    return (match.read("group") or "").lower()


def _repeat(
    text: DoseText, place: tuple[int, int], other: Statement
) -> Iterator[Statement]:
    """Yield a copy of a statement with the cycle and the duration that a text states after a
    reference. If the cycle is the same, do not yield anything, because the regimen already covers
    both arms.
    """
    marks = [mark for mark in within(text.marks, *place) if mark.value]
    facts = {
        mark.field: [Linked(mark, 0.8, text)]
        for mark in marks
        if mark.field in ("cycle", "duration")
    }
    cycles = [link.mark.value for link in facts.get("cycle", ())]
    other_cycles = [link.mark.value for link in other.links("cycle")]
    if cycles and other_cycles and cycles != other_cycles:
        yield replace(
            other,
            text=text,
            clause=place,
            owner=replace(other.owner, how="repeated"),
            sure=other.sure * 0.8,
            facts=other.facts | facts,
        )
