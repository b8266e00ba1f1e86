"""Find the steps of a treatment: doses of one agent that the same participants receive one after
the other.

"400 mg on day 1, then 200 mg every 4 weeks for 48 weeks" is two steps. Two statements about an
agent are steps if words such as "then" or "increased to" stand between them, if each has a length
or days of its own, or if the first is called a loading dose.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.concepts.doses.linking import SHARED, Statement, has_choice, is_called
from extractor.concepts.doses.marks import STEP, Step
from extractor.language.book import rule
from extractor.schemas import Frequency, StepKind

_MOST_STEPS = 12
"""No treatment has more steps; a longer list is a table of something else."""
_APART = 2
"""Maximum number of tokens between two clauses of one treatment."""
_OWN_TIMES = (("duration", STEP), ("days",))
"""The fields by which two doses that are named one after the other are told to be steps."""


def number_steps(statements: Iterable[Statement]) -> None:
    """Set the steps of the statements of a section."""
    by_agent = defaultdict[str, list[Statement]](list)
    for statement in statements:
        if statement.amounts or statement.is_bare_step:
            by_agent[statement.agent.key].append(statement)
    for of_agent in by_agent.values():
        for chain in _list_chains(of_agent):
            kinds = _name_kinds(chain)
            for number, (statement, kind) in enumerate(
                zip(chain, kinds, strict=True), 1
            ):
                statement.step = Step(number, kind)
            for before, after in pairwise(chain):
                _go_on(before, after)


def _go_on(before: Statement, after: Statement) -> None:
    """Add to a step what goes on from the step before it without being said again: the route and,
    unless that was a loading dose, the rhythm.
    """
    missing = [] if after.links("route") else ["route"]
    has_times = any(after.links(name) for name in ("frequency", "days", "cycle"))
    is_loading = before.step is not None and before.step.kind is StepKind.LOADING
    if not has_times and not is_loading and not _is_single(before):
        missing.append("frequency")
    for name in missing:
        for link in before.links(name):
            after.add(replace(link, doubts=(*link.doubts, SHARED)))


def _list_chains(statements: Sequence[Statement]) -> Iterator[Sequence[Statement]]:
    """Yield the runs of statements that are steps of one treatment, in reading order."""
    ordered = sorted(statements, key=lambda statement: statement.place)
    chain = ordered[:1]
    for before, after in pairwise(ordered):
        if not _is_next(before, after):
            if 1 < len(chain) <= _MOST_STEPS:
                yield chain
            chain = []
        chain.append(after)
    if 1 < len(chain) <= _MOST_STEPS:
        yield chain


def _is_next(before: Statement, after: Statement) -> bool:
    """Return whether a statement is the step after another one."""
    text = before.text
    if after.is_bare_step:
        return after.clause == before.clause
    if after.clause[0] - before.clause[1] > _APART:
        return False
    between = before.place[1], after.place[0]
    if between[0] > between[1] or has_choice(before, after):
        return False
    if rule("step_joint").occurs(text.tokens, *between):
        return True
    if is_called(before, "loading_word") and is_called(after, "maintenance_word"):
        return True
    if rule("step_label").ends(text.tokens, after.place[0]):
        return rule("step_label").ends(text.tokens, before.place[0]) is not None
    if before.clause != after.clause:
        return False
    return any(_have_own(before, after, fields) for fields in _OWN_TIMES)


def _have_own(before: Statement, after: Statement, fields: Iterable[str]) -> bool:
    """Return whether two statements each have a length or days of their own, and other amounts."""
    values = []
    for statement in (before, after):
        links = [link for name in fields for link in statement.links(name)]
        direct = [link.mark.value for link in links if not link.is_shared]
        if not direct or direct[0] is None:
            return False
        values.append(direct[0])
    amounts = [link.mark.value for one in (before, after) for link in one.amounts]
    if len(amounts) < 2 or amounts[0] == amounts[1]:
        return False
    if fields == ("days",):
        return set(values[0]).isdisjoint(values[1])
    return True


def _name_kinds(chain: Sequence[Statement]) -> Sequence[StepKind | None]:
    """Return what each step of a chain is for."""
    kinds: list[StepKind | None] = [None] * len(chain)
    for at, statement in enumerate(chain):
        if is_called(statement, "maintenance_word"):
            kinds[at] = StepKind.MAINTENANCE
        elif is_called(statement, "loading_word"):
            kinds[at] = StepKind.LOADING
    for at, (before, after) in enumerate(pairwise(chain)):
        tokens = before.text.tokens
        between = before.place[1], after.place[0]
        if rule("rise_word").occurs(tokens, *between):
            kinds[at] = kinds[at] or StepKind.TITRATION
            kinds[at + 1] = kinds[at + 1] or StepKind.TITRATION
        elif rule("fall_word").occurs(tokens, *between):
            kinds[at + 1] = kinds[at + 1] or StepKind.TAPER
    levels = [_measure(statement) for statement in chain]
    for at, (lower, upper) in enumerate(pairwise(levels)):
        if kinds[at + 1] is None and lower is not None and upper is not None:
            goes_on = kinds[at] is StepKind.TITRATION and upper > lower
            goes_down = kinds[at] is StepKind.TAPER and upper < lower
            if goes_on or goes_down:
                kinds[at + 1] = kinds[at]
    known = [level for level in levels if level is not None]
    is_rise = len(known) == len(chain) and known == sorted(set(known))
    if is_rise and not any(kinds) and len(chain) > 1 and _is_one_unit(chain):
        return [StepKind.TITRATION] * len(chain)
    first, second = levels[:2]
    is_larger = first is not None and second is not None and first > second
    if is_larger and not any(kinds) and _is_single(chain[0]) and _is_one_unit(chain):
        kinds[0] = StepKind.LOADING
    if kinds[0] is StepKind.LOADING and len(chain) == 2:
        kinds[1] = kinds[1] or StepKind.MAINTENANCE
    return kinds


def _measure(statement: Statement) -> float | None:
    """Return the amount of a statement with a single level."""
    levels = [level for link in statement.amounts for level in link.mark.value]
    if len(levels) != 1:
        return None
    return levels[0].low


def _is_one_unit(chain: Iterable[Statement]) -> bool:
    units = {
        level.unit
        for statement in chain
        for link in statement.amounts
        for level in link.mark.value
    }
    return len(units) == 1


def _is_single(statement: Statement) -> bool:
    """Return whether a dose is given once."""
    rhythms = [link.mark.value for link in statement.links("frequency")]
    days = [link.mark.value for link in statement.links("days")]
    if rhythms:
        return rhythms[0] is Frequency.ONCE
    return any(value and len(value) == 1 for value in days)
