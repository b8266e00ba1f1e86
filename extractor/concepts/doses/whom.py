"""Find for whom an amount is: "100 mg (body weight <= 30 kg)", "children under 30 kg: 4 mg/kg"."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter

from extractor.concepts.doses.marks import Mark, Place, drop_inside, within
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.patterns import RuleMatch
from extractor.language.values import replace, value_class
from extractor.measures.reader import Limit, read_line

_UNITS = word_set("kg lb lbs mL/min mL/min/1.73m2 mL/min/1.73 kg/m2")
"""Units of weight, of the function of kidneys, and of the body mass index."""
_ENDS = word_set(
    "to and but less than up under below not more over - – < <= ≤ > >= ≥ ="
    " with weighing"
)
"""The words between the two ends of a limit: "12 to less than 25 kg"."""
_BRACKET = 12
"""Maximum number of tokens between a limit and the bracket around it."""
_BEHIND = 14
"""Maximum number of tokens between an amount and those for whom it is."""
_JOINED = 4
"""Maximum number of tokens between two limits of one condition: "12 to less than 25 kg"."""
_SQUARED = (["2"], ["²"])
_NAMED = 2
"""Minimum number of groups without a limit, "children" and "adults", that tell amounts apart."""


@value_class()
class DosedPeople:
    """The tokens ``first:end``, which say for whom an amount is. ``is_led`` means that they begin
    with a word such as "for" or "if", ``is_bracketed`` that they stand alone in brackets, and
    ``is_limit`` that they contain a limit.
    """

    first: int
    end: int
    is_led: bool
    is_bracketed: bool
    is_limit: bool

    @property
    def place(self) -> Place:
        return self.first, self.end


def find_whom(
    tokens: Tokens, clauses: Iterable[Place], amounts: Sequence[Mark]
) -> Mapping[Place, Place]:
    """Return the tokens that say for whom an amount is, by the tokens of the amount. ``amounts``
    are all amounts of a text, in reading order, and ``clauses`` its clauses.

    If the order of amounts and people does not tell which belong together, none of them does.
    """
    by_clause = list_people(tokens, clauses, amounts)
    found: dict[Place, Place] = {}
    for clause, people in by_clause:
        of_clause = within(amounts, *clause)
        found.update(_assign(tokens, of_clause, people))
    if len(found) == len(amounts):
        return found
    # some cohorts of several are no conditions beside amounts of cohorts that were not found
    return {
        amount: people
        for amount, people in found.items()
        if not rule("whom_cohort").occurs(tokens, *people)
    }


def list_people(
    tokens: Tokens, clauses: Iterable[Place], amounts: Sequence[Mark]
) -> Sequence[tuple[Place, Sequence[DosedPeople]]]:
    """Return the clauses with amounts that are for some of the participants, with these people."""
    by_clause: list[tuple[Place, Sequence[DosedPeople]]] = []
    for clause in clauses:
        of_clause = within(amounts, *clause)
        if not of_clause:
            continue
        if rule("whom_word").search(tokens, *clause) is None:
            continue
        people = _join(tokens, _list_of_clause(tokens, clause, of_clause))
        if people:
            by_clause.append((clause, people))
    return by_clause if _tell_apart(tokens, by_clause, amounts) else []


def _tell_apart(
    tokens: Tokens,
    by_clause: Sequence[tuple[Place, Sequence[DosedPeople]]],
    amounts: Sequence[Mark],
) -> bool:
    """Return whether the people of a text are some of the participants. "5 mg daily in children"
    and "adults aged 18 years or older receive 5 mg" say of all of them what they are.
    """
    people: list[DosedPeople] = []
    for _, of_clause in by_clause:
        people += of_clause
    are_several = len({mark.value for mark in amounts}) >= _NAMED
    # "200 or 400 mg (<50 kg, >50 kg)", but not "200 or 400 mg in adults"
    if len(people) >= _NAMED:
        levels = {level for mark in amounts for level in mark.value}
        are_several = len(levels) >= _NAMED
    if any(one.is_limit for one in people):
        if are_several:
            return True
        return not all(_is_of_all(tokens, one) for one in people)
    if not are_several:
        return False
    named: set[str] = set()
    for one in people:
        if rule("whom_of_some").occurs(tokens, *one.place):
            return True
        named.add(tokens.read(*one.place).lower())
    return len(named) >= _NAMED


def _is_of_all(tokens: Tokens, people: DosedPeople) -> bool:
    """Return whether a sentence says of its people that they receive its only dose."""
    if people.is_bracketed or people.is_led:
        return False
    return rule("whom_receiving").starts(tokens, people.end) is not None


def _join(tokens: Tokens, people: Iterable[DosedPeople]) -> Sequence[DosedPeople]:
    """Return people from left to right, "adults and adolescents" as one."""
    joined: list[DosedPeople] = []
    for one in sorted(people, key=attrgetter("first")):
        if not joined:
            joined.append(one)
            continue
        last = joined[-1]
        if rule("whom_and").covers(tokens, last.end, one.first):
            is_limit = last.is_limit or one.is_limit
            joined[-1] = replace(last, end=one.end, is_limit=is_limit)
        else:
            joined.append(one)
    return joined


def _list_of_clause(
    tokens: Tokens, clause: Place, amounts: Sequence[Mark]
) -> Iterator[DosedPeople]:
    """Yield the people of a clause: those with a limit, then those without."""
    taken: set[int] = set()
    for mark in amounts:
        taken.update(range(*mark.place))
    limited = [
        _describe(tokens, place, clause, amounts, is_limit=True)
        for place in _list_limited(tokens, clause, taken)
    ]
    yield from limited
    for people in limited:
        taken.update(range(*people.place))
    for match in rule("whom_named").find(tokens, *clause):
        if taken.isdisjoint(range(match.first, match.end)):
            place = match.first, match.end
            yield _describe(tokens, place, clause, amounts, is_limit=False)


def _list_limited(tokens: Tokens, clause: Place, taken: set[int]) -> Iterator[Place]:
    """Yield the limits of people in a clause, with the words before them for what they limit; two
    that are joined are one: "12 to less than 25 kg".
    """
    last: Place | None = None
    for place in _list_limits(tokens, clause, taken):
        if last is None:
            last = place
        elif _are_joined(tokens, last, place):
            last = last[0], place[1]
        else:
            yield last
            last = place
    if last:
        yield last


def _list_limits(tokens: Tokens, clause: Place, taken: set[int]) -> Iterator[Place]:
    """Yield the tokens of each limit of people, with the words for its quantity beside it."""
    start = clause[0]
    line = tokens.cut(*clause)
    ages = list(rule("age_of_whom").find(line))
    for limit in read_line(line):
        if not _is_of_people(line, limit, ages):
            continue
        first = start + limit.first
        end = start + limit.end
        if not taken.isdisjoint(range(first, end)):
            continue
        # "- weight 8-12 kg" in a list
        while first < end and tokens.words[first] in "-*•":
            first += 1
        # "1.5 m2"
        if tokens.words[end - 1] == "m" and tokens.words[end : end + 1] in _SQUARED:
            end += 1
        behind = rule("whom_end").starts(tokens, end)
        if behind:
            end = min(behind.end, clause[1])
        quantity = _find_quantity(line, limit, taken, start)
        if quantity is not None:
            first = quantity
        yield first, end


def _find_quantity(
    line: Tokens, limit: Limit, taken: set[int], start: int
) -> int | None:
    """Return the first token of the words beside a limit for what it limits, or None."""
    if limit.quantity is None:
        return None
    first, end = limit.quantity
    is_beside = 0 <= limit.first - end <= 1
    if not is_beside:
        return None
    if line.words[limit.first - 1] == ":":
        return None
    if not taken.isdisjoint(range(start + first, start + end)):
        return None
    if not rule("whom_quantity").occurs(line, first, end):
        return None
    return start + first


def _are_joined(tokens: Tokens, place: Place, following: Place) -> bool:
    """Return whether two limits are the ends of one condition."""
    first, end = place[1], following[0]
    if end - first > _JOINED:
        return False
    return _ENDS.issuperset(word.lower() for word in tokens.words[first:end])


def _is_of_people(tokens: Tokens, limit: Limit, ages: Sequence[RuleMatch]) -> bool:
    """Return whether a limit is one of weight, age, body surface, or the function of kidneys."""
    of_people = limit.quantity and rule("whom_quantity").occurs(tokens, *limit.quantity)
    # "1.5 m2" of body surface
    if of_people and limit.unit in (None, "m"):
        return True
    # "for a maximum of 12 months" is the length of the treatment
    if limit.time_unit:
        return not drop_inside([limit], ages)
    unit = (limit.unit or "").replace(" ", "")
    return unit in _UNITS or unit.lower().startswith(("ml/min", "kg"))


def _describe(
    tokens: Tokens,
    place: Place,
    clause: Place,
    amounts: Sequence[Mark],
    *,
    is_limit: bool,
) -> DosedPeople:
    """Return the people at a place, with the words before it that belong to them."""
    bracket = _find_bracket(tokens, place, clause)
    if bracket and not within(amounts, *bracket):
        return DosedPeople(*bracket, is_led=True, is_bracketed=True, is_limit=is_limit)
    first = place[0]
    subject = rule("whom_subject").ends(tokens, first, clause[0])
    if subject:
        first = subject.first
    is_led = rule("whom_behind").starts(tokens, first) is not None
    return DosedPeople(first, place[1], is_led, is_bracketed=False, is_limit=is_limit)


def _find_bracket(tokens: Tokens, place: Place, clause: Place) -> Place | None:
    """Return the tokens inside the bracket around a limit, or None."""
    opening = None
    for at in range(place[0] - 1, max(clause[0], place[0] - _BRACKET) - 1, -1):
        if tokens.words[at] == ")":
            return None
        if tokens.words[at] == "(":
            opening = at
            break
    if opening is None:
        return None
    for at in range(place[1], min(clause[1], place[1] + _BRACKET)):
        if tokens.words[at] == ")":
            return opening + 1, at
    return None


def _assign(
    tokens: Tokens, amounts: Sequence[Mark], people: Sequence[DosedPeople]
) -> Mapping[Place, Place]:
    """Return the people of each amount of a clause.

    All people stand behind their amounts in "5 mg for A, 10 mg for B", and before them in "A: 5 mg,
    B: 10 mg". In any other order, the words between them tell, and people whom they do not tell
    have no amount.
    """
    events: list[Mark | DosedPeople] = [*amounts, *people]
    events.sort(key=attrgetter("first"))
    are_behind = False
    are_ahead = False
    # people and amounts that alternate all stand in the order of the first two
    if events and _are_paired(events):
        are_behind = isinstance(events[0], Mark)
        are_ahead = not are_behind
    found: dict[Place, Place] = {}
    for at, event in enumerate(events):
        if isinstance(event, Mark):
            continue
        before = None
        if at > 0:
            before = events[at - 1]
        after = None
        if at + 1 < len(events):
            after = events[at + 1]
        behind = False
        if not are_ahead:
            behind = _is_behind(before, event)
        ahead = False
        if not are_behind:
            ahead = _is_ahead(tokens, event, after)
        if behind and ahead:
            # "5 mg for A, 10 mg", but "5 mg; for A 10 mg"
            is_cut_before = _is_apart(tokens, before, event)
            is_cut_after = _is_apart(tokens, event, after)
            behind = is_cut_after and not is_cut_before
            ahead = is_cut_before and not is_cut_after
        if behind and before:
            found.setdefault((before.first, before.end), event.place)
        elif ahead:
            for mark in _list_steps(tokens, events[at + 1 :]):
                found.setdefault(mark.place, event.place)
    return found


def _are_paired(events: Sequence[Mark | DosedPeople]) -> bool:
    """Return whether amounts and people alternate, and there are as many of each."""
    if len(events) % 2:
        return False
    return all(type(one) is not type(other) for one, other in pairwise(events))


def _is_behind(before: Mark | DosedPeople | None, people: DosedPeople) -> bool:
    """Return whether people may be those of the amount before them."""
    if before is None or isinstance(before, DosedPeople):
        return False
    gap = people.first - before.end
    if people.is_bracketed:
        return gap <= _BRACKET
    if gap > _BEHIND:
        return False
    # "60 mg above 50 kg"
    return people.is_led or gap == 0


def _is_ahead(
    tokens: Tokens, people: DosedPeople, after: Mark | DosedPeople | None
) -> bool:
    """Return whether people may be those of the amount behind them."""
    if after is None or isinstance(after, DosedPeople) or people.is_bracketed:
        return False
    # "adults 500 mg"
    if after.first == people.end:
        return True
    return rule("whom_before").covers(tokens, people.end, after.first) is not None


def _is_apart(
    tokens: Tokens, before: Mark | DosedPeople | None, after: Mark | DosedPeople | None
) -> bool:
    """Return whether a comma, a bracket or a joint stands between an amount and people."""
    if before is None or after is None:
        return True
    return rule("whom_apart").occurs(tokens, before.end, after.first)


def _list_steps(tokens: Tokens, events: Sequence[Mark | DosedPeople]) -> Iterator[Mark]:
    """Yield the amount that begins the events, and those that follow it as further steps: "children
    below 30 kg receive 600 mg, then 300 mg every 4 weeks".
    """
    last: Mark | None = None
    for event in events:
        if isinstance(event, DosedPeople):
            return
        if last and not rule("step_joint").occurs(tokens, last.end, event.first):
            return
        yield event
        last = event
