"""Compile a criterion's limits to tests."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from math import inf
from typing import NamedTuple

from extractor.concepts.limits.canonical import CanonicalLimit, name_limits
from extractor.concepts.limits.quantity_names import list_quantities
from extractor.concepts.limits.read import find_limits
from extractor.language.book import read_text
from extractor.language.numbers import DAYS
from extractor.match.coverage import (
    FIRST_MARK,
    SEXES_OF,
    Item,
    Joint,
    Line,
    find_alone,
    is_alternative_to_words,
    read_around_tests,
    skip_joint,
)
from extractor.match.quantities import (
    ROOM_AIR,
    SEXES,
    find_room_air,
    key_quantity,
    name_value,
    read_fraction,
)
from extractor.match.synonyms import make_key
from extractor.match.tests import (
    UNDECIDED,
    Test,
    of_bounds,
    of_name,
    of_sex,
    turn,
)
from extractor.match.wider import find_wider
from extractor.match.words import has_phrase, words_of
from extractor.measures.names import spell_words
from extractor.schemas import Comparator, Constraint, Criterion, Evidence, Sex
from extractor.schemas.values import index_evidence
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_AGE_UNITS = {"d": "day", "wk": "week", "mo": "month", "h": "hour"}
"""The units of ages other than years, by their UCUM codes."""
_RECENT_DAYS = 31
"""A laboratory value that is at most so old counts as the current one."""
_OR_NUMBER = re.compile(r"(?:\bor|,|/)\s*(?P<last>\d+)\D*$")
"""The last of several whole numbers: "0-1, or 2"."""
_OR_ANOTHER = re.compile(r"\s*+(?:,\s*+)?or\s++\d++(?:\.\d++)?", re.IGNORECASE)
"""What continues a limit with another number."""
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_AGE_GROUPS: Mapping[str, tuple[str, float]] = {
    "adult": (">=", 18),
    "adolescent": ("between", 12),
    "children": ("<", 18),
    "child": ("<", 18),
    "pediatric": ("<", 18),
}
"""Words for people of an age, each with a limit that they all meet."""
_ADOLESCENCE = (12.0, 17.0)
_IDLE_IN_CONDITIONS = (
    "for in if with on among when where who have has an a the those"
    " patient participant subject individual person people volunteer"
    " receiving taking using treated"
)
_EXCEPT = re.compile(r"(?:except(?:ing)?(?: for)?|unless)\b", re.IGNORECASE)
_AGAIN = re.compile(
    r"\s*+(?:,\s*+or\b|,|\bor\b|\()\s*+"
    r"(?:[<>≤≥=]+|(?:up to|at (?:least|most)|(?:less|more|greater) than|above|below)\b)?\s*+\d",
    re.IGNORECASE,
)
"""What continues a limit with another one of the same quantity."""
_END = re.compile(r"[\s).;]*+")
_OR_OLDER = re.compile(
    r"\b(?:and|or)\s+(?:older|over|more|above|younger|under|less|below)\b",
    re.IGNORECASE,
)
"""What belongs to the number of an age."""
_OF_ANOTHER_TIME = frozenset({"diagnosis", "diagnosed", "start", "first"})
"""Words beside an age that is not the present one."""
_ABNORMAL = re.compile(
    r"\b(?:elevated|increased|raised|high|low|decreased|reduced|abnormal)"
    r" (?P<name>[\w-]{2,30}(?: [\w-]{2,30}){0,3}) ?\(",
    re.IGNORECASE,
)
_AT_AN_AGE = re.compile(r"\bat (?:the |an )?age (?:of )?\d|\bat birth\b", re.IGNORECASE)
"""The time of a value that is not the present one."""
_WHEN = "when it was measured"
_JOINED = "how its limits are joined"
"""What a verdict depends on if no limit of a line decides alone."""


class LineTest(NamedTuple):
    """A criterion's limits, compiled.

    Attributes:
        test: The test of the whole line.
        rest: The words that nothing covers.
        ages_decide: Whether a patient who fails the line's ages fails the line.
    """

    test: Test
    rest: tuple[str, ...]
    ages_decide: bool


def plan_limits(
    criterion: Criterion,
    base: int,
    idle: frozenset[str],
    sex: Sex | None,
    *,
    required: bool,
) -> LineTest:
    """Compile a criterion that has limits.

    Args:
        criterion: The criterion.
        base: Its offset in its section.
        idle: The words that need no test.
        sex: The sex of the trial's participants.
        required: Whether the line must be true to let a patient in.
    """
    masked = _mask(criterion, base)
    idle |= _list_named_twice(criterion)
    line = read_around_tests(masked, idle, required=required)
    limits = _list_tests(criterion, base, required=required)
    if line.names_people:
        for place, limit in enumerate(criterion.constraints):
            if not limit.condition:
                limits[place] = _concern_some(limits[place])
    ages = {place for place, one in enumerate(limits) if _is_of_age(one)}
    alone = find_alone(masked, idle, ages)
    if has_phrase("match_otherwise", criterion.quote):
        alone = frozenset()
    if line.rest and len(limits) == 1 and is_alternative_to_words(masked, idle):
        test = _join_open_alternative(line, limits[0], required=required)
    else:
        test = _join(criterion, line, limits, alone, required=required)
    if len(ages) < len(limits) and _AT_AN_AGE.search(criterion.quote):
        test = Test("", parts=(test,), keeps_out=_WHEN, lets_in=_WHEN)
    sexes = {item.sex for item in line.items if item.sex}
    of_some = {limits[place].when for place in ages}
    is_about_one = len(sexes) == 1 and sex not in sexes and not line.subject
    if required and len(of_some) == 1 and not sexes:
        # "18-35-year-old women"
        [when] = of_some
        sexes = {SEXES[int(one.low)] for one in when if one.quantity == "sex"}
        is_about_one = len(sexes) == 1
    if required and is_about_one:
        [named] = sexes
        # it may be about the women among the participants
        test = limit_to(test, named)
    return LineTest(test, line.rest, bool(ages) and ages <= alone)


def _list_named_twice(criterion: Criterion) -> frozenset[str]:
    """Return the name of a quantity before a bracket that limits it: "Elevated blood PTH (intact
    PTH > 77 pg/mL)".
    """
    named = set()
    for limit in criterion.constraints:
        words = spell_words(limit.quantity)
        found = _ABNORMAL.search(criterion.quote)
        if found and words and spell_words(found["name"])[-1:] == words[-1:]:
            named.add(words[-1])
    return frozenset(named)


def _join_open_alternative(line: Line, limit: Test, *, required: bool) -> Test:
    """Return the test of a limit or else words that nothing covers: the limit alone is enough, but
    the words may be true without it.
    """
    uncovered = f"more words: {' '.join(line.rest)}"
    if required:
        return Test("", parts=(limit,), keeps_out=uncovered)
    return Test("", parts=(limit,), lets_in=uncovered)


def limit_to(test: Test, sex: str) -> Test:
    """Return a test that decides nothing for people of the other sex."""
    other = next(each for each in SEXES if each != sex)
    obstacle = "for whom it applies"
    of_others = Test("", parts=(test,), keeps_out=obstacle, lets_in=obstacle)
    return Test(
        "",
        parts=(
            test._replace(when=(*test.when, of_sex(sex))),
            of_others._replace(when=(of_sex(other),)),
        ),
    )


def find_lowest(pieces: Iterable[Evidence]) -> float:
    """Return the lowest confidence of evidence. A person's annotation, which has none, is sure."""
    stated = [one.confidence for one in pieces if one.confidence is not None]
    return min(stated, default=1.0)


