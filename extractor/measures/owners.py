"""Whose a limit is: its quantity and its condition; and the words of the clause that nothing
explains.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from extractor.language.book import rule, word_list
from extractor.language.lexer import Range, Tokens
from extractor.language.units import read_unit
from extractor.measures.grammar import LONGEST_SPAN, Chart, Span

_SHORTEST_WORD = 3
_LONGEST_NAME = 14
_PER_TIME = ("/d", "/wk", "/mo", "/a")
_SHORT_FORM_WORDS = 2
"""The most words of a short form in brackets."""
_LONGEST_PIECE = 5
"""The most words of the first of two joined quantities."""
_STOP_LISTS = ("function_words", "quantity_fillers", "people", "idle_words")
_WITHOUT_NORMAL = frozenset({"hbv_dna", "hcv_rna", "cmv_dna"})
_EXPLAINING = (
    "quantity", "scale", "comparator", "suffix", "gap", "people", "of_age", "negation", "unit",
    "time", "duration",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a limit is.

    ``quantity`` are the tokens that name what is limited, None if the clause has none;
    ``is_known``: the vocabulary has it. ``condition`` are those that say to whom it applies.
    """

    quantity: Range | None = None
    is_known: bool = False
    condition: Range | None = None


def find_owner(
    chart: Chart, tokens: Tokens, clause: Range, value: Span, *, follows: bool
) -> Owner:
    """Return the quantity and the condition of a limit. ``clause`` is where they may be;
    ``follows``: another limit stands before it, whose quantity it may share.
    """
    first, end = clause
    code = read_unit(value.value[-1].amount.unit or "")
    is_further = follows and code == "{ULN}"
    condition = find_condition(
        chart,
        tokens,
        value.end,
        end,
        is_further=_has_multiples(value, code, follows=follows),
    )
    before, phrase = _split_phrase(
        chart, tokens, first, value.first, is_further=is_further
    )
    condition = condition or before
    inner = _find_inner(chart, tokens, value, first)
    if inner:
        return Owner(inner, is_known=True, condition=condition)
    substance = _find_substance(chart, tokens, value)
    if substance:
        return Owner(substance, condition=condition)
    scale = _find_scale_behind(chart, tokens, value)
    if scale:
        return Owner(scale, is_known=True, condition=condition)
    words = _find_name(chart, tokens, *phrase, code)
    is_known = words is not None and _names(chart, *words)
    counted = _find_counted(tokens, value, end, is_known=is_known)
    if counted is None and not is_known:
        counted = _find_unit_counted(chart, value, str(code))
    if counted:
        return Owner(counted, condition=condition)
    if words:
        return Owner(words, is_known, condition)
    behind = condition[1] if condition and condition[0] >= value.end else value.end
    named = None
    if not follows:
        named = _find_behind(chart, tokens, behind, end)
    return Owner(*named, condition) if named else Owner(condition=condition)


def _find_inner(chart: Chart, tokens: Tokens, value: Span, start: int) -> Range | None:
    """Return the quantity in a limit or the marker behind its percentage: "BMI" of "18 < BMI < 30",
    "CD19" of "> 95 % CD19". A mere "score" takes in its name, from ``start`` on.
    """
    if value.value[-1].amount.unit == "%":
        marker = rule("marker_behind").starts(tokens, value.end)
        if marker:
            return marker.place("name")
    for part in value.parts:
        if part.kind == "distant":
            return _trim(tokens, part.first + 1, part.end)
        if part.kind == "scale":
            named = _trim(tokens, part.first, part.end)
            if named and rule("general_scale").starts(tokens, named[0]):
                return _find_name(chart, tokens, start, named[1], None)
            return named
        if part.kind == "quantity":
            return part.first, part.end
    places = chart.between(value.first, value.end, "unit", "comparator")
    others = [(one.first, one.end) for one in places]
    for one in chart.between(value.first, value.end, "quantity"):
        is_other = any(_is_inside(one, place) for place in others)
        is_inside = _is_inside(one, (value.first, value.end))
        if is_inside and not is_other and not _is_age_word(one):
            return one.first, one.end
    return None


def _find_counted(
    tokens: Tokens, value: Span, end: int, *, is_known: bool
) -> Range | None:
    """Return what a number without a unit counts: the noun behind it, unless a known quantity is
    directly before it.
    """
    counts = rule("counts_behind").ends(tokens, value.first) is not None
    if value.value[-1].amount.unit is not None or (is_known and not counts):
        return None
    counted = rule("counted_noun").starts(tokens, value.end, end)
    return counted.place("noun") if counted else None


