"""Find what a time window limits, and the moment that it is counted from."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from extractor.concepts.limits.bounds import LOWER
from extractor.concepts.windows.times import Window
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.patterns import Found
from extractor.schemas import TimeUnit

_REACH = 40
"""The most tokens before a window that may name what it limits."""
_NEAR = 8
_JOINTS = 3
"""The most tokens between two windows that name nothing."""
_MOST_TRIMS = 40


class Parts(NamedTuple):
    """The tokens of what a window limits, of the moment that it is counted from, with "before" or
    the like, and where the name stands: "before", "behind" or "shared"; None for what the line does
    not name.
    """

    of: Range | None = None
    anchor: Range | None = None
    place: str = ""


@lru_cache(maxsize=256)
def find_parts(tokens: Tokens, windows: tuple[Window, ...]) -> tuple[Parts, ...]:
    """Return the parts of each time window of a line, in the order of ``windows``.

    A window without words of its own has the name that the window before it has, and the moment of
    the next one: "aspirin within 3 days or 5 half-lives before surgery".

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.times import find_windows
    >>> tokens = read_text(
    ...     "Aspirin within 3 days or warfarin within 10 days before biopsy"
    ... )
    >>> windows = find_windows(tokens, None)
    >>> [tokens.read(*parts.of) for parts in find_parts(tokens, windows)]
    ['Aspirin', 'warfarin']
    """
    found: list[Parts] = []
    floor = 0
    for at, window in enumerate(windows):
        anchor = _find_anchor(tokens, window)
        event = anchor if _is_event(tokens, anchor) else None
        anchor = None if event else anchor
        end = max(window.length[1], anchor[1] if anchor else 0)
        stop = windows[at + 1].first if at + 1 < len(windows) else len(tokens)
        if event:
            parts = Parts(_trim(tokens, event[0] + 1, event[1]), place="behind")
        else:
            parts = _find_name(tokens, window, (floor, end, stop))
        if parts.of is None and found and found[-1].of:
            parts = Parts(found[-1].of, place="shared")
        found.append(parts._replace(anchor=anchor))
        floor = end
        if parts.place == "behind" and parts.of:
            floor = max(floor, parts.of[1])
    if rule("respective_word").search(tokens) and len(found) > 1:
        # which of them limits what is left to a model
        found = [parts._replace(of=None, place="") for parts in found]
    return _share_anchors(tokens, windows, found)


def _find_name(tokens: Tokens, window: Window, places: tuple[int, int, int]) -> Parts:
    """Return the name of what a window limits: words behind it that can only be its name, else the
    words before it, or those behind it and its moment.

    ``places`` are the end of the window before, that of the window's own words, and the next one.
    """
    floor, end, stop = places
    named = _find_own(tokens, window, places)
    if named:
        return Parts(named, place="behind")
    if not rule("names_behind").ends(tokens, window.first, window.first - 4):
        named = _find_before(tokens, window, floor)
    if named:
        return Parts(named, place="before")
    adjoins = window.first - floor <= _JOINTS
    if floor and (window.borrowed or window.is_alone or adjoins):
        return Parts()
    named = _find_behind(tokens, end, stop)
    if named is None:
        return Parts(_find_before(tokens, window, floor), place="before")
    return Parts(named, place="behind")


def _find_own(
    tokens: Tokens, window: Window, places: tuple[int, int, int]
) -> Range | None:
    """Return words behind a window that can only name what it limits: "6 weeks for nitrosoureas",
    "1 year post-menopausal", "3 months of conservative care".
    """
    floor, end, stop = places
    at = window.length[1]
    own = rule("window_of_other").starts(tokens, at)
    if own and (floor or window.borrowed or window.is_alone):
        named = narrow(tokens, *own.place("words"))
        if named and named[1] <= stop:
            return named
    kept = rule("lasting_before").starts(tokens, at)
    if kept and window.rule == "kept_before":
        return name_line(tokens, kept.first + 1, kept.end)
    state = rule("state_behind").starts(tokens, at)
    if state:
        return (state.first, state.end)
    counted = rule("counted_days").starts(tokens, at)
    if counted and end == at and tokens.words[at].lower() == "of":
        return _find_behind(tokens, end + 1, stop)
    announced = rule("announces_list").search(tokens, floor, window.first)
    if announced and tokens.codes[end : end + 1] == ":":
        return _find_behind(tokens, end, stop)
    return None


def _find_before(tokens: Tokens, window: Window, floor: int) -> Range | None:
    """Return the words before a window that name what it limits, in its sentence."""
    end = window.first
    first = start_last_sentence(tokens, max(floor, end - _REACH), end)
    fronted = rule("fronted_clause").starts(tokens, first, end)
    if fronted:
        first = fronted.end
    for break_ in rule("item_break").find(tokens, first, end):
        if break_.end < end - 1:
            first = break_.end
    first, end = _leave_exception(tokens, first, end)
    exam = rule("exam_verb").ends(tokens, end, end - 1)
    if exam:
        end = exam.first
        done = list(rule("exam_by").find(tokens, first, end))
        first = done[-1].end if done else first
    stage = rule("stage_before").ends(tokens, end, first)
    named = narrow(tokens, first, stage.first if stage else end)
    if named is None:
        return None
    named = _keep_absence(tokens, window, named, first)
    return _take_item(tokens, window, named)


def _keep_absence(tokens: Tokens, window: Window, named: Range, first: int) -> Range:
    """Return a name with the words before it that deny it, if its absence is what has lasted."""
    if window.comparator not in LOWER or window.rule == "compared_window":
        return named
    absent = rule("absence_before").ends(tokens, named[0], first)
    return (absent.first, named[1]) if absent else named


def _take_item(tokens: Tokens, window: Window, named: Range) -> Range:
    """Return the last item of a list that goes on behind the window: "asthma, inhibitors within 14
    days, depression".
    """
    end = window.end
    if tokens.codes[end : end + 1] == ")":
        end += 1
    goes_on = tokens.codes[end : end + 1] == "," and len(tokens) > end + 1
    if not goes_on or window.first > named[1] + 2:
        return named
    joints = rule("joint_word").starts(tokens, end + 1)
    cut = tokens.codes.rfind(",", *named)
    if joints or cut < 0 or rule("whichever_word").starts(tokens, end + 1):
        return named
    return _trim(tokens, cut + 1, named[1]) or named


def _leave_exception(tokens: Tokens, first: int, end: int) -> Range:
    """Return the words before a window without an exception to what it limits. If the window is a
    part of the exception, that is left: "except a carcinoma that was cured for 5 years".
    """
    for found in rule("excepted").find(tokens, first, end):
        purpose = rule("for_purpose").ends(tokens, found.first, first)
        if purpose:
            return first, purpose.first
        behind = tokens.codes[found.end : end]
        if found.first == first:
            continue
        if behind[-1:] in (",", ")"):
            return first, found.first
        if "," not in behind and ")" not in behind:
            return found.end, end
    return first, end


def _find_behind(tokens: Tokens, end: int, stop: int) -> Range | None:
    """Return the words behind a window and its moment that name what it limits."""
    at = end
    while at < stop and tokens.codes[at] in ",:)":
        at += 1
    elapsed = rule("has_elapsed").starts(tokens, at)
    if elapsed:
        at = elapsed.end
    return name_line(tokens, at, stop)


def name_line(
    tokens: Tokens, first: int, end: int, stop: str = "limited_stop"
) -> Range | None:
    """Return the tokens of what the beginning of the tokens ``first:end`` names, as an item below
    "Within 4 weeks before screening:" does; None if they name nothing.

    The words up to the first match of the rule ``stop`` are taken, or, if they name nothing, those
    from there to the next one.
    """
    at = first
    for found in rule(stop).find(tokens, first, end):
        named = narrow(tokens, at, found.first) if found.first > at else None
        if named:
            return named
        at = found.end
    return narrow(tokens, at, end) if at < end else None


def narrow(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the tokens of ``first:end`` that name what is limited, without the verbs and people
    around them; None if they name nothing.

    It is the name behind the last words that lead to one ("who have received"). If no name is
    behind these words, it is before them ("asthma treated with").

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients who have received systemic steroids")
    >>> tokens.read(*narrow(tokens, 0, len(tokens)))
    'systemic steroids'
    """
    cuts = [
        cut
        for cut in rule("limited_cut").find(tokens, first, end)
        if not _is_inside_name(tokens, cut, first, end)
    ]
    for cut in reversed(cuts):
        named = _trim(tokens, cut.end, end)
        if named:
            return _take_alternative(tokens, first, cut, named)
        end = cut.first
    return _trim(tokens, first, end)