def _concern_some(test: Test) -> Test:
    """Return the test of a limit that may be one of the people whom another limit names."""
    return test._replace(keeps_out=test.keeps_out or "for whom it applies")


def _is_of_age(test: Test) -> bool:
    return any(part.quantity == "age" for part in (test, *test.parts))


def _mask(criterion: Criterion, base: int) -> str:
    """Return the words of a criterion, with a mark for those that its limits, times and exceptions
    cover. The time of a limit is left if it is doubtful, or long, because the value may be an old
    one.
    """
    recent = {
        f"time_windows[{place}]"
        for place, window in enumerate(criterion.time_windows)
        if window.value * DAYS.get(window.unit, inf) <= _RECENT_DAYS
    }
    text = [*criterion.quote]
    for piece in criterion.evidence:
        whole, _, part = piece.field.partition(".")
        start, end = max(0, piece.start - base), piece.end - base
        if whole.startswith("constraints["):
            mark = chr(FIRST_MARK + int(whole[len("constraints[") : -1]))
            start = skip_joint(criterion.quote, start)
        elif whole.startswith("has_exception"):
            mark = " "
        elif whole in recent and part in ("", "anchor"):
            if find_lowest([piece]) < DOUBTFUL_BELOW:
                continue
            mark = " "
        else:
            continue
        for at in range(start, min(end, len(text))):
            # the first limit keeps the words that two limits share
            if ord(text[at]) < FIRST_MARK:
                text[at] = mark
    # the quantity has a mark for these words
    for start, end in find_room_air(criterion.quote):
        for at in range(start, end):
            if ord(text[at]) < FIRST_MARK:
                text[at] = " "
    return "".join(text)


