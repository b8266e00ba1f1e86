"""References: what an arm repeats of another one, "R-CHOP as in arm I. Treatment repeats every 14
days".
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked, Statement
from extractor.language.book import rule
from extractor.language.patterns import Found


def repeat_referred(
    texts: Sequence[DoseText], statements: Sequence[Statement]
) -> list[Statement]:
    """Return statements, and after them those of another arm that an arm's text repeats in another
    cycle.
    """
    known: dict[str, list[Statement]] = defaultdict(list)
    repeated: list[Statement] = []
    for text in texts:
        headings = list(rule("group_heading").find(text.tokens))
        starts = [*(heading.first for heading in headings), len(text.tokens)]
        for heading, (first, end) in zip(headings, pairwise(starts), strict=True):
            own = [
                one
                for one in statements
                if one.text is text and first <= one.clause[0] < end
            ]
            name = _read_group(heading)
            reference = rule("as_in_group").search(text.tokens, first, end)
            if reference and _read_group(reference) != name:
                others = known[_read_group(reference)]
                own += _repeat(text, (reference.first, end), own, others)
                repeated += [one for one in own if one not in statements]
            known[name] += own
    return [*statements, *repeated]


def _read_group(found: Found) -> str:
    return (found.read("group") or "").lower()


def _repeat(
    text: DoseText, place: Place, own: Sequence[Statement], others: Sequence[Statement]
) -> Iterator[Statement]:
    """Yield statements of another arm in the cycle that a text states after a reference. Nothing
    without such a cycle, since both arms are then given alike.
    """
    marks = within(text.marks, *place)
    cycles = [mark for mark in marks if mark.field == "cycle"]
    lengths = [mark for mark in marks if mark.field == "duration" and mark.value]
    keys = {one.agent.key for one in own}
    for other in others:
        cycle = other.links("cycle")
        is_new = bool(cycles and cycle) and cycle[0].mark.value != cycles[0].value
        if not is_new or other.agent.key in keys:
            continue
        facts = dict(other.facts)
        facts["cycle"] = [Linked(cycles[0], 0.8, text)]
        if lengths:
            facts["duration"] = [Linked(lengths[0], 0.8, text)]
        owner = replace(other.owner, how="repeated")
        sure = other.sure * 0.8
        yield Statement(other.agent, text, place, owner, sure, facts)
