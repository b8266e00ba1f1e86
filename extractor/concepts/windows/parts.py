"""Find what a time window limits, and the moment that it is counted from: places in the tokens
of a line.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from extractor.concepts.doses.names import find_general
from extractor.concepts.limits.bounds import LOWER
from extractor.concepts.windows.read import BACK, Window
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.patterns import Found
from extractor.schemas import TimeUnit

_ONWARD = frozenset({"since", "from", "after", "following", "post"})
_REACH = 24
"""How many tokens behind a window the moment of a later one may stand that is its own, too."""
_NEAR = 60
"""How many tokens before or behind a window are examined."""
_ABSENCE_REACH = 6
"""How many tokens before a name may say that the named thing is absent."""
_ONE_WORD_VERBS = ("ed", "ly")
"""Ends of words that name nothing if they stand alone: verbs and adverbs."""
_LISTED = frozenset({"and", "or"})
_VERB_REACH = 6
"""How many tokens before a name its verb may stand."""
_SHORT_LIST = 7
"""The most tokens of a short list."""
_SHORT_NAME = 6
_ADJOINING = 2
"""The most tokens of a short name, and between a name and its time."""
_LONGEST_KIND = 16
"""The most tokens that tell of which kind a thing is."""
_LONGEST_ROOT = 4
"""Short words that end like a verb are often names: "bed"."""
_ABBREVIATION = 4
"""The most tokens of a short form in brackets, with the brackets."""


class Parts(NamedTuple):
    """Places of what a window limits (``of``), and of the moment that it is counted from."""

    of: Range | None = None
    anchor: Range | None = None


@lru_cache(maxsize=32)
def find_parts(tokens: Tokens, windows: tuple[Window, ...]) -> tuple[Parts, ...]:
    """Return the parts of each time window of a line, which are given in order.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.read import list_windows
    >>> tokens = read_text(
    ...     "Aspirin within 3 days or warfarin within 10 days before biopsy"
    ... )
    >>> [tokens.read(*one.of) for one in find_parts(tokens, list_windows(tokens, None))]
    ['Aspirin', 'warfarin']
    """
    anchors = [_find_anchor(tokens, one) for one in windows]
    parts = list[Parts]()
    for at, window in enumerate(windows):
        last = windows[at - 1] if at else None
        if last:
            floor = max(
                last.end,
                *(
                    place[1]
                    for place in parts[-1]
                    if place and place[1] <= window.first
                ),
                0,
            )
        else:
            floor = 0
        named_for = _find_named_for(tokens, window)
        if named_for and anchors[at] is None:
            anchors[at] = _find_anchor(tokens, window, named_for[1])
        before = named_for or _find_before(tokens, window, floor)
        own = _name_listed(tokens, window, before, anchors[at])
        if own is None and last is not None and _continues(tokens, floor, window.first):
            own = parts[-1].of
            anchor = anchors[at] or (
                None if _has_no_anchor(tokens, window) else anchors[at - 1]
            )
            anchors[at] = anchor
        elif own is None and not _is_only_verb(tokens, window, floor):
            stop = windows[at + 1].first if at + 1 < len(windows) else len(tokens)
            own, anchors[at] = _find_behind(tokens, window, anchors[at], stop)
            own = own or (parts[-1].of if parts else None)
        if own and window.comparator in LOWER:
            own = _keep_absence(tokens, own, floor)
        parts.append(Parts(own, anchors[at]))
    return tuple(_divide(tokens, windows, _share_anchors(tokens, windows, parts)))


def _divide(
    tokens: Tokens, windows: Sequence[Window], parts: list[Parts]
) -> list[Parts]:
    """Give each of several windows its own thing where "respectively" says so: "blood or plasma
    within 8 weeks or 1 week, respectively".
    """
    for last, (of, anchor) in enumerate(parts):
        end = max(windows[last].end, anchor[1] if anchor else 0)
        ends = (windows[last].end, end)
        is_divided = any(rule("each_its_time").starts(tokens, at) for at in ends)
        if of is None or not is_divided:
            continue
        first = last
        while first and parts[first - 1].of == of:
            first -= 1
        things = _cut_things(tokens, *of)
        if len(things) != last + 1 - first:
            continue
        for at, thing in zip(range(first, last + 1), things, strict=True):
            parts[at] = parts[at]._replace(of=thing)
    return parts


def _cut_things(tokens: Tokens, first: int, end: int) -> list[Range]:
    """Return the things of a list outside brackets, in order."""
    starts = [first]
    ends = list[int]()
    depth = 0
    for at in range(first, end):
        code = tokens.codes[at]
        depth += (code == "(") - (code == ")")
        if depth == 0 and (code == "," or tokens.words[at].lower() in _LISTED):
            ends.append(at)
            starts.append(at + 1)
    pieces = zip(starts, [*ends, end], strict=True)
    named = (narrow(tokens, *piece) for piece in pieces if piece[0] < piece[1])
    return [place for place in named if place]


class Naming(StrEnum):
    """How the words stand that name what a time window limits: how sure it is that they are the
    right ones.
    """

    OPENS = "opens its clause, and adjoins its time"
    TREATMENT = "behind a verb of treatment or illness, and adjoins its time"
    VERB = "behind another verb, and adjoins its time"
    SHORT_LIST = "a short list"
    LIST = "a long list"
    LONG = "many words"
    APART = "apart from its time"
    BEHIND = "behind its time"
    SHARED = "that of the time before"
    FOR = "named behind a length of a list"


def describe_naming(
    tokens: Tokens, windows: Sequence[Window], parts: Sequence[Parts], at: int
) -> Naming | None:
    """Return how what a time window limits is named; None if nothing names it.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.read import list_windows
    >>> tokens = read_text("Major surgery within 4 weeks")
    >>> windows = list_windows(tokens, None)
    >>> describe_naming(tokens, windows, find_parts(tokens, windows), 0).name
    'OPENS'
    """
    place = parts[at].of
    window = windows[at]
    if place is None:
        return None
    first, end = place
    adjoins = window.first - end <= _ADJOINING
    is_list = "," in tokens.codes[first:end] or any(
        word.lower() in _LISTED for word in tokens.words[first:end]
    )
    is_short_list = (
        end - first <= _SHORT_LIST and "(" not in tokens.codes[first:end] and adjoins
    )
    start = _open_clause(
        tokens, max(windows[at - 1].end if at else 0, first - _NEAR), first
    )
    ways = (
        (_find_named_for(tokens, window) == place, Naming.FOR),
        (any(one.of == place for one in parts[:at]), Naming.SHARED),
        (first >= window.end, Naming.BEHIND),
        (is_list and is_short_list, Naming.SHORT_LIST),
        (is_list, Naming.LIST),
        (end - first > _SHORT_NAME, Naming.LONG),
        (not adjoins, Naming.APART),
        (_trim(tokens, start, first) is None, Naming.OPENS),
        (
            rule("treatment_verb").ends(tokens, first, first - _VERB_REACH),
            Naming.TREATMENT,
        ),
    )
    return next((naming for holds, naming in ways if holds), Naming.VERB)


def _find_named_for(tokens: Tokens, window: Window) -> Range | None:
    """Return what a length of time in a list is for: "6 weeks for nitrosoureas"."""
    found = rule("window_of_other").starts(tokens, window.end)
    if found is None:
        return None
    place = found.place("words")
    # "(within 5 weeks for fluoxetine)", but not "(within 5 weeks for an infection)"
    opens_bracket = tokens.codes[window.first - 1 : window.first] == "("
    is_of_drug = opens_bracket and bool(find_general(tokens, *place))
    if window.washout or window.borrowed or is_of_drug:
        return _trim(tokens, *place)
    return None


def _name_listed(
    tokens: Tokens, window: Window, own: Range | None, anchor: Range | None
) -> Range | None:
    """Return what a window limits. A name that only announces a list stands for what is listed
    behind a colon: "the following drugs within 2 weeks: aspirin, warfarin".
    """
    if own is None:
        return None
    end = anchor[1] if anchor else window.end
    announces = rule("announces_list").ends(tokens, own[0], own[0] - _ADJOINING)
    if not announces or tokens.codes[end : end + 1] != ":":
        return own
    return name_line(tokens, end, len(tokens)) or own


def _keep_absence(tokens: Tokens, own: Range, floor: int) -> Range:
    """Return what has lasted with the words for its absence: "no menses" for 12 months."""
    found = rule("absence_before").ends(
        tokens, own[0], max(floor, own[0] - _ABSENCE_REACH)
    )
    return (found.first, own[1]) if found else own


def _find_before(tokens: Tokens, window: Window, floor: int) -> Range | None:
    """Return what stands before a window, without an exception: "drugs, except vitamins, within 2
    weeks" are drugs.

    Something that has lasted belongs to the exception itself: "cancer, except a carcinoma that was
    cured for 5 years".
    """
    behind = tokens.words[tokens.codes.find(")", window.end) + 1 :][:1]
    if (
        behind
        and behind[0][0].isalpha()
        and rule("names_behind").ends(tokens, window.first, window.first - 3)
    ):
        return None
    if rule("has_elapsed").starts(tokens, window.end):
        return None
    state = rule("state_behind").starts(tokens, window.end)
    if state:
        return state.first, state.end
    first = _open_clause(tokens, max(floor, window.first - _NEAR), window.first)
    clause = rule("fronted_clause").starts(tokens, first, window.first)
    if clause:
        first = clause.end
    found = _find_exception(tokens, first, window.first)
    if found:
        purpose = rule("for_purpose").ends(tokens, found.first, first)
        # "steroids for indications other than asthma": the drug alone is limited
        kept_end = purpose.first if purpose else found.first
        halves = (first, kept_end), (found.end, window.first)
        is_of_excepted = window.comparator in LOWER and purpose is None
        named = (
            narrow(tokens, *half)
            for half in (reversed(halves) if is_of_excepted else halves)
        )
        whole = next(filter(None, named), None)
        return _take_item(tokens, whole, window) if whole else None
    return _name_part(tokens, first, window)


def _find_exception(tokens: Tokens, first: int, end: int) -> Found | None:
    """Return the words that begin an exception, outside brackets that close before the end."""
    found = rule("excepted").search(tokens, first, end)
    return (
        found if found and not _is_bracketed(tokens, (first, end), found.end) else None
    )


def _name_part(tokens: Tokens, first: int, window: Window) -> Range | None:
    """Return what the words from a token up to a window name, without what only explains the
    name.
    """
    end = window.first
    exam = rule("exam_verb").ends(tokens, end, end - 1)
    by = [*rule("exam_by").find(tokens, first, exam.first)] if exam else []
    for found in reversed(by):  # "no tumour as seen on a scan performed within"
        named = narrow(tokens, found.end, end)
        if named:
            return named
    for kind in rule("relative_present").find(tokens, first, end):
        named = narrow(tokens, first, kind.first)
        is_long = end - kind.first > _LONGEST_KIND or rule("sentence_break").search(
            tokens, kind.first, end
        )
        people = is_long or (
            named and rule("persons").ends(tokens, named[1], named[1] - 1)
        )
        if named and not people and (whole := _trim(tokens, named[0], end)):
            return whole
    named = narrow(tokens, first, end)
    if named is None:
        return None
    item = _take_item(tokens, named, window)
    return _without_aside(tokens, item)


def _take_item(tokens: Tokens, named: Range, window: Window) -> Range:
    """Return the last item of a list that goes on behind a window: "asthma, surgery within 4 weeks,
    or anaemia".

    The last one is also meant if another item has a limit of its own: "IMT > 1.3 mm or vitamins for
    4 weeks".
    """
    first, end = named
    depth = 0
    joints = list[int]()
    for at in range(first, end):
        code = tokens.codes[at]
        depth += (code == "(") - (code == ")")
        if depth <= 0 and (code == "," or tokens.words[at].lower() in _LISTED):
            joints.append(at)
    if not joints:
        return named
    last = joints[-1]
    words = {tokens.words[at].lower() for at in joints}
    goes_on = "," in tokens.codes[window.end : window.end + 2]
    in_bracket = (
        tokens.codes[window.first - 1 : window.first] == "(" and len(joints) > 1
    )
    if (words == {","} and goes_on) or in_bracket:
        return _trim(tokens, last + 1, end) or named
    # "asthma, or planned surgery within the next year"
    if rule("plans").starts(tokens, last + 1):
        return _trim(tokens, last + 1, end) or named
    limits = [
        found.end
        for found in rule("comparison").find(tokens, first, last)
        if tokens.codes[found.end] == NUMBER
    ]
    behind = [
        at
        for at in joints
        if limits and at > limits[-1] and tokens.codes[at + 1] != NUMBER
    ]
    is_other = bool(behind) and tokens.words[behind[0]].lower() in (",", "or")
    is_other = is_other and not rule("comparison").starts(tokens, behind[0] + 1)
    return (_trim(tokens, behind[0] + 1, end) if is_other else None) or named


def _without_aside(tokens: Tokens, named: Range) -> Range:
    """Return a name without the words behind it that explain it: "drugs (such as aspirin)",
    "pain, as defined by".
    """
    first, end = named
    aside = next(
        (
            one
            for one in rule("limited_aside").find(tokens, first + 1, end)
            if _is_open(tokens, first, one.first)
        ),
        None,
    )
    if aside and (shorter := _trim(tokens, first, aside.first)):
        first, end = shorter
    if tokens.codes[end - 1] == ")":
        opened = tokens.codes.rfind("(", first, end)
        is_long = end - opened > _ABBREVIATION and not tokens.joined(opened)
        shorter = _trim(tokens, first, opened) if opened > first and is_long else None
        first, end = shorter or (first, end)
    return first, end


def _is_open(tokens: Tokens, first: int, at: int) -> bool:
    """Return whether a token stands outside brackets that open behind another token."""
    return tokens.codes.count("(", first, at) <= tokens.codes.count(")", first, at)


def _find_anchor(tokens: Tokens, window: Window, at: int | None = None) -> Range | None:
    """Return the moment that a window is counted from; ``at``: it may stand there, and not
    directly behind it.
    """
    start = _start_moment(tokens, window) if at is None else at
    found = rule("window_anchor_words").starts(tokens, start)
    if (
        found is None
        and tokens.words[window.first].lower() == "within"
        and not is_past(tokens, window)
    ):
        found = rule("of_within").starts(tokens, start)
    if found is None or rule("apart").starts(tokens, window.end):
        return None
    return _trim_moment(tokens, *found.place("words"))


def _start_moment(tokens: Tokens, window: Window) -> int:
    """Return where the moment of a window may stand behind it."""
    each = rule("each_its_time").starts(tokens, window.end)
    if each:
        return each.end
    # "90 days of enrolment before"
    lasting = rule("lasting_before").starts(tokens, window.end)
    if lasting:
        signs = rule("anchor_sign").find(tokens, window.end + 1, lasting.end)
        return next(sign.first for sign in signs)
    # "5 half-lives of the drug before": whose half-lives they are is no moment
    if window.unit is TimeUnit.HALF_LIFE:
        owner = rule("half_life_owner").starts(tokens, window.end)
        return owner.end if owner else window.end
    return window.end


def _trim_moment(tokens: Tokens, first: int, end: int) -> Range:
    """Return the words of a moment without what does not belong to it; "date" belongs to "the
    index date".
    """
    if rule("at_entry").covers(tokens, first, end):
        return first, end
    both = rule("before_and_during").starts(tokens, first)
    trimmed = _trim_end(tokens, both.end if both else first, end)[1]
    is_date = tokens.words[trimmed : trimmed + 1] in (["date"], ["period"])
    return first, trimmed + is_date


def _share_anchors(
    tokens: Tokens, windows: Sequence[Window], parts: list[Parts]
) -> list[Parts]:
    """Give a window the moment of the next one in its clause: "aspirin within 3 or warfarin
    within 10 days before".
    """
    for at in range(len(windows) - 2, -1, -1):
        one = windows[at]
        following = windows[at + 1]
        between = tokens.codes[one.end : following.first]
        in_brackets = all(
            tokens.codes[each.first - 1 : each.first] == "("
            for each in (one, following)
        )
        stands_alone = one.washout and (following.washout or following.either)
        listed = (stands_alone or in_brackets) and "." not in between
        listed = listed or (following.borrowed and between == "(")
        joined = (
            listed
            or frozenset(".;)(:").isdisjoint(between)
            or parts[at].of == parts[at + 1].of
        )
        is_near = len(between) <= _REACH and joined and (listed or ";" not in between)
        is_near = is_near and not rule("only_before").search(
            tokens, one.end, following.first
        )
        alike = stands_alone or (one.comparator in LOWER) is (
            following.comparator in LOWER
        )
        if (
            parts[at].anchor is None
            and is_near
            and alike
            and not _has_no_anchor(tokens, one)
        ):
            parts[at] = parts[at]._replace(anchor=parts[at + 1].anchor)
    return parts


def is_past(tokens: Tokens, window: Window) -> bool:
    """Return whether a window counts from now, as "in the past year" does."""
    return not BACK.isdisjoint(
        word.lower() for word in tokens.words[window.first : window.end]
    )


def _has_no_anchor(tokens: Tokens, window: Window) -> bool:
    """Return whether a window counts from now, or lies between several events."""
    return (
        is_past(tokens, window) or rule("apart").starts(tokens, window.end) is not None
    )


def _continues(tokens: Tokens, floor: int, first: int) -> bool:
    """Return whether only joints stand between a window and the next one."""
    if floor >= first or rule("window_joint").covers(tokens, floor, first):
        return True
    # "365 days before and 30 days after"
    return rule("only_before").covers(tokens, floor, first) is not None


def _open_clause(tokens: Tokens, floor: int, end: int) -> int:
    """Return the start of the words before a window: behind the last sentence, or behind a
    bracket that has words.
    """
    start = start_last_sentence(tokens, floor, end)
    depth = 0
    for at in range(end - 1, start - 1, -1):
        if tokens.codes[at] == ")":
            depth += 1
        elif tokens.codes[at] == "(":
            depth -= 1
            if depth < 0 and narrow(tokens, at + 1, end):
                return at + 1
            depth = max(depth, 0)
    return start


def start_last_sentence(tokens: Tokens, floor: int = 0, end: int | None = None) -> int:
    """Return where the last sentence of some words starts: behind a full stop, with a capital.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Abstain for 4 weeks. Two of these methods:")
    >>> tokens.words[start_last_sentence(tokens)]
    'Two'
    """
    start = floor
    stop = len(tokens) if end is None else end
    for at in range(floor, min(stop, len(tokens) - 1)):
        word = tokens.words[at]
        following = tokens.words[at + 1]
        last = tokens.words[at - 1] if at else ""
        if word == "." and following[0].isupper() and (len(last) > 1 or last in ")]"):
            start = at + 1
    return start


def narrow(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the words that name what is limited, without the verbs and people around them; None if
    there are none.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients who have received systemic steroids")
    >>> tokens.read(*narrow(tokens, 0, len(tokens)))
    'systemic steroids'
    """
    place = _trim(tokens, first, end)
    if place is None:
        return None
    for cut in reversed([*rule("limited_cut").find(tokens, *place)]):
        if _is_bracketed(tokens, place, cut.first):
            continue
        rest = narrow(tokens, cut.end, place[1])
        if rest and not _is_fragment(tokens, *rest):
            alternative = _find_alternative(tokens, place[0], cut)
            return (alternative[0], rest[1]) if alternative else rest
        shorter = _trim(tokens, place[0], cut.first)
        if shorter is None:
            return None
        place = shorter
    return None if _is_fragment(tokens, *place) else place