def _join(
    criterion: Criterion,
    line: Line,
    limits: Sequence[Test],
    alone: Set[int],
    *,
    required: bool,
) -> Test:
    """Return the test of a whole line, given those of its limits."""
    counted = _find_counted(criterion)
    if counted and len(limits) > 1:
        obstacle = f"how many: {counted}"
        return Test("", parts=tuple(limits), keeps_out=obstacle, lets_in=obstacle)
    if line.rest:
        return _join_uncovered(criterion, line, limits, alone, required=required)
    if line.need:
        return _join_number_of(line, limits, required=required)
    if line.subject:
        return _join_subject(criterion, line, limits, alone, required=required)
    has_names = any(item.words for item in line.items)
    sexes = {item.sex for item in line.items if item.sex}
    if not has_names and len(sexes) != 1:
        # the tests of several sexes are each about one of them
        by_sex = tuple(_list_by_sex(criterion, line, limits, required=required))
        return Test("", parts=by_sex)
    if _are_mixed(criterion, line):
        return Test("", parts=tuple(limits), keeps_out=_JOINED, lets_in=_JOINED)
    return _join_items(line, limits, required=required)


def _find_counted(criterion: Criterion) -> str:
    """Return the quantity of a limit on what is counted: "episodes"; empty if there is none."""
    for limit in criterion.constraints:
        if not words_of("counted").isdisjoint(spell_words(limit.quantity)):
            return limit.quantity
    return ""


def _join_uncovered(
    criterion: Criterion,
    line: Line,
    limits: Sequence[Test],
    alone: Set[int],
    *,
    required: bool,
) -> Test:
    """Return the test of a line with words that nothing covers: only a required limit in a clause
    of its own decides.
    """
    uncovered = f"more words: {' '.join(line.rest)}"
    if not required or line.need or line.subject:
        parts = tuple(_join_limits(criterion, line, limits, required=required))
        return Test("", parts=parts, keeps_out=uncovered, lets_in=uncovered)
    # whoever fails a clause fails the line
    bound = list(limits)
    for place, one in enumerate(limits):
        if place not in alone:
            bound[place] = one._replace(keeps_out=uncovered)
    parts = tuple(_join_limits(criterion, line, bound, required=required))
    return Test("", parts=parts, lets_in=uncovered)


def _join_number_of(line: Line, limits: Sequence[Test], *, required: bool) -> Test:
    """Return the test of a line that asks for some of its items: "two of: ..."."""
    tests = tuple(_test_item(item, limits, required=required) for item in line.items)
    need = line.need
    if not required:
        # if 2 of 5 exclude, 4 of the 5 must be absent
        need = len(tests) - line.need + 1
    if need < 1 or Joint.NONE in line.joints:
        need = UNDECIDED
    return Test("", parts=tests, need=need)


