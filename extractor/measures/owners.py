"""Find the quantity and the condition of a limit, and the unexplained words in its clause."""

from collections.abc import Iterable
from functools import cache

from extractor.language.book import rule, word_list
from extractor.language.lexer import Range, Tokens, cover
from extractor.language.units import read_unit
from extractor.language.values import value_class
from extractor.measures.grammar import LONGEST_SPAN, Chart, Expression

# Chosen by hand.
_SHORTEST_WORD = 3
"""Minimum number of letters in a content word."""
# Chosen by hand.
_LONGEST_NAME = 14
"""Maximum number of tokens in the name of a quantity."""
_PER_TIME = ("/d", "/wk", "/mo", "/a")
# Chosen by hand.
_SHORT_FORM_WORDS = 2
"""Maximum number of words in an abbreviation in brackets."""
# Chosen by hand.
_LONGEST_PIECE = 10
"""Maximum number of tokens in each of several joined quantities."""
_STOP_LISTS = ("function_words", "quantity_fillers", "people", "idle_words")
_VIRUSES = frozenset({"hbv_dna", "hcv_rna", "cmv_dna"})
"""Known quantities whose names are also disease names: "Hepatitis B, hepatitis C, ALT"."""
_JOINTS = frozenset({"and", "or", ","})
_BEFORE_PEOPLE = ("(", "-", "in", "for", "among", "if", "of")
_EXPLAINING = (
    "quantity", "scale", "comparator", "suffix", "gap", "value_people", "age_behind",
    "measure_negation", "unit", "time", "duration",
)  # fmt: skip


@value_class()
class LimitOwner:
    """The quantity and the condition of a limit, as ranges of tokens.

    ``quantity`` is None if the clause does not name a quantity; ``is_known`` is true if the
    vocabulary contains the quantity. ``condition`` states to whom the limit applies.
    """

    quantity: Range | None = None
    is_known: bool = False
    condition: Range | None = None


def find_owner(
    chart: Chart,
    tokens: Tokens,
    clause: Range,
    value: Expression,
    *,
    follows: bool,
    is_case: bool = False,
) -> LimitOwner:
    """Return the quantity and the condition of a limit in a clause. If the limit ``follows``
    another limit, the two may share a quantity. ``is_case`` means that a neighbouring limit is for
    another case of the same quantity.

    The quantity is the first of the following that is found: a name within the limit itself, the
    noun that its unit or number counts, the words before the limit, or, unless the limit
    ``follows`` another, a known quantity or a noun after it. ``chart`` contains the line's spans,
    and ``value`` is the span of the limit.
    """
    first, end = clause
    is_further = is_case
    # the second limit in "<= 3 x ULN, or <= 5 x ULN with liver metastases"
    if follows or len(value.value) > 1:
        is_multiple = read_unit(value.value[-1].amount.unit) == "{ULN}"
        is_further = is_case or is_multiple
    after = _find_condition(chart, tokens, value.end, end, is_further=is_further)
    before, phrase = _split_phrase(
        chart, tokens, first, value.first, is_further=is_further
    )
    condition = after or before
    # in "Hb in men >= 13, in women >= 12", the women belong to the next limit
    if before and after and chart.at("value_people", after[0]):
        condition = before
    inner = _find_inner(chart, tokens, value, first)
    if inner:
        return LimitOwner(inner, is_known=True, condition=condition)
    words = _find_name(chart, tokens, *phrase)
    is_known = words is not None and names_known(chart, *words)
    if words:
        words = _extend_into(chart, words, value.first)
    counted = _find_counted(chart, tokens, value, end, is_known=is_known)
    if counted:
        return LimitOwner(counted, condition=condition)
    if words or follows:
        return LimitOwner(words, is_known, condition)
    following = _find_following(chart, tokens, value, end)
    if following:
        return LimitOwner(following, is_known=True, condition=condition)
    return LimitOwner(_find_noun(tokens, value.end, end), condition=condition)