def _is_inside_name(tokens: Tokens, cut: Found, first: int, end: int) -> bool:
    """Return whether a cut is in a bracket that is closed before the end, or tells of which kind a
    thing is: "drugs that affect the heart".
    """
    before = tokens.codes[first : cut.first]
    behind = tokens.codes[cut.end : end]
    if before.count("(") > before.count(")") and ")" in behind:
        return True
    return rule("relative_present").starts(tokens, cut.first, end) is not None


def _take_alternative(tokens: Tokens, first: int, cut: Found, named: Range) -> Range:
    """Return a name with the treatment or event before it to which it is an alternative: "received
    a drug or participated in a trial".
    """
    joint = rule("alternative_joint").ends(tokens, cut.first, first)
    if rule("effect_word").search(tokens, first, cut.first):
        return named
    if joint is None or not rule("treatment_verb").occurs(
        tokens, cut.first, named[0] + 2
    ):
        return named
    start = first
    led = False
    for before in rule("limited_cut").find(tokens, first, joint.first):
        start = before.end
        led = rule("took_treatment").starts(tokens, before.first) is not None
    other = _trim(tokens, start, joint.first)
    is_treatment = led or rule("treatment_word").search(tokens, start, joint.first)
    if other is None or not is_treatment:
        return named
    return (other[0], named[1])


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a name without the words around it that do not belong to it; None if nothing is
    left that names something.
    """
    first = _trim_start(tokens, first, end)
    end = _trim_end(tokens, first, end)
    aside = rule("limited_aside").search(tokens, first, end)
    if aside and aside.first > first:
        end = _trim_end(tokens, first, aside.first)
    opened = tokens.codes.rfind("(", first, end)
    if tokens.codes[end - 1 : end] == ")" and NUMBER in tokens.codes[opened:end]:
        # as in "a drug (half-life < 8 hours)"
        end = opened if opened > first else end
    if end <= first:
        return None
    for name in ("limited_nothing", "limited_fragment"):
        if rule(name).covers(tokens, first, end):
            return None
    words = tokens.words[first:end]
    if not any(word[0].isalpha() for word in words):
        return None
    return (first, end)


def _trim_start(tokens: Tokens, first: int, end: int) -> int:
    """Return the first token of a name, behind the words that lead to it. A bracket of the name
    stays: "(neo)adjuvant".
    """
    for _ in range(_MOST_TRIMS):
        announced = rule("announces_list").starts(tokens, first, end)
        counted = tokens.codes[first : first + 1] == NUMBER
        unit = (
            rule("unit_of_number").starts(tokens, first + 1, end) if counted else None
        )
        kept = rule("kept_start").starts(tokens, first, end)
        if kept or first >= end or _opens_word(tokens, first, end):
            return first
        lead = announced or unit or rule("limited_lead").starts(tokens, first, end)
        is_joined = lead and lead.end < end and _is_glued(tokens, lead.end)
        if lead and lead.end > first and not is_joined:
            first = lead.end
        elif counted:
            first += 1
        else:
            return first
    return first


def _opens_word(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a bracket is a part of the word behind it: "(neo)adjuvant"."""
    at = first + 2
    is_closed = (
        tokens.codes[first : first + 1] == "(" and tokens.codes[at : at + 1] == ")"
    )
    return is_closed and at + 1 < end and tokens.ends[at] == tokens.starts[at + 1]