def _join_subject(
    criterion: Criterion,
    line: Line,
    limits: Sequence[Test],
    alone: Set[int],
    *,
    required: bool,
) -> Test:
    """Return the test of a line that says what some people must be: who is not one of them, is not
    concerned.
    """
    subjects = []
    for item in line.items[: line.subject]:
        test = _test_item(item, limits, required=required)
        if not required:
            test = turn(test)
        subjects.append(test)
    objects = line._replace(
        items=line.items[line.subject :],
        joints=line.joints[line.subject :],
        subject=0,
    )
    if not objects.items:
        return Test("", lets_in="what it says", keeps_out="what it says")
    whole = _join(criterion, objects, limits, alone, required=required)
    obstacle = ""
    if Joint.EITHER in line.joints[: line.subject - 1]:
        obstacle = "for whom it applies"
    whole = whole._replace(shown="whom it is about", when=tuple(subjects))
    return Test("", parts=(whole,), keeps_out=obstacle, lets_in=obstacle)


def _join_items(line: Line, limits: Sequence[Test], *, required: bool) -> Test:
    """Return the test of items that joints join: limits, names and a sex."""
    tests = [_test_item(item, limits, required=required) for item in line.items]
    parts = tuple(tests)
    joints = _simplify_joints(line)
    if joints <= {Joint.BOTH}:
        # an exclusion keeps out only who has all
        return Test("", parts=parts, need=int(not required))
    if joints <= {Joint.EITHER}:
        return Test("", parts=parts, need=int(required))
    obstacle = _JOINED
    names = [item.words for item in line.items if item.words]
    if names:
        obstacle = f"more words: {names[0]}"
    return Test("", parts=parts, keeps_out=obstacle, lets_in=obstacle)


def _simplify_joints(line: Line) -> set[Joint]:
    """Return the joints between the items of a line. A border is as the other joints are, and
    "women with ..." needs none.
    """
    joints = set[Joint]()
    for number, joint in enumerate(line.joints):
        follows_sex = bool(line.items[number].sex) and not line.items[number + 1].sex
        if joint is Joint.NONE and follows_sex:
            joints.add(Joint.BOTH)
        else:
            joints.add(joint)
    for joint in (Joint.BOTH, Joint.EITHER):
        if joints == {Joint.BORDER, joint}:
            return {joint}
    return joints


def _list_by_sex(
    criterion: Criterion, line: Line, limits: Sequence[Test], *, required: bool
) -> Iterator[Test]:
    """Yield the tests of limits, each for the sex that stands before it, if any."""
    by_sex = list(limits)
    sex = ""
    for item in line.items:
        sex = item.sex or sex
        if not sex:
            continue
        for place in item.tests:
            one = by_sex[place]
            by_sex[place] = one._replace(when=(*one.when, of_sex(sex)))
    yield from _join_limits(criterion, line, by_sex, required=required)


def _test_item(item: Item, limits: Sequence[Test], *, required: bool) -> Test:
    if item.sex:
        return of_sex(item.sex, is_that=required)
    if item.words:
        return of_name(
            "has", make_key(item.words), find_wider(item.words), has_it=required
        )
    tests = [limits[place] for place in item.tests]
    if len(tests) == 1:
        return tests[0]
    return Test("", parts=tuple(tests))


def _join_limits(
    criterion: Criterion, line: Line, limits: Sequence[Test], *, required: bool
) -> Iterator[Test]:
    """Yield the tests of limits; those that are alternatives are one test."""
    joints = _list_joints(line)
    if _are_mixed(criterion, line):
        # "A, or B with C", "A; if higher, B": none of them decides alone
        yield Test("", parts=tuple(limits), keeps_out=_JOINED)
        yield Test("", parts=tuple(limits), need=1)
        return
    alternatives = _list_alternatives(criterion, limits)
    excludes = not required
    if excludes and joints and _are_apart(limits):
        # nobody is "under 18 and over 85": each of them keeps out
        yield from limits
        return
    if excludes and joints == {Joint.BOTH}:
        # "A > 3 with B > 2" keeps out only who has both
        yield Test("", parts=tuple(limits), need=1)
        return
    is_either = joints == {Joint.EITHER} and len(alternatives) != len(limits)
    if is_either and excludes:
        yield from limits
        return
    if is_either and not alternatives:
        yield Test("", parts=tuple(limits), keeps_out=_JOINED)
        return
    is_mixed = Joint.BOTH in joints and len(joints) > 1
    if excludes and is_mixed and not alternatives:
        # "A < 1, B < 2 and C < 3" may mean all of them, or any
        alternatives = list(limits)
    if not alternatives:
        clash = _find_clash(limits) if required else ""
        if clash:
            yield Test("", parts=tuple(limits), keeps_out=clash, lets_in=clash)
            return
        yield from limits
        return
    for test in limits:
        if test not in alternatives:
            yield test
    obstacle = ""
    if len(alternatives) == 1:
        # it is an alternative to words: "ANC > 1.0 or adequate marrow"
        obstacle = "an alternative"
    yield Test("", parts=tuple(alternatives), need=1, keeps_out=obstacle)
    if excludes:
        # "A < 1, B < 2 and C < 3" may also mean any of them
        yield Test("", parts=tuple(alternatives), keeps_out="whether all must apply")