def _extend_into(chart: Chart, words: Range, first: int) -> Range:
    """Return a name with the first word of the limit behind it, if both are a known quantity:
    "Gestational age" of "Gestational age of 24 weeks", where the limit is "age of 24 weeks".
    """
    if words[1] != first:
        return words
    for span in chart.at("quantity", words[0]):
        if span.end == first + 1 and span.value != "age":
            return span.place
    return words


def _find_following(
    chart: Chart, tokens: Tokens, value: Expression, end: int
) -> Range | None:
    """Return the known quantity that is named after a limit, before token ``end``. Its name may
    begin with the unit, as in "34 weeks of gestation", or follow directly or after one word, as in
    "> 5 points in MMSE". Return None if there is none.
    """
    for span in chart.between(value.first, value.end + 2, "quantity"):
        start = max(span.first, value.end)
        # "34 weeks of gestation"
        if tokens.words[start : start + 1] == ["of"]:
            start += 1
        name = _trim(tokens, start, span.end)
        if name and span.end <= end:
            return name
    return None


def _find_noun(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the counted noun that begins at token ``first``, or None if none does."""
    noun = rule("counted_noun").starts(tokens, first, end)
    if noun:
        return noun.place("noun")
    return None


def _find_inner(
    chart: Chart, tokens: Tokens, value: Expression, start: int
) -> Range | None:
    """Return the quantity named within a limit or directly after it: "BMI" in "18 < BMI < 30",
    "CD19" in "> 95 % CD19", "Zubrod" in "(< 3 Zubrod, ...)". A general word such as "score" is
    extended to the left, up to ``start``, to include its name.
    """
    unit = value.value[-1].amount.unit
    marker = rule("marker_behind").starts(tokens, value.end)
    if unit == "%" and marker:
        return marker.place("name")
    for part in value.parts:
        if part.kind == "distant":
            # "body weight" in "minimum body weight of 40 kg", without its first word
            return _trim(tokens, part.first + 1, part.end)
        if part.kind == "scale":
            name = _trim(tokens, part.first, part.end)
            if name and rule("general_scale").starts(tokens, name[0]):
                return _find_name(chart, tokens, start, name[1])
            return name
    # a score behind its number: "after >= 2 lines of therapy"
    if unit is None and not chart.ending("quantity", value.first):
        for span in chart.at("quantity", value.end):
            if tokens.code_at(span.end) in ("", ",", ";", ")"):
                return span.place
    return _find_named_inside(chart, value)


def _find_named_inside(chart: Chart, value: Expression) -> Range | None:
    """Return the first known quantity that is named within a limit but is not part of the limit's
    number, unit ("bpm" in "> 100 bpm" names the heart rate) or comparator; None if there is none.
    An age is not returned.
    """
    parts = chart.between(value.first, value.end, "number", "unit", "comparator")
    for span in chart.between(value.first, value.end, "quantity"):
        is_in_part = any(
            part.first <= span.first and span.end <= part.end for part in parts
        )
        # a name may begin within the limit and end after it
        if span.end <= value.end and not is_in_part and span.value != "age":
            return span.place
    return None


def _find_counted(
    chart: Chart, tokens: Tokens, value: Expression, end: int, *, is_known: bool
) -> Range | None:
    """Return the noun that a limit counts: "prednisone" in "> 10 mg prednisone per day",
    "cigarettes" in "> 10 cigarettes/day", or the noun after a number without a unit. In the last
    two cases, a known quantity before the number takes precedence, unless its words count something
    ("number of ..."). Return None if the limit counts nothing.
    """
    # the unit may be before a comparator: "10 cigarettes a day or more"
    unit_end = value.end
    inside = chart.between(value.first, value.end, "unit")
    unit_ends = [unit.end for unit in inside if unit.end <= value.end]
    if unit_ends:
        unit_end = max(unit_ends)
    units = chart.ending("unit", unit_end)
    first = min((unit.first for unit in units), default=value.end)
    if any(unit.rule == "rate_apart" for unit in units):
        return _find_substance(chart, tokens, first, unit_end)
    unit = value.value[-1].amount.unit
    if unit is None:
        if is_known and not rule("counts_behind").ends(tokens, value.first):
            return None
        return _find_noun(tokens, value.end, end)
    if is_known:
        return None
    # the code of "cigarettes/day" is "{cigarettes}/d", and the noun is its first word
    code = read_unit(unit)
    if code and code.startswith("{") and code.endswith(_PER_TIME):
        return first, first + 1
    return None


def _find_substance(chart: Chart, tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the words between a unit and its rate: "prednisone" in "mg prednisone per day". If
    there is no unit, return the noun before the rate: "3 glasses of wine a day".

    The tokens ``first:end`` are the unit, the words and the rate.
    """
    start = min(span.end for span in chart.at("unit", first))
    # without a unit, only the whole expression is a unit span
    if start == end:
        start = first
    if tokens.words[start].lower() == "of":
        start += 1
    rate = rule("rate_behind").search(tokens, first, end)
    if rate:
        end = rate.first
    return _find_noun(tokens, start, end)


def names_known(chart: Chart, first: int, end: int) -> bool:
    """Return whether a known quantity or scale, other than age, is named in the given tokens."""
    names = chart.between(first, end, "quantity", "scale")
    return any(name.end <= end and name.value != "age" for name in names)


def _split_phrase(
    chart: Chart, tokens: Tokens, first: int, end: int, *, is_further: bool
) -> tuple[Range | None, Range]:
    """Split the tokens before a limit into its condition, or None, and the remaining tokens: "In
    men, Hb", "Cohort B: HbA1c", "Ferritin: women".
    """
    # "(Asian participants 23-37 kg/m2)" after another limit
    prefix = rule("people_of_case").search(tokens, first, end)
    if prefix:
        return prefix.place("words"), (prefix.end, end)
    # "men and women" is no condition
    if rule("all_sexes").search(tokens, first, end):
        return None, (first, end)
    for people in chart.between(first, end, "value_people"):
        # the people may be named across the beginning of the limit
        if people.end > end:
            continue
        split = _split_people(chart, tokens, people, (first, end))
        if split:
            return split
    opening = rule("condition_opening").search(tokens, first, end)
    if opening is None:
        return None, (first, end)
    # "If transfused, Hb"
    comma = tokens.codes.find(",", opening.end, end)
    if comma >= 0:
        return (opening.first, comma), (comma + 1, end)
    # "or, if liver metastases are present," before "<= 5 x ULN"
    if is_further:
        return (opening.first, end), (first, opening.first)
    return None, (first, end)


def _split_people(
    chart: Chart, tokens: Tokens, people: Expression, clause: Range
) -> tuple[Range, Range] | None:
    """Split the tokens before a limit into the people to whom it applies and the remaining tokens;
    return None if the people are not a condition of the limit.
    """
    first, end = clause
    # as in "Ferritin: women >= 10 ng/mL" or "women: ferritin >= 10 ng/mL"
    if people.end == end or tokens.codes[people.end] in ":;":
        condition = strip_bracket(tokens, people.place)
        behind = [word for word in tokens.words[people.end : end] if word[0].isalnum()]
        # as in "Waist in women: at a level > 88 cm"
        if _list_idle_words().issuperset(map(str.lower, behind)):
            return condition, (first, people.first)
        return condition, (people.end, end)
    # "Men must be 18 to 60 years old"
    if rule("people_are").covers(tokens, people.end, end):
        return people.place, (first, people.first)
    if not names_known(chart, people.end, end):
        return None
    # as in "In men, Hb >= 13 g/dL"
    if tokens.words[people.first].lower() in ("in", "for"):
        return people.place, (people.end, end)
    # "Men with a waist over 102 cm"
    if people.first <= first + 1 and tokens.words[people.end].lower() == "with":
        # a "," or "and" may come before the people
        start = first
        if tokens.words[first].lower() in _JOINTS:
            start += 1
        return (start, people.end), (people.end + 1, end)
    return None


def strip_bracket(tokens: Tokens, place: Range) -> Range:
    """Return a range without enclosing brackets or a leading dash."""
    first, end = place
    if tokens.codes[first] in "(-":
        first += 1
    if tokens.codes[end - 1] == ")":
        end -= 1
    return first, end


def _find_name(chart: Chart, tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the words before a limit that may name its quantity, or None if there are no content
    words among them.

    The name begins after the last colon, connective or function word that is followed by content
    words. Known quantities that are joined are treated as one name, as in "AST, ALT or ALP", but
    other joined names are not, as in "asthma and BMI".
    """
    lowest, end = _open_bracket(tokens, first, end)
    start = _find_start_of_name(chart, tokens, lowest, end)
    if start is None:
        return None
    moment = rule("moment_behind_name").ends(tokens, end, lowest)
    # "first visit" of "Loss of weight before the first visit of 5 kg"
    if moment and start > moment.first and _has_content(tokens, lowest, moment.first):
        end = moment.first
        start = _find_start_of_name(chart, tokens, lowest, end)
        if start is None:
            return None
    words = _trim(tokens, start, end)
    if words is None:
        return None
    if not _has_content(tokens, *words):
        return None
    start, stop = words
    # as in "platelets less than or equal to (=<) 40"
    for comparator in chart.between(start, stop, "comparator")[:1]:
        stop = comparator.first
    stop = _cut_remark(tokens, start, stop)
    if start >= stop:
        return None
    if rule("names_nobody").covers(tokens, start, stop):
        return None
    # "Aspirin at a dose" of "Aspirin at a dose above 100 mg/day"
    if rule("bare_dose_name").covers(tokens, start, stop):
        drug = rule("drug_at_dose").ends(tokens, start, lowest)
        if drug:
            start = drug.first
    start = max(start, stop - _LONGEST_NAME)
    # "weight-for-length z-score" is one name
    while start > lowest and tokens.gap(start) == "-":
        start -= 1
    return start, stop


def _find_start_of_name(
    chart: Chart, tokens: Tokens, first: int, end: int
) -> int | None:
    """Return the first token of the name that ends before a limit, or None if the words directly
    before the limit do not name anything.
    """
    # "in each eye," ends the limit before
    side = rule("side_behind").starts(tokens, first, end)
    if side:
        first = side.end
    # as in "Liver function: ALT < 3 x ULN"
    colon = tokens.codes.rfind(":", first, end)
    # the colon of "albumin:creatinine ratio" is that of a ratio
    ratio = None
    if colon > first:
        ratio = rule("ratio_behind_colon").starts(tokens, colon)
    if colon >= 0 and ratio is None and _has_content(tokens, colon + 1, end):
        first = colon + 1
    joints = rule("quantity_split").find(tokens, first, end)
    cuts = [joint.end for joint in joints]
    # in "Current smoker or >= 1 pack-year", the name before the "or" is unrelated
    if cuts and not any(map(_is_content, tokens.words[cuts[-1] : end])):
        if not names_known(chart, first, end):
            return None
        if rule("people_who_use").search(tokens, first, end):
            return None
    start = _cut(chart, tokens, first, end, cuts)
    # "AST, ALT or ALP" is cut before "ALP": the list of known quantities is joined again
    start = _join_known(chart, tokens, first, start, end)
    # as in "patients with BMI > 30"
    leads = rule("limited_name_lead").find(tokens, start, end)
    ends_of_leads = [lead.end for lead in leads if not tokens.joined(lead.end)]
    return _cut(chart, tokens, start, end, ends_of_leads)


def _cut(
    chart: Chart, tokens: Tokens, start: int, end: int, cuts: Iterable[int]
) -> int:
    """Return the last of the ``cuts`` at which the name that ends at ``end`` may begin, or
    ``start`` if it cannot begin at any of them.
    """
    for cut in cuts:
        if cut > start and _may_cut(chart, tokens, start, cut, end):
            start = cut
    return start


def _join_known(chart: Chart, tokens: Tokens, first: int, start: int, end: int) -> int:
    """Return the position, no earlier than ``first``, at which the list of known quantities whose
    last member begins at ``start`` starts: the "AST" in "AST, ALT or ALP".
    """
    if not names_known(chart, start, end):
        return start
    joints = list(rule("quantity_split").find(tokens, first, start))
    # a member begins at ``first`` and behind each joint but the last, behind which is ``start``
    members = [first, *(joint.end for joint in joints[:-1])]
    for member, joint in zip(reversed(members), reversed(joints), strict=False):
        # nothing is between the comma and the "or" in ", or"
        if member == joint.first:
            continue
        if not _is_listed(chart, tokens, member, joint.first):
            break
        start = member
    return start


def _is_listed(chart: Chart, tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the given tokens are an item in a list of quantities and do not state a
    value.
    """
    # "Hepatitis B, hepatitis C, ALT < 40": the viruses name diseases
    names = chart.between(first, end, "quantity")
    if any(name.value in _VIRUSES for name in names):
        return False
    if end - first > _LONGEST_PIECE:
        return False
    if rule("valued_word").search(tokens, max(0, first - 2), end):
        return False
    return names_known(chart, first, end)


def _cut_remark(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a name, excluding a trailing remark in brackets: "clearance (as estimated
    by Cockcroft-Gault)". An abbreviation in brackets remains part of the name.
    """
    opening = tokens.codes.rfind("(", first + 1, end)
    if opening < 0 or tokens.codes[end - 1] != ")":
        return end
    words = tokens.read(opening + 1, end - 1).split()
    # "haemoglobin (Hb)", unlike "clearance (as estimated by Cockcroft-Gault)"
    if len(words) > _SHORT_FORM_WORDS:
        return opening
    return end


def _may_cut(chart: Chart, tokens: Tokens, first: int, at: int, end: int) -> bool:
    """Return whether a name may begin at a token: content words follow, no bracket is open there,
    and beginning the name at that token would not cut off the only known quantity.
    """
    if not _has_content(tokens, at, end):
        return False
    # a cut may not part the words of a known quantity
    if any(span.end > at for span in chart.between(at - LONGEST_SPAN, at, "quantity")):
        return False
    if tokens.has_open_bracket(first, at):
        return False
    if names_known(chart, at, end):
        return True
    return not names_known(chart, first, at)


def _open_bracket(tokens: Tokens, first: int, end: int) -> Range:
    """Return the tokens after the last bracket that is still open before a limit, if they include
    words: "asthma (FEV1 > 50 %)". Otherwise, return the tokens before the bracket: "BMI (> 25)".
    """
    for bracket in tokens.list_open_brackets(first, end):
        if _has_content(tokens, bracket + 1, end):
            return bracket + 1, end
        end = bracket
    return first, end


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a range without the words at its ends that do not name anything, or None if nothing
    remains.
    """
    while first < end:
        lead = rule("lead_of_name").starts(tokens, first, end)
        if lead is None or lead.end == first:
            break
        first = lead.end
    while first < end:
        tail = rule("quantity_tail").ends(tokens, end, first)
        if tail is None or tail.first >= end:
            break
        end = tail.first
    if first < end:
        return first, end
    return None


def _find_condition(
    chart: Chart,
    tokens: Tokens,
    value_end: int,
    end: int,
    *,
    is_further: bool,
) -> Range | None:
    """Return the words after a limit, up to the end of its clause, that state to whom or when the
    limit applies. ``is_further`` means that the limit is one of two limits of a quantity: "<= 5 x
    ULN with liver metastases", ">= 9 g/dL without transfusion".

    Return None if no such words follow, if they begin the next limit ("ALT < 3 x ULN, in men Hb >
    13 g/dL"), or if they name both sexes.
    """
    at = value_end
    gap = rule("condition_gap").starts(tokens, value_end, end)
    if gap:
        at = gap.end
    opening = rule("condition_opening").starts(tokens, at, end)
    if opening is None and is_further:
        opening = rule("case_opening").starts(tokens, at, end)
    if opening is None:
        return _find_people_behind(chart, tokens, (value_end, at), end)
    last = end
    # the stop may depend on the last word of the opening: "for men" ("and QTc > 450 ms")
    stop = rule("condition_stop").search(tokens, opening.end - 1, end)
    if stop:
        last = stop.first
    # the "and" in "in group A and <= 3 in group B" begins the next limit
    if tokens.words[last - 1].lower() in _JOINTS:
        last -= 1
    # the words in "ALT < 3 x ULN, in men Hb > 13 g/dL" begin the next limit
    has_joint = not {",", "and"}.isdisjoint(tokens.words[value_end : opening.end])
    is_before_next = end < len(tokens) and last >= end - 1
    if has_joint and is_before_next and names_known(chart, opening.end, end):
        return None
    return _make_condition(tokens, opening.first, last)


def _find_people_behind(
    chart: Chart, tokens: Tokens, starts: Range, end: int
) -> Range | None:
    """Return the people to whom a limit applies, if they begin at one of the two tokens ``starts``,
    directly behind it or behind a gap, and are led by a word such as "in" or end the line. In "Hb
    >= 12 g/dL, women >= 10 g/dL", the people belong to the following limit, and None is returned.
    """
    for span in chart.between(starts[0], starts[1] + 1, "value_people"):
        if span.first not in starts or span.end > end:
            continue
        # "Hb >= 13 g/dL in men"; without such a word, they may lead the next limit
        is_led = tokens.words[span.first].lower() in _BEFORE_PEOPLE
        ends_line = end == len(tokens) and span.end <= end
        if is_led or ends_line:
            return _make_condition(tokens, *span.place)
    return None


def _make_condition(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the tokens of a condition, or None if the condition includes both sexes."""
    reach = min(end + 2, len(tokens))
    if rule("all_sexes").search(tokens, first, reach):
        return None
    return strip_bracket(tokens, (first, end))


@cache
def _list_idle_words() -> frozenset[str]:
    return frozenset[str]().union(*map(word_list, _STOP_LISTS))


def list_unexplained(
    chart: Chart, tokens: Tokens, clause: Range, explained: Iterable[Range]
) -> list[int]:
    """Return the indexes of a clause's content words that are not in any span or explained
    range.
    """
    spans = chart.between(clause[0] - LONGEST_SPAN, clause[1], *_EXPLAINING)
    persons = rule("persons").find(tokens, *clause)
    covered = cover((*spans, *persons))
    for place in explained:
        covered.update(range(*place))
    return [
        at
        for at in range(*clause)
        if at not in covered and _is_content(tokens.words[at])
    ]


def _has_content(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the given tokens contain a word of at least two letters that can name
    something.
    """
    first, end = _trim(tokens, first, end) or (0, 0)
    words = map(tokens.words.__getitem__, range(first, end))
    return any(len(word) > 1 and word[0].isalpha() for word in words)


def _is_content(word: str) -> bool:
    """Return whether a word has at least three letters and is not a function word or filler, in
    the singular or the plural.
    """
    if len(word) < _SHORTEST_WORD:
        return False
    if not word[0].isalpha():
        return False
    folded = word.lower()
    return _list_idle_words().isdisjoint({folded, folded.removesuffix("s")})