def _is_glued(tokens: Tokens, at: int) -> bool:
    """Return whether a hyphen joins a token to the one before it: "post-operative"."""
    return tokens.gap(at) == "-"


def _trim_end(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a name, before the words behind it that do not belong to it."""
    for _ in range(_MOST_TRIMS):
        tail = rule("limited_tail").ends(tokens, end, first)
        is_open = end > first and tokens.codes[end - 1] == ")"
        if is_open:
            inside = tokens.codes[first:end]
            is_open = inside.count(")") > inside.count("(")
        if tail and tail.first < end:
            end = tail.first
        elif is_open:
            end -= 1
        else:
            return end
    return end


def start_last_sentence(tokens: Tokens, floor: int = 0, end: int | None = None) -> int:
    """Return the token at which the last sentence of the tokens ``floor:end`` begins.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Abstain for 4 weeks. Two of these methods:")
    >>> tokens.words[start_last_sentence(tokens)]
    'Two'
    """
    stop = len(tokens) if end is None else end
    first = floor
    for at in range(floor, stop - 1):
        is_initial = at and len(tokens.words[at - 1]) == 1
        if tokens.words[at] != "." or is_initial:
            continue
        if tokens.words[at + 1][0].isupper():
            first = at + 1
    return first


def is_past(tokens: Tokens, window: Window) -> bool:
    """Return whether a window counts from now, as "in the past year" does."""
    near = max(0, window.first - 2)
    return rule("past_word").search(tokens, near, window.length[1]) is not None


def _find_anchor(tokens: Tokens, window: Window) -> Range | None:
    """Return the words of the moment that a window is counted from, with "before" or the like."""
    at = _skip_own_words(tokens, window)
    if at is None:
        return None
    moment = rule("window_anchor_words").starts(tokens, at)
    if moment is None and window.rule == "looking_back" and not is_past(tokens, window):
        moment = rule("of_within").starts(tokens, at)
    if moment is None:
        return None
    first, end = moment.place("words")
    return first, _trim_moment(tokens, first, end)


def _skip_own_words(tokens: Tokens, window: Window) -> int | None:
    """Return where the moment of a window may begin: behind "or more", a repetition, and what the
    length is for; None if it is counted from no moment.
    """
    at = window.length[1]
    for name in ("apart", "has_elapsed"):
        if rule(name).starts(tokens, at):
            return None
    if window.rule == "kept_before":
        kept = rule("lasting_before").starts(tokens, at)
        end = kept.end if kept else at + 1
        return end - 2 if tokens.words[end - 1].lower() == "to" else end - 1
    for name in ("suffix_behind", "own_treatment", "whichever_word"):
        found = rule(name).starts(tokens, at)
        at = found.end if found else at
    if window.unit is TimeUnit.HALF_LIFE:
        owner = rule("half_life_owner").starts(tokens, at)
        at = owner.end if owner else at
    return at


def _is_event(tokens: Tokens, anchor: Range | None) -> bool:
    """Return whether "post" leads to what has happened, and to no moment of the trial."""
    if anchor is None or tokens.words[anchor[0]].lower() != "post":
        return False
    return rule("moment_word").search(tokens, *anchor) is None


def _trim_moment(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a moment, without joints and brackets that it does not close."""
    while end > first + 1 and tokens.words[end - 1].lower() in (
        "and",
        "or",
        ".",
        ",",
        "the",
        "with",
        "in",
        "(",
        ")",
    ):
        inside = tokens.codes[first:end]
        if tokens.gap(end - 1) == "-":
            break
        if tokens.codes[end - 1] == ")" and inside.count("(") >= inside.count(")"):
            break
        end -= 1
    return end


def _share_anchors(
    tokens: Tokens, windows: Sequence[Window], found: Sequence[Parts]
) -> tuple[Parts, ...]:
    """Return the parts, of which windows without a moment have that of the next one in their
    clause: "within 3 days or 5 half-lives before surgery".
    """
    shared = list(found)
    for at in reversed(range(len(windows) - 1)):
        window = windows[at]
        behind = windows[at + 1]
        if shared[at].anchor or window.rule == "kept_before" or is_past(tokens, window):
            continue
        between = (window.length[1], behind.first)
        joint = rule("joint_word").search(tokens, *between)
        is_joined = joint or "(" in tokens.codes[slice(*between)]
        is_near = between[1] - between[0] <= _NEAR
        same = window.comparator is behind.comparator
        parted = rule("parts_clause").search(tokens, *between)
        if same and is_near and is_joined and not parted:
            shared[at] = shared[at]._replace(anchor=shared[at + 1].anchor)
    return tuple(shared)


def find_moment_of_items(tokens: Tokens) -> Range | None:
    """Return the tokens of the moment from which the times of all items below a line count; None if
    the line names none.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text(
    ...     "Any of these within the specified interval before baseline:"
    ... )
    >>> tokens.read(*find_moment_of_items(tokens))
    'before baseline'
    """
    found = rule("interval_of_items").search(tokens)
    place = found.place("words") if found else None
    return place if place and rule("moment_word").search(tokens, *place) else None