def _are_mixed(criterion: Criterion, line: Line) -> bool:
    """Return whether a line joins its limits in two ways, or has one for those who fail another."""
    if len(criterion.constraints) < 2:
        return False
    if has_phrase("match_otherwise", criterion.quote):
        return True
    # "ALT > 3 x ULN with bilirubin > 2 x ULN", read as a condition
    for limit in criterion.constraints:
        if limit.condition and limit.condition.casefold().startswith("with "):
            return True
    # the limits of an item are alternatives: "ferritin < 100 or 100-299"
    has_either = Joint.EITHER in line.joints
    has_either = has_either or any(len(item.tests) > 1 for item in line.items)
    return has_either and Joint.BOTH in line.joints


def _are_apart(limits: Sequence[Test]) -> bool:
    """Return whether two limits of an exclusion have no number in common."""
    if len(limits) != 2 or any(len(limit.parts) != 1 for limit in limits):
        return False
    [one] = limits[0].parts
    [other] = limits[1].parts
    if one.quantity != other.quantity:
        return False
    if _get_time_unit(one) != _get_time_unit(other):
        return False
    low, high = _find_excluded(one)
    other_low, other_high = _find_excluded(other)
    return high <= other_low or other_high <= low


def _get_time_unit(part: Test) -> str:
    """Return the unit of a test, whether or not its ages are completed ones."""
    return str(part.unit).removeprefix("exact ")


def _find_excluded(part: Test) -> tuple[float, float]:
    """Return the numbers that do not pass a test with one end, from the first to the last."""
    if part.outside:
        return part.low, part.high
    if part.low == -inf:
        return part.high, inf
    return -inf, part.low


def _list_joints(line: Line) -> set[Joint]:
    """Return the joints between the limits of a line; none if it has one limit."""
    places = set[int]()
    joints = set[Joint]()
    for number, item in enumerate(line.items):
        places.update(item.tests)
        if number and item.tests:
            joints.add(line.joints[number - 1])
    return joints if len(places) > 1 else set()


def _list_alternatives(criterion: Criterion, limits: Sequence[Test]) -> list[Test]:
    """Return the limits whose evidence says that they are alternatives."""
    proofs = index_evidence(criterion)
    alternatives = []
    for place, test in enumerate(limits):
        pieces = proofs[f"constraints[{place}]"]
        if any(piece.alternative for piece in pieces):
            alternatives.append(test)
    return alternatives


def _find_clash(limits: Sequence[Test]) -> str:
    """Return an obstacle if nobody can meet all limits, as of two groups of people."""
    plain = [limit for limit in limits if len(limit.parts) == 1 and not limit.when]
    groups: dict[tuple[str, str | None], list[Test]] = {}
    lowest: dict[tuple[str, str | None], float] = {}
    for limit in plain:
        key = _get_quantity(limit)
        groups.setdefault(key, []).append(limit)
        lowest[key] = min(lowest.get(key, inf), _get_high(limit))
    for one in plain:
        key = _get_quantity(one)
        low = one.parts[0].low
        if low <= lowest[key]:
            continue
        # only a limit that nobody meets by itself is compared in vain, and two such clash
        for other in groups[key]:
            if one is other:
                continue
            if low > _get_high(other):
                return f"for whom {one.shown} and {other.shown} are"
    return ""


def _get_quantity(limit: Test) -> tuple[str, str | None]:
    """Return the quantity and the unit of a limit with one part."""
    return limit.parts[0].quantity, limit.parts[0].unit


def _get_high(limit: Test) -> float:
    """Return the upper end of a limit with one part."""
    return limit.parts[0].high