def _is_age_word(span: Span) -> bool:
    return bool(span.value == "age")


def _find_substance(chart: Chart, tokens: Tokens, value: Span) -> Range | None:
    """Return what is taken at a rate, between the unit and the rate: the prednisone of "> 10 mg
    prednisone per day", the alcohol of "> 3 units of alcohol a day".
    """
    for unit in chart.ending("unit", value.end):
        if unit.rule != "rate_apart":
            continue
        ends = [one.end for one in chart.at("unit", unit.first)]
        # without a unit of its own, the thing is counted: "3 glasses of wine a day"
        inner = unit.first if len(ends) == 1 else min(ends)
        of = inner < unit.end and tokens.words[inner].lower() == "of"
        rate = rule("rate_behind").search(tokens, inner, unit.end)
        behind = rate.first if rate else unit.end
        noun = rule("counted_noun").starts(tokens, inner + of, behind)
        return noun.place("noun") if noun else None
    return None


def _find_unit_counted(chart: Chart, value: Span, code: str) -> Range | None:
    """Return what a unit counts: the cigarettes of "> 10 cigarettes/day"."""
    is_count = code.startswith("{") and code.endswith(_PER_TIME)
    starts = [one.first for one in chart.ending("unit", value.end)]
    return (min(starts), min(starts) + 1) if is_count and starts else None


def _find_scale_behind(chart: Chart, tokens: Tokens, value: Span) -> Range | None:
    """Return the known quantity directly behind a number without a unit, with nothing behind it:
    the Zubrod of "(< 3 Zubrod, >= 60 Karnofsky)".
    """
    if value.value[-1].amount.unit is not None:
        return None
    of = value.first > 0 and tokens.words[value.first - 1].lower() == "of"
    if chart.ending("quantity", value.first - of):
        return None
    for one in chart.at("quantity", value.end):
        if one.end == len(tokens) or tokens.codes[one.end] in ",;)":
            return one.first, one.end
    return None


def _is_inside(span: Span, place: Range) -> bool:
    return place[0] <= span.first and span.end <= place[1]


def _find_behind(
    chart: Chart, tokens: Tokens, at: int, end: int
) -> tuple[Range, bool] | None:
    """Return the quantity behind a limit, or what its number counts, and whether it is known."""
    for one in chart.between(at, at + 2, "quantity"):
        if one.end <= end:
            return (one.first, one.end), True
    noun = rule("counted_noun").starts(tokens, at, end)
    return (noun.place("noun"), False) if noun else None


def _has_multiples(value: Span, code: str | None, *, follows: bool) -> bool:
    """Return whether a multiple of normal is not the first one of its line."""
    return code == "{ULN}" and (follows or len(value.value) > 1)


def _is_subject(chart: Chart, tokens: Tokens, people: Span, clause: Range) -> bool:
    """Return whether a clause begins with people: "Men with a waist over 102 cm"."""
    first, end = clause
    if people.first > first + 1 or tokens.words[people.end].lower() != "with":
        return False
    return _names(chart, people.end, end)


def _split_phrase(
    chart: Chart, tokens: Tokens, first: int, end: int, *, is_further: bool
) -> tuple[Range | None, Range]:
    """Return the condition before a limit, and the tokens between it and the limit: "In men, Hb",
    "Cohort B: HbA1c", "Ferritin: women".
    """
    prefix = rule("condition_prefix").search(tokens, first, end)
    if prefix:
        return prefix.place("words"), (prefix.end, end)
    donors = rule("donors_must").starts(tokens, first, end)
    if donors:
        return donors.place("words"), (donors.end, end)
    if rule("all_sexes").search(tokens, first, end):
        return None, (first, end)
    for people in chart.between(first, end, "people"):
        if people.end > end:
            continue
        place = people.first, people.end
        if people.end == end or tokens.codes[people.end] in ":;":
            rest = (first, people.first) if people.end + 1 >= end else (people.end, end)
            return strip_bracket(tokens, place), rest
        if tokens.words[people.first].lower() in ("in", "for") and _names(
            chart, people.end, end
        ):
            return place, (people.end, end)
        if _is_subject(chart, tokens, people, (first, end)):
            is_joined = tokens.words[first].lower() in ("and", "or", ",")
            return (first + is_joined, people.end), (people.end + 1, end)
    opening = rule("condition_opening").search(tokens, first, end)
    if opening is None:
        return None, (first, end)
    comma = tokens.codes.find(",", opening.end, end)
    if comma >= 0:
        return (opening.first, comma), (comma + 1, end)
    if is_further:
        return (opening.first, end), (first, opening.first)
    return None, (first, end)


