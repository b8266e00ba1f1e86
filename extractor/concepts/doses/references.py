"""Repeat what is said of another arm where a clause refers to it: "R-CHOP as in arm I. Treatment
repeats every 14 days.".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.concepts.doses.clauses import Clause, Statement
from extractor.concepts.doses.days import count_days
from extractor.concepts.doses.marks import Fact, Place
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import rule
from extractor.language.patterns import Found


@dataclass(frozen=True, slots=True)
class _ArmText:
    """The part of a section that is about one arm, from its heading on, with its statements."""

    section: DosingSection
    name: str
    first: int
    end: int
    statements: Sequence[Statement]


def resolve_references(
    sections: Sequence[DosingSection], statements: Sequence[Statement]
) -> list[Statement]:
    """Return the statements, and behind them those of another arm that a clause refers to ("as in
    arm I"), in the cycle that the clause or the rest of its arm's text states.

    Nothing is repeated without such a cycle, since both arms are then given alike. Left out are
    statements without a cycle or with one of the same length, and agents that the text states
    itself after the reference.
    """
    as_in_group = rule("as_in_group")
    if not any(as_in_group.search(section.tokens) for section in sections):
        return [*statements]
    texts: list[_ArmText] = []
    for section in sections:
        texts += _list_arm_texts(section, statements)
    by_arm = defaultdict[str, list[Statement]](list)
    for text in texts:
        by_arm[text.name] += text.statements
    repeated: list[Statement] = []
    for text in texts:
        for clause in text.section.clauses:
            if not text.first <= clause[0] < text.end:
                continue
            of_other = list(_repeat_in_other_cycle(text, clause, by_arm))
            repeated += of_other
            # arm III may refer to arm II, which refers to arm I
            by_arm[text.name] += of_other
    return [*statements, *repeated]


def _list_arm_texts(
    section: DosingSection, statements: Sequence[Statement]
) -> Iterator[_ArmText]:
    """Yield the parts of a section under headings of arms: "Arm I (R-CHOP)". What stands before the
    first heading is left out.
    """
    own = [statement for statement in statements if statement.section == section.name]
    headings = list(rule("group_heading").find(section.tokens))
    starts = [*(heading.first for heading in headings), len(section.tokens)]
    for heading, (first, end) in zip(headings, pairwise(starts), strict=True):
        inside = [statement for statement in own if first <= statement.first < end]
        yield _ArmText(section, _read_group(heading), first, end, inside)


def _read_group(found: Found) -> str:
    """Return the number or letter of the arm that a heading or a reference names."""
    return (found.read("group") or "").lower()


def _repeat_in_other_cycle(
    text: _ArmText, place: Place, by_arm: Mapping[str, Sequence[Statement]]
) -> Iterator[Statement]:
    """Yield the statements of another arm that the clause at ``place`` repeats in another cycle,
    one of each agent, as statements of this clause.

    The cycle is the first from the clause's start to the end of the arm's text; the length is that
    which stands beside it. Only the first reference of the clause counts. Nothing is yielded
    without a reference, without such a cycle, and if the reference is to the same arm.

    ``place`` are the tokens of the clause, ``by_arm`` the statements of each arm, by its number or
    letter.
    """
    section = text.section
    first, clause_end = place
    reference = rule("as_in_group").search(section.tokens, first, clause_end)
    if reference is None:
        return
    name = _read_group(reference)
    behind = section.marks.inside(first, text.end)
    cycles = [mark for mark in behind.cycle if mark.value is not None]
    if not cycles or name == text.name:
        return
    cycle = cycles[0]
    end = _find_clause_end(section, cycle)
    clause = Clause(section.tokens, first, end, section.marks.inside(first, end))
    lengths = clause.marks.length
    # each agent is repeated once, and not beside a statement of its own
    done: set[str] = set()
    for statement in text.statements:
        if statement.first >= reference.end:
            done.add(statement.agent.key)
    for other in by_arm[name]:
        if other.agent.key in done or other.cycle is None:
            continue
        # "as in arm I. Courses repeat every 3 weeks.", and so they do in arm I
        if count_days(other.cycle.value) == count_days(cycle.value):
            continue
        done.add(other.agent.key)
        yield replace(
            other,
            section=section.name,
            first=first,
            end=end,
            mention=None,
            clause=clause,
            reach=(first, end),
            cycle=cycle,
            length=lengths[0] if lengths else None,
        )


def _find_clause_end(section: DosingSection, mark: Fact) -> int:
    """Return the end of the clause in which a mark begins; its own end outside of clauses."""
    for first, end in section.clauses:
        if first <= mark.first < end:
            return end
    return mark.end