def _list_tests(criterion: Criterion, base: int, *, required: bool) -> list[Test]:
    """Return the tests of a criterion's limits, in order."""
    proofs = index_evidence(criterion)
    tests: list[Test] = []
    usual_places: dict[str, int] = {}
    for place, (limit, proof, named) in enumerate(name_limits(criterion)):
        pieces = proofs[f"constraints[{place}]"]
        confidence = find_lowest(pieces)
        if named.canonical_note == "implausible":
            confidence = 0.0
        written = _find_words(criterion, base, limit, proof)
        test = _make_test(limit, named, proof, written, required=required)
        first = usual_places.get(limit.quantity)
        if first is not None:
            main = proofs[f"constraints[{first}]"]
            is_other_side = not required and _is_other_side(
                limit, criterion.constraints[first]
            )
            is_sure = bool(limit.condition) or is_other_side
            if is_sure and _ends_line(criterion, base, main[0], pieces):
                # nothing else can be meant
                confidence = max(confidence, find_lowest(main))
        test = test._replace(confidence=confidence)
        if not limit.condition:
            usual_places.setdefault(limit.quantity, place)
            tests.append(test)
            continue
        if first is None:
            usual = _find_usual(criterion, limit, proof, written, required=required)
            if usual:
                test = _join_special(usual, test)
            tests.append(test)
            continue
        usual = tests[first]
        continues = _continues(proof, main[0])
        if required and continues:
            tests[first] = _allow_also(usual, test)
            tests.append(tests[first])
            continue
        if _is_looser(test, usual):
            whole = _join_special(usual, test)
            lower = min(confidence, usual.confidence)
            tests[first] = whole._replace(confidence=lower)
            tests.append(whole)
            continue
        tests.append(test)
        # whoever fails the limit fails the other one, too, or either keeps out
        is_enough = continues or _is_looser(usual, test)
        if confidence >= DOUBTFUL_BELOW and is_enough:
            continue
        obstacle = usual.keeps_out or limit.condition
        tests[first] = usual._replace(keeps_out=obstacle)
    return tests


def _join_special(usual: Test, test: Test) -> Test:
    """Return the test of a limit and of another one that some people need to meet instead:
    "creatinine < 2, or < 3 in patients with metastases".
    """
    number = test._replace(when=(), keeps_out="")
    special = Test(test.shown, parts=(*test.when, number), lets_in=test.keeps_out)
    return Test(test.shown, parts=(usual, special), need=1, confidence=test.confidence)


def _is_other_side(limit: Constraint, first: Constraint) -> bool:
    """Return whether two limits are the two ends of one range: "< 50 or > 100"."""
    signs = {limit.comparator.value[0], first.comparator.value[0]}
    if signs != {"<", ">"}:
        return False
    if limit.comparator.value[0] == ">":
        return limit.value > first.value
    return first.value > limit.value


def _ends_line(
    criterion: Criterion, base: int, main: Evidence, pieces: Sequence[Evidence]
) -> bool:
    """Return whether a line is its first limit, directly followed by another one of the same
    quantity with its condition, and nothing else: "BMI >= 30, or >= 27 with hypertension".
    """
    other, *rest = pieces
    if other.start != main.start or not other.quote.startswith(main.quote):
        return False
    if not _AGAIN.match(other.quote, len(main.quote)):
        return False
    end = other.end - base
    for piece in rest:
        if criterion.quote[end : piece.start - base].strip():
            return False
        end = piece.end - base
    return bool(_END.fullmatch(criterion.quote, end))


def _continues(other: Evidence, main: Evidence) -> bool:
    """Return whether a limit is another number of the limit before it: ", or 70" behind
    "Karnofsky 80-100".
    """
    if other.start != main.start or not other.quote.startswith(main.quote):
        return False
    return bool(_OR_ANOTHER.fullmatch(other.quote[len(main.quote) :]))


def _allow_also(usual: Test, special: Test) -> Test:
    """Return the test of a limit, or of another number of it that some people may have. The number
    is as sure as the limit that it continues; for whom it is, only as its own evidence.
    """
    number = special._replace(when=(), keeps_out="", confidence=1.0)
    allowed = [number]
    if special.when:
        people = Test(special.shown, parts=special.when, confidence=special.confidence)
        allowed.insert(0, people)
    also = Test(special.shown, parts=tuple(allowed), lets_in=special.keeps_out)
    return Test(special.shown, parts=(usual, also), need=1)