def _names(chart: Chart, first: int, end: int, unit: str | None = None) -> bool:
    """Return whether a known quantity or scale other than an age is among some tokens. A multiple
    of normal as ``unit`` leaves out viruses, which have no normal value.
    """
    for one in chart.between(first, end, "quantity", "scale"):
        if one.end > end or _is_age_word(one):
            continue
        if unit not in ("{ULN}", "{LLN}") or one.value not in _WITHOUT_NORMAL:
            return True
    return False


def strip_bracket(tokens: Tokens, place: Range) -> Range:
    """Return a range without brackets at its ends."""
    first, end = place
    if tokens.codes[first] == "(":
        first += 1
    if tokens.codes[end - 1] == ")":
        end -= 1
    return first, end


def _find_name(
    chart: Chart, tokens: Tokens, first: int, end: int, unit: str | None
) -> Range | None:
    """Return the words before a limit that may name its quantity; None if none has content."""
    first, end = _open_bracket(tokens, first, end)
    lowest = first
    colon = tokens.codes.rfind(":", first, end)
    if colon >= 0 and _has_content(tokens, colon + 1, end):
        first = colon + 1
    first = _find_last_piece(chart, tokens, first, end, unit)
    for lead in rule("limited_name_lead").find(tokens, first, end):
        if not tokens.joined(lead.end) and _may_cut(
            chart, tokens, first, lead.end, end
        ):
            first = lead.end
    words = _trim(tokens, first, end)
    if words is None or not _has_content(tokens, *words):
        return None
    signs = [one.first for one in chart.between(*words, "comparator")]
    # as in "platelets less than or equal to (=<) 40"
    words = (words[0], min([words[1], *signs]))
    words = words[0], _cut_remark(tokens, *words)
    if words[0] >= words[1] or rule("names_nobody").covers(tokens, *words):
        return None
    start = max(words[0], words[1] - _LONGEST_NAME)
    # "weight-for-length z-score" is one name
    while start > lowest and tokens.gap(start) == "-":
        start -= 1
    return start, words[1]


def _cut_remark(tokens: Tokens, first: int, end: int) -> int:
    """Return where a name ends without the remark in brackets behind it: "clearance (as estimated
    by Cockcroft-Gault)". A short form in brackets stays.
    """
    opening = tokens.codes.rfind("(", first + 1, end)
    words = tokens.read(opening + 1, end - 1).split() if opening > 0 else []
    is_remark = len(words) > _SHORT_FORM_WORDS
    closes = tokens.codes[end - 1] == ")" and tokens.codes.count(")", first, end) == 1
    return opening if is_remark and closes else end


def _may_cut(chart: Chart, tokens: Tokens, first: int, at: int, end: int) -> bool:
    """Return whether a name may begin at a token: words follow it, no bracket is open there, and no
    known quantity is only before it.
    """
    if not _has_content(tokens, at, end):
        return False
    if any(one.end > at for one in chart.between(at - LONGEST_SPAN, at, "quantity")):
        return False
    if tokens.codes.count("(", first, at) > tokens.codes.count(")", first, at):
        return False
    return _names(chart, at, end) or not _names(chart, first, at)


def _open_bracket(tokens: Tokens, first: int, end: int) -> Range:
    """Return the tokens inside the last bracket that is open before a limit, if words are in it,
    else those before it: "asthma (FEV1 > 50 %)", "BMI (> 25)".
    """
    depth = 0
    for at in range(end - 1, first - 1, -1):
        code = tokens.codes[at]
        if code in ")]":
            depth += 1
        elif code in "([" and depth:
            depth -= 1
        elif code in "([":
            if _has_content(tokens, at + 1, end):
                return at + 1, end
            return _open_bracket(tokens, first, at)
    return first, end


