"""Resolve references between arms: "R-CHOP as in arm I. Treatment repeats every 14 days" repeats
another arm's regimens with a different cycle.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.concepts.doses.linking import Linked, Statement
from extractor.concepts.doses.marks import within
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import rule
from extractor.language.numbers import DAYS
from extractor.language.patterns import RuleMatch

_REPEATED = "beside a reference"
"""The doubt about a cycle or duration that is stated beside a reference to another arm."""


def repeat_referred(
    texts: Sequence[DoseText], statements: Sequence[Statement]
) -> Iterator[Statement]:
    """Yield all statements, followed by copies of the statements that an arm repeats, with a
    different cycle, from another arm.
    """
    yield from statements
    known: dict[str, list[Statement]] = {}
    for text in texts:
        headings = list(rule("group_heading").find(text.tokens))
        ends = [*(heading.first for heading in headings[1:]), len(text.tokens)]
        for heading, end in zip(headings, ends, strict=False):
            first = heading.first
            of_text = [statement for statement in statements if statement.text is text]
            # a clause may begin before the heading: "Outline: Arm I: A 5 mg daily"
            own_statements = [
                statement for statement in of_text if first < statement.clause[1] <= end
            ]
            known.setdefault(_read_group(heading), []).extend(own_statements)
            reference = rule("as_in_group").search(text.tokens, first, end)
            if reference is None:
                continue
            agents = {statement.agent.key for statement in own_statements}
            for referred in known.get(_read_group(reference), ()):
                if referred.agent.key not in agents:
                    yield from _repeat(text, (reference.first, end), referred)


def _read_group(match: RuleMatch) -> str:
    return (match.read("group") or "").lower()


def _repeat(
    text: DoseText, place: tuple[int, int], referred: Statement
) -> Iterator[Statement]:
    """Yield a copy of the ``referred`` statement with the cycle and the duration that a text
    states at ``place``, after a reference. If the cycle is the same, do not yield anything,
    because the regimen already covers both arms.
    """
    marks = [mark for mark in within(text.marks, *place) if mark.value]
    facts = {
        mark.field: [Linked(mark, text, (_REPEATED,))]
        for mark in marks
        if mark.field in ("cycle", "duration")
    }
    cycles = _list_cycles(facts.get("cycle", ()))
    referred_cycles = _list_cycles(referred.links("cycle"))
    if cycles and referred_cycles and cycles != referred_cycles:
        yield replace(
            referred,
            text=text,
            clause=place,
            owner=replace(referred.owner, how="repeated"),
            facts=referred.facts | facts,
        )


def _list_cycles(links: Sequence[Linked]) -> list[float]:
    """Return the lengths, in days, of the linked cycles."""
    cycles = [link.mark.value for link in links]
    return [cycle.value * DAYS[cycle.unit] for cycle in cycles]