def _is_looser(test: Test, usual: Test) -> bool:
    """Return whether whoever passes a limit passes the other one, too."""
    for one, other in zip(test.parts, usual.parts, strict=False):
        if one.outside or other.outside or one.unit != other.unit:
            return False
        if one.low > other.low or one.high < other.high:
            return False
    return True


def _find_usual(
    criterion: Criterion,
    limit: Constraint,
    proof: Evidence,
    written: str,
    *,
    required: bool,
) -> Test | None:
    """Return the test of a range without its last number, if only that has the condition: "ECOG
    0-1, or 2 if due to the tumour".
    """
    if not required or not _OR_NUMBER.search(proof.quote):
        return None
    numbers = [float(number) for number in _NUMBER.findall(proof.quote)]
    if len(numbers) < 2:
        return None
    last = numbers.pop()
    if last not in (limit.value, limit.value_high):
        return None
    usual = limit.model_copy(
        update={
            "value": min(numbers),
            "value_high": max(numbers),
            "comparator": Comparator.BETWEEN,
            "condition": None,
        }
    )
    [(_, _, renamed)] = name_limits(
        criterion.model_copy(update={"constraints": (usual,)})
    )
    return _make_test(usual, renamed, proof, written, required=required)


def _choose_sign(comparator: Comparator, *, required: bool) -> str:
    """Return the comparator of the numbers that let a patient in."""
    if required:
        return comparator.value
    if comparator.opposite:
        return comparator.opposite.value
    if comparator is Comparator.BETWEEN:
        return "outside"
    return "<>"


def _make_test(
    limit: Constraint,
    named: CanonicalLimit,
    proof: Evidence,
    words: str,
    *,
    required: bool,
) -> Test:
    """Return the test of a limit, for people of one sex if its evidence names one."""
    sign = _choose_sign(limit.comparator, required=required)
    quantity = name_value(named) or ""
    when, condition = _read_condition(limit.condition or "", proof.sex)
    keeps_out = condition
    lets_in = ""
    if condition and spell_words(condition)[0] not in words_of("neutral", "links"):
        lets_in = condition
    if condition.startswith(("unless", "except")):
        lets_in = ""
    is_fuzzy = quantity == "age" and limit.comparator is Comparator.MORE
    tests = []
    for part, usual_unit, numbers in _list_quantities(quantity, named, limit):
        unit = usual_unit
        if is_fuzzy:
            unit = f"exact {usual_unit}"
        key = key_quantity(part, words)
        test = of_bounds(str(limit), key, unit, sign, *numbers)
        tests.append(test._replace(written=named.unit_ucum))
    # "ALT and AST" must both be below an inclusion's limit, and "ALT or AST" above an exclusion's
    # limit is enough to be kept out; "ALT or AST" of an inclusion does not tell which
    has_and = "and" in spell_words(limit.quantity)
    if len(tests) > 1 and has_and is not required:
        keeps_out = "which of them"
    return Test(
        str(limit), parts=tuple(tests), when=when, keeps_out=keeps_out, lets_in=lets_in
    )


def _find_words(
    criterion: Criterion, base: int, limit: Constraint, proof: Evidence
) -> str:
    """Return the words that name a limit's quantity, with those between them and the number that
    make it another one.
    """
    start = proof.start - base
    skipped = skip_joint(criterion.quote, start) - start
    # the words behind the number are its unit
    covered = re.split(r"\d", proof.quote[max(0, skipped) :])[0]
    words = spell_words(covered)
    named = list(spell_words(limit.quantity))
    if skipped:
        left = spell_words(proof.quote[skipped:])
        named = [word for word in named if word in left]
    marks = words_of("qualifiers", "others").difference(named)
    inside = [word for word in words if word in marks]
    if find_room_air(criterion.quote):
        inside.append(ROOM_AIR)
    return " ".join((*named, *inside))