def _find_alternative(tokens: Tokens, first: int, cut: Found) -> Range | None:
    """Return the treatment or event to which another one is an alternative, so that one time limits
    both: "received a drug or participated in a trial within 30 days". ``cut`` stands before the
    second.

    "Allergy to penicillin, or treatment with antibiotics within 2 weeks" limits the second alone.
    """
    joint = rule("opens_alternative").ends(tokens, cut.first, first)
    if joint is None:
        return None
    sign = rule("shares_time").search(tokens, first, joint.first)
    if sign is None:
        is_verb = rule("shares_time").search(tokens, cut.first, cut.end) is not None
        is_list = "," in tokens.codes[first : joint.first]
        if is_verb or is_list:
            return None
        sign = rule("names_any_treatment").search(tokens, first, joint.first)
    if sign is None or rule("ill_from_treatment").search(tokens, first, sign.first):
        return None
    return narrow(tokens, first, joint.first)


def _is_fragment(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words are only a verb, an adverb or an adjective, which names nothing."""
    if rule("limited_fragment").covers(tokens, first, end):
        return True
    if end != first + 1:
        return False
    if not (len(tokens.words[first]) > _LONGEST_ROOT):
        return False
    return tokens.words[first].lower().endswith(_ONE_WORD_VERBS)


def _is_only_verb(tokens: Tokens, window: Window, floor: int) -> bool:
    """Return whether only a verb says what a window limits: "infected within 30 days"."""
    last = _trim_end(tokens, floor, window.first)[1] - 1
    if not (last >= floor):
        return False
    if not tokens.words[last].lower().endswith("ed"):
        return False
    return len(tokens.words[last]) > _LONGEST_ROOT


def _is_bracketed(tokens: Tokens, place: Range, at: int) -> bool:
    """Return whether a token stands in brackets that open and close in a range."""
    front = tokens.codes[place[0] : at]
    return front.count("(") > front.count(")") and ")" in tokens.codes[at : place[1]]


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a range without the words at its ends that name nothing; None if it has no others."""
    end = _trim_end(tokens, first, end)[1]
    if (
        tokens.codes[first:end].count(")") > tokens.codes[first:end].count("(")
        and tokens.codes[end - 1] == ")"
    ):
        end -= 1
    while (
        first < end
        and (found := rule("limited_lead").starts(tokens, first, end))
        and found.end > found.first
    ):
        glued = (
            found.end < end
            and tokens.joined(found.end)
            and tokens.codes[found.end] != "/"
        )
        # "post-operative infection", but "post-injury" is the time since an injury
        hyphenated = found.end + 1 < end and _is_hyphenated(tokens, found.end)
        if (glued or hyphenated) and tokens.words[first].isalpha():
            break  # "A1C", "in-centre"
        first = found.end
    named = any(word[0].isalpha() for word in tokens.words[first:end])
    if named and not rule("limited_nothing").covers(tokens, first, end):
        return (first, end)
    return None


def _trim_end(tokens: Tokens, first: int, end: int) -> Range:
    while (
        first < end
        and (found := rule("limited_tail").ends(tokens, end, first))
        and found.end > found.first
        and not (first < found.first and _is_hyphenated(tokens, found.first))
    ):
        end = found.first
    return first, end


def _is_hyphenated(tokens: Tokens, at: int) -> bool:
    """Return whether a hyphen joins a token to the one before it, so that both are one word:
    "lead-in".
    """
    return tokens.gap(at) == "-"


def _find_behind(
    tokens: Tokens, window: Window, anchor: Range | None, stop: int
) -> tuple[Range | None, Range | None]:
    """Return what a window limits if that stands behind it, and its moment: "at least 2 weeks
    since surgery".
    """
    if (
        anchor
        and window.comparator in LOWER
        and tokens.words[anchor[0]].lower() in _ONWARD
    ):
        anchor = None  # what it is counted from is what has not gone on since
    # its name stands in front of its moment
    lasting = rule("lasting_before").starts(tokens, window.end)
    start = anchor[1] if anchor and not lasting else window.end
    named = name_line(tokens, start, stop)
    later = (
        rule("window_anchor_words").starts(tokens, named[1])
        if named and not anchor
        else None
    )
    return named, _trim_moment(tokens, *later.place("words")) if later else anchor


def name_line(
    tokens: Tokens, first: int, end: int, stop: str = "limited_stop"
) -> Range | None:
    """Return what the beginning of some words names: an item below "Within 4 weeks before
    screening:".
    """
    end = min(end, first + _NEAR)
    for at in (*(found.first for found in rule(stop).find(tokens, first, end)), end):
        # "taking or applying drugs"
        if at < end and rule("limited_cut").ends(tokens, at, first):
            continue
        named = narrow(tokens, first, at)
        if named:
            return named
        first = max(first, at)
    return None


def find_moment_of_items(tokens: Tokens) -> Range | None:
    """Return the moment from which the times of all items below a line count.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text(
    ...     "Any of these within the specified interval before baseline:"
    ... )
    >>> tokens.read(*find_moment_of_items(tokens))
    'before baseline'
    """
    found = rule("interval_of_items").search(tokens)
    return _trim_moment(tokens, *found.place("words")) if found else None