def _find_last_piece(
    chart: Chart, tokens: Tokens, first: int, end: int, unit: str | None
) -> int:
    """Return where the last of several joined things begins, with those before it if all of them
    are known quantities: "AST, ALT or ALP", but "asthma and BMI".
    """
    starts = [first]
    for joint in rule("quantity_split").find(tokens, first, end):
        if joint.end <= starts[-1] or not _may_cut(
            chart, tokens, first, joint.end, end
        ):
            continue
        if joint.first == starts[-1] and len(starts) > 1:
            starts.pop()
        starts.append(joint.end)
    start = starts.pop()
    behind = end
    while starts:
        before = starts.pop()
        is_list = _names(chart, before, start, unit) and _names(chart, start, behind)
        has_value = rule("valued_word").search(tokens, max(0, before - 2), start)
        if not is_list or has_value or start - before > 2 * _LONGEST_PIECE:
            break
        behind = start
        start = before
    return start


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a range without the words at its ends that name nothing; None if none is left."""
    while first < end:
        link = rule("bound_link").starts(tokens, first, end)
        lead = link or rule("limited_name_lead").starts(tokens, first, end)
        if lead is None or lead.end == first:
            break
        first = lead.end
    while first < end:
        tail = rule("quantity_tail").ends(tokens, end, first)
        if tail is None or tail.first >= end:
            break
        end = tail.first
    return (first, end) if first < end else None


def _is_behind(tokens: Tokens, people: Span, end: int) -> bool:
    """Return whether people stand behind their limit, and not in front of the next one."""
    if tokens.words[people.first].lower() in ("(", "in", "for", "among", "if", "of"):
        return True
    return end == len(tokens) and people.end <= end


def find_condition(
    chart: Chart,
    tokens: Tokens,
    end_of_value: int,
    end: int,
    *,
    is_further: bool = False,
) -> Range | None:
    """Return the words behind a limit that say to whom or when it applies. Those of a further limit
    are not among them: "ALT < 3 x ULN, in men Hb > 13 g/dL". ``is_further``: the limit is a further
    multiple of normal, "<= 5 x ULN with liver metastases".
    """
    gap = rule("condition_gap").starts(tokens, end_of_value, end)
    at = gap.end if gap else end_of_value
    opening = rule("condition_opening").starts(tokens, at, end)
    for one in chart.between(end_of_value, at + 1, "people"):
        is_beside = one.first in (at, end_of_value) and _is_behind(tokens, one, end)
        if is_beside and not opening:
            return _take_people(tokens, one)
    if opening is None and is_further:
        opening = rule("condition_with").starts(tokens, at, end)
    if opening is None:
        return None
    stop = rule("condition_stop").search(tokens, opening.end, end)
    last = stop.first if stop else end
    # the "and" of "in group A and <= 3 in group B" begins the next limit
    if tokens.words[last - 1].lower() in ("and", "or", ","):
        last -= 1
    is_last = end == len(tokens) or last < end - 1
    between = tokens.words[end_of_value : opening.end]
    has_joint = not {",", "and"}.isdisjoint(between)
    if has_joint and not is_last and _names(chart, opening.end, end):
        return None
    if rule("all_sexes").search(tokens, at, last):
        return None
    return strip_bracket(tokens, (opening.first, last))


def _take_people(tokens: Tokens, people: Span) -> Range | None:
    """Return people behind a limit, to whom it applies; None for people of both sexes."""
    end = min(people.end + 2, len(tokens))
    if rule("all_sexes").search(tokens, people.first, end):
        return None
    return strip_bracket(tokens, (people.first, people.end))


@cache
def _list_idle_words() -> frozenset[str]:
    return frozenset[str]().union(*map(word_list, _STOP_LISTS))


def list_unexplained(
    chart: Chart, tokens: Tokens, clause: Range, explained: Iterable[Range]
) -> list[int]:
    """Return the content words of a clause that are in no span and no explained range."""
    covered: set[int] = set()
    spans = chart.between(clause[0] - LONGEST_SPAN, clause[1], *_EXPLAINING)
    ranges = [(span.first, span.end) for span in spans]
    persons = rule("persons").find(tokens, *clause)
    ranges += [(found.first, found.end) for found in persons]
    for first, end in (*ranges, *explained):
        covered.update(range(first, end))
    return [
        at
        for at in range(*clause)
        if at not in covered and _is_content(tokens.words[at])
    ]


def _has_content(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a word of two letters or more is among some tokens that can name something."""
    words = _trim(tokens, first, end)
    if words is None:
        return False
    return any(
        len(word) > 1 and word[0].isalpha() for word in tokens.words[slice(*words)]
    )


def _is_content(word: str) -> bool:
    is_word = word[0].isalpha() and len(word) >= _SHORTEST_WORD
    folded = word.lower()
    return is_word and not {folded, folded.removesuffix("s")} & _list_idle_words()