def _list_quantities(
    quantity: str, named: CanonicalLimit, limit: Constraint
) -> Iterator[tuple[str, str | None, tuple[float, float | None]]]:
    """Yield the quantities that a limit bounds, with the unit and the two ends, of which the second
    is None for a limit with one end.
    """
    written = limit.value, limit.value_high
    if quantity == "age":
        yield quantity, _AGE_UNITS.get(named.unit_ucum or "", "year"), written
        return
    ends = written
    if named.value_canonical is not None:
        ends = named.value_canonical, named.value_high_canonical
    elif limit.value_high is None:
        percent = read_fraction(quantity, limit.value, limit.unit)
        if percent:
            yield quantity, "%", (percent, None)
            return
    known = list_quantities().get(quantity)
    parts = quantity.split("|")
    # one name for two quantities: "alt_or_ast"
    if known and ("_or_" in quantity or "_and_" in quantity):
        parts = sorted(known.both)
    for part in parts:
        yield part, named.unit_canonical or named.unit_ucum or limit.unit, ends


def _read_condition(written: str, sex: Sex | None) -> tuple[tuple[Test, ...], str]:
    """Return tests of whether a condition applies to a patient, and the condition as written if
    they do not decide that, or else "". ``sex`` is the sex to which the limit applies; without one,
    a condition that names a sex is open: "except in men".
    """
    of_one_sex: tuple[Test, ...] = ()
    if sex in SEXES:
        of_one_sex = (of_sex(sex),)
    if not written:
        return of_one_sex, ""
    excepts = _EXCEPT.match(written)
    if excepts and not of_one_sex:
        return _read_exception(written, written[excepts.end() :])
    words = spell_words(_OR_OLDER.sub(" ", written))
    ages = _read_ages(written, words)
    when = (*of_one_sex, *ages)
    # the words that these tests cover
    covered = words_of("neutral") | {"if"}
    if of_one_sex:
        covered |= set(SEXES_OF)
    if ages:
        covered |= set(_AGE_GROUPS)
        covered |= {word for word in words if word.isdecimal()}
    if when and covered.issuperset(words):
        return when, ""
    idle = _IDLE_IN_CONDITIONS.split()
    named = [word for word in words if word not in idle]
    group = _test_age_group(named)
    if group:
        return (group,), ""
    if not when and _is_plain_name(words, named):
        name = " ".join(named)
        return (of_name("has", make_key(name), find_wider(name)),), ""
    return when, written


def _read_exception(written: str, rest: str) -> tuple[tuple[Test, ...], str]:
    """Return the tests of a condition behind "except" or "unless": whoever meets it is not
    concerned.
    """
    if not set(SEXES_OF).isdisjoint(spell_words(rest)):
        return (), written
    when, undecided = _read_condition(rest, None)
    if undecided or len(when) != 1:
        return (), written
    return (turn(when[0]),), ""


def _read_ages(written: str, words: Sequence[str]) -> tuple[Test, ...]:
    """Return the test of the one present age that a condition states: "if aged 65 years or older",
    but not "over 65 years at diagnosis".
    """
    links = words_of("links") - {"if", "when", "where"}
    if not links.isdisjoint(words) or not _OF_ANOTHER_TIME.isdisjoint(words):
        return ()
    ages = [one for one in find_limits(read_text(written), None) if one.time_unit]
    if len(ages) != 1:
        return ()
    [age] = ages
    unit: str | None = age.time_unit
    if age.comparator is Comparator.MORE:
        # "over 75 years" may mean 75 years and a month
        unit = f"exact {unit}"
    return (of_bounds("age", "age", unit, age.comparator, age.value, age.value_high),)


def _test_age_group(named: Sequence[str]) -> Test | None:
    """Return the test of a condition that is the name of an age: "in adolescents"."""
    if named == ["adolescent"]:
        return of_bounds("age", "age", "year", "between", *_ADOLESCENCE)
    if named == ["adult"]:
        return of_bounds("age", "age", "year", ">=", 18)
    return None


def _is_plain_name(words: Sequence[str], named: Sequence[str]) -> bool:
    """Return whether a condition is the name of one thing."""
    links = words_of("links") - {"if", "when", "where"}
    if not named or "or" in words or not links.isdisjoint(words):
        return False
    return all(word.isalpha() for word in named)
