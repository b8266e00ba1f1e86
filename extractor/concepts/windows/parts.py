"""Find what a time window limits, and the moment that it is counted from: places in the tokens
of a line.
"""

from collections.abc import Iterator, Sequence
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
"""The most tokens of a short name."""
_ADJOINING = 2
"""The most tokens between a name and its time, if the two adjoin."""
_LONGEST_KIND = 16
"""The most tokens that tell of which kind a thing is."""
_LONGEST_ROOT = 4
"""Short words that end like a verb are often names: "bed"."""
_ABBREVIATION = 4
"""The most tokens of a short form in brackets, with the brackets."""


class Parts(NamedTuple):
    """The tokens of what a window limits (``of``), and of the moment that it is counted from
    (``anchor``), with "before" or the like; None for what the line does not name.
    """

    of: Range | None = None
    anchor: Range | None = None


@lru_cache(maxsize=32)
def find_parts(tokens: Tokens, windows: tuple[Window, ...]) -> tuple[Parts, ...]:
    """Return the parts of each time window of a line, in the order of ``windows``.

    A window without words of its own has the parts of the window before it, and the moment of the
    next one: "aspirin within 3 days or 5 half-lives before surgery".

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.read import list_windows
    >>> tokens = read_text(
    ...     "Aspirin within 3 days or warfarin within 10 days before biopsy"
    ... )
    >>> windows = list_windows(tokens, None)
    >>> [tokens.read(*parts.of) for parts in find_parts(tokens, windows)]
    ['Aspirin', 'warfarin']
    """
    parts = list[Parts]()
    for at, window in enumerate(windows):
        floor = 0
        last_parts = None
        if at:
            last_parts = parts[-1]
            floor = _find_end_of_last(windows[at - 1], last_parts, window)
        is_last = at + 1 == len(windows)
        stop = len(tokens) if is_last else windows[at + 1].first
        parts.append(_find_parts_of(tokens, window, last_parts, floor, stop))
    shared = _share_anchors(tokens, windows, parts)
    return tuple(_assign_in_order(tokens, windows, shared))


def _find_end_of_last(last: Window, last_parts: Parts, window: Window) -> int:
    """Return the token behind ``last``, the window before ``window``, and behind its parts that
    stand before ``window``.
    """
    end = last.end
    for place in last_parts:
        if place and place[1] <= window.first:
            end = max(end, place[1])
    return end


def _find_parts_of(
    tokens: Tokens, window: Window, last_parts: Parts | None, floor: int, stop: int
) -> Parts:
    """Return the parts of one window.

    What it limits is named behind it with "for", or before it; else, if only joints part the two,
    it is that of the window before it, and so is the moment; else it stands behind the window. If
    only a verb stands before it ("infected within 30 days"), nothing names what it limits.

    Args:
        tokens: The line.
        window: The window.
        last_parts: The parts of the window before it, if there is one.
        floor: The token from which on words before the window may be its own.
        stop: The token at which the words behind the window end that may be its own.
    """
    anchor = _find_anchor(tokens, window)
    of = _find_named_for(tokens, window)
    if of is None:
        of = _find_before(tokens, window, floor)
    elif anchor is None:
        # "6 weeks for nitrosoureas before enrolment": the moment stands behind the name
        anchor = _find_anchor(tokens, window, of[1])
    if of:
        of = _name_listed(tokens, window, of, anchor)
    elif last_parts and _continues(tokens, floor, window.first):
        of = last_parts.of
        if anchor is None and not _has_no_anchor(tokens, window):
            anchor = last_parts.anchor
    elif not _is_only_verb(tokens, window, floor):
        of, anchor = _find_behind(tokens, window, anchor, stop)
        if of is None and last_parts:
            of = last_parts.of
    if of and window.comparator in LOWER:
        of = _keep_absence(tokens, of, floor)
    return Parts(of, anchor)


def _assign_in_order(
    tokens: Tokens, windows: Sequence[Window], parts: list[Parts]
) -> list[Parts]:
    """Return the parts of all windows, in which each of several windows has its own thing where
    "respectively" says so: "blood or plasma within 8 weeks or 1 week, respectively". The list
    ``parts`` is changed. Windows and things that are not equally many stay as they are.
    """
    for last, (of, anchor) in enumerate(parts):
        end = windows[last].end
        # "respectively" stands behind the window or behind its moment
        ends = (end, max(end, anchor[1] if anchor else 0))
        is_in_order = any(rule("each_its_time").starts(tokens, at) for at in ends)
        if of is None or not is_in_order:
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
    """Return the tokens of the things of a list, in order: joints outside brackets part them. Parts
    that name nothing are left out.
    """
    pieces = list[Range]()
    start = first
    for at, depth in _count_brackets(tokens, first, end):
        if depth == 0 and _is_joint(tokens, at):
            pieces.append((start, at))
            start = at + 1
    pieces.append((start, end))
    things = list[Range]()
    for piece_first, piece_end in pieces:
        if piece_first >= piece_end:
            continue
        thing = narrow(tokens, piece_first, piece_end)
        if thing:
            things.append(thing)
    return things


def _count_brackets(tokens: Tokens, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield each token with the number of brackets that are open there: fewer than 0 behind one
    that closes a bracket from before the first token.
    """
    depth = 0
    for at in range(first, end):
        if tokens.codes[at] == "(":
            depth += 1
        elif tokens.codes[at] == ")":
            depth -= 1
        yield at, depth


def _is_joint(tokens: Tokens, at: int) -> bool:
    """Return whether a token joins the items of a list: a comma, "and" or "or"."""
    return tokens.codes[at] == "," or tokens.words[at].lower() in _LISTED


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
    """Return how what the window at index ``at`` limits is named; None if nothing names it. The
    first of the kinds of naming that applies is returned.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.read import list_windows
    >>> tokens = read_text("Major surgery within 4 weeks")
    >>> windows = list_windows(tokens, None)
    >>> describe_naming(tokens, windows, find_parts(tokens, windows), 0).name
    'OPENS'
    """
    place = parts[at].of
    if place is None:
        return None
    window = windows[at]
    first, end = place
    if _find_named_for(tokens, window) == place:
        return Naming.FOR
    if any(earlier.of == place for earlier in parts[:at]):
        return Naming.SHARED
    if first >= window.end:
        return Naming.BEHIND
    adjoins = window.first - end <= _ADJOINING
    if any(_is_joint(tokens, at_word) for at_word in range(first, end)):
        is_short = end - first <= _SHORT_LIST and "(" not in tokens.codes[first:end]
        return Naming.SHORT_LIST if is_short and adjoins else Naming.LIST
    if end - first > _SHORT_NAME:
        return Naming.LONG
    if not adjoins:
        return Naming.APART
    last_end = windows[at - 1].end if at else 0
    start = _open_clause(tokens, max(last_end, first - _NEAR), first)
    if _trim(tokens, start, first) is None:
        return Naming.OPENS
    if rule("treatment_verb").ends(tokens, first, first - _VERB_REACH):
        return Naming.TREATMENT
    return Naming.VERB


def _find_named_for(tokens: Tokens, window: Window) -> Range | None:
    """Return the tokens of what a length of time is for: the nitrosoureas of "within 4 weeks (6
    weeks for nitrosoureas)". None if the length has words of its own that say how it counts, unless
    it stands in brackets and is for a drug.
    """
    match = rule("window_of_other").starts(tokens, window.end)
    if match is None:
        return None
    place = match.place("words")
    # "(within 5 weeks for fluoxetine)", but not "(within 5 weeks for an infection)"
    opens_bracket = tokens.codes[window.first - 1 : window.first] == "("
    is_of_drug = opens_bracket and bool(find_general(tokens, *place))
    has_own_words = not (window.washout or window.borrowed)
    if has_own_words and not is_of_drug:
        return None
    return _trim(tokens, *place)


def _name_listed(
    tokens: Tokens, window: Window, own: Range, anchor: Range | None
) -> Range:
    """Return ``own``, the tokens that name what a window limits, or the list that they only
    announce, if it stands behind a colon: "the following drugs within 2 weeks: aspirin, warfarin".
    """
    end = anchor[1] if anchor else window.end
    announces = rule("announces_list").ends(tokens, own[0], own[0] - _ADJOINING)
    if not announces or tokens.codes[end : end + 1] != ":":
        return own
    return name_line(tokens, end, len(tokens)) or own


def _keep_absence(tokens: Tokens, own: Range, floor: int) -> Range:
    """Return the tokens of what has lasted with the words for its absence in front, which are the
    "no" of "no menses for 12 months"; ``own`` if there are none behind token ``floor``.
    """
    reach = max(floor, own[0] - _ABSENCE_REACH)
    absence = rule("absence_before").ends(tokens, own[0], reach)
    return (absence.first, own[1]) if absence else own


def _find_before(tokens: Tokens, window: Window, floor: int) -> Range | None:
    """Return the tokens before a window that name what it limits, from token ``floor`` on; None if
    none do, or if the words say that the name stands behind. A state behind the window ("12 months
    post-menopausal") goes first.

    An exception is left out: "drugs, except vitamins, within 2 weeks" are drugs. But what has
    lasted belongs to the exception itself: "cancer, except a carcinoma that was cured for 5 years".
    """
    window_first = window.first
    closing = tokens.codes.find(")", window.end)
    behind = tokens.words[closing + 1 : closing + 2]
    words_follow = bool(behind) and behind[0][0].isalpha()
    names_behind = rule("names_behind")
    # "4 weeks must have elapsed since surgery" names the surgery behind
    if words_follow and names_behind.ends(tokens, window_first, window_first - 3):
        return None
    if rule("has_elapsed").starts(tokens, window.end):
        return None
    state = rule("state_behind").starts(tokens, window.end)
    if state:
        return state.first, state.end
    first = _open_clause(tokens, max(floor, window_first - _NEAR), window_first)
    # "For patients who have diabetes, insulin within 4 weeks"
    clause = rule("fronted_clause").starts(tokens, first, window_first)
    if clause:
        first = clause.end
    exception = _find_exception(tokens, first, window_first)
    if exception is None:
        return _name_part(tokens, first, window)
    # "steroids for indications other than asthma": the drug alone is limited
    purpose = rule("for_purpose").ends(tokens, exception.first, first)
    general = (first, purpose.first if purpose else exception.first)
    excepted = (exception.end, window_first)
    if window.comparator in LOWER and purpose is None:
        named = narrow(tokens, *excepted) or narrow(tokens, *general)
    else:
        named = narrow(tokens, *general) or narrow(tokens, *excepted)
    return _take_item(tokens, named, window) if named else None


def _find_exception(tokens: Tokens, first: int, end: int) -> Found | None:
    """Return the match of the words that begin an exception in ``first:end`` ("except", "other
    than"); None if there are none, or if they stand in brackets that also close there.
    """
    exception = rule("excepted").search(tokens, first, end)
    if exception is None or _is_bracketed(tokens, (first, end), exception.end):
        return None
    return exception


def _name_part(tokens: Tokens, first: int, window: Window) -> Range | None:
    """Return the tokens of what the words from token ``first`` up to a window name; None if they
    name nothing.

    Of an examination, it is what was performed: the scan of "no tumour as seen on a scan performed
    within 4 weeks". A clause that tells of which kind a thing is stays with its name: "drugs that
    affect the heart". Of a list, it may be the last item alone (``_take_item``), and explanations
    are cut off.
    """
    end = window.first
    exam = rule("exam_verb").ends(tokens, end, end - 1)
    if exam:
        for exam_by in reversed([*rule("exam_by").find(tokens, first, exam.first)]):
            named = narrow(tokens, exam_by.end, end)
            if named:
                return named
    # "drugs that affect the heart within 4 weeks"
    for clause in rule("relative_present").find(tokens, first, end):
        named = narrow(tokens, first, clause.first)
        if named is None:
            continue
        is_long = end - clause.first > _LONGEST_KIND
        if is_long or rule("sentence_break").search(tokens, clause.first, end):
            continue
        if rule("persons").ends(tokens, named[1], named[1] - 1):
            continue
        whole = _trim(tokens, named[0], end)
        if whole:
            return whole
    named = narrow(tokens, first, end)
    if named is None:
        return None
    item = _take_item(tokens, named, window)
    return _without_aside(tokens, item)


def _take_item(tokens: Tokens, named: Range, window: Window) -> Range:
    """Return the tokens of the last item of the list ``named`` if a window limits it alone, else
    the whole list without an item in front that has a limit of its own. A name without joints stays
    as it is.
    """
    first, end = named
    joints = list[int]()
    for at, depth in _count_brackets(tokens, first, end):
        if depth <= 0 and _is_joint(tokens, at):
            joints.append(at)
    if not joints:
        return named
    if _limits_last_item(tokens, joints, window):
        return _trim(tokens, joints[-1] + 1, end) or named
    start = _start_behind_limit(tokens, first, joints)
    # "steroids > 10 mg/day prednisone or equivalent": the last words are no other item
    if start is None or rule("no_thing").covers(tokens, start, end):
        return named
    return _trim(tokens, start, end) or named


def _limits_last_item(tokens: Tokens, joints: Sequence[int], window: Window) -> bool:
    """Return whether a window limits only the last item of the list before it, which the tokens
    ``joints`` part: the list goes on behind the window ("asthma, surgery within 4 weeks, or
    anaemia"), the window stands in brackets behind three items or more, or the item is planned.
    """
    has_only_commas = all(tokens.words[at] == "," for at in joints)
    goes_on = "," in tokens.codes[window.end : window.end + 2]
    if has_only_commas and goes_on:
        return True
    in_brackets = tokens.codes[window.first - 1 : window.first] == "("
    if in_brackets and len(joints) > 1:
        return True
    # "asthma, or planned surgery within the next year"
    return rule("plans").starts(tokens, joints[-1] + 1) is not None


def _start_behind_limit(
    tokens: Tokens, first: int, joints: Sequence[int]
) -> int | None:
    """Return the token at which the items begin behind one with a limit of its own: the vitamins of
    "IMT > 1.3 mm or vitamins for 4 weeks". None if no item of the list from token ``first`` on has
    a limit, or if the next one has a limit, too, or is joined by "and".
    """
    limit_end = None
    for comparison in rule("comparison").find(tokens, first, joints[-1]):
        if tokens.codes[comparison.end] == NUMBER:
            limit_end = comparison.end
    if limit_end is None:
        return None
    for joint in joints:
        if joint <= limit_end or tokens.codes[joint + 1] == NUMBER:
            continue
        if tokens.words[joint].lower() not in (",", "or"):
            return None
        is_limit_too = rule("comparison").starts(tokens, joint + 1) is not None
        return None if is_limit_too else joint + 1
    return None


def _without_aside(tokens: Tokens, named: Range) -> Range:
    """Return the tokens of a name without the words behind it that explain it: "pain, as defined
    by", or a bracket at its end, "drugs (such as aspirin)". A short form in brackets and a bracket
    that is joined to its word stay.
    """
    first, end = named
    for aside in rule("limited_aside").find(tokens, first + 1, end):
        front = tokens.codes[first : aside.first]
        is_in_brackets = front.count("(") > front.count(")")
        if is_in_brackets:
            continue
        shorter = _trim(tokens, first, aside.first)
        if shorter:
            first, end = shorter
        break
    if tokens.codes[end - 1] != ")":
        return first, end
    opened = tokens.codes.rfind("(", first, end)
    if opened <= first or tokens.joined(opened):
        return first, end
    # the short form in "aspirin (ASA)"
    if end - opened <= _ABBREVIATION:
        return first, end
    return _trim(tokens, first, opened) or (first, end)


def _find_anchor(tokens: Tokens, window: Window, at: int | None = None) -> Range | None:
    """Return the tokens of the moment that a window is counted from, with its "before" or the like;
    None if none is named, or if the window lies between several events ("4 weeks apart").

    The moment stands at token ``at``, or by default directly behind the window. Behind "within", an
    "of" leads to a moment too: "within 4 weeks of baseline".
    """
    start = _find_moment_start(tokens, window) if at is None else at
    moment = rule("window_anchor_words").starts(tokens, start)
    if moment is None:
        opens_within = tokens.words[window.first].lower() == "within"
        if opens_within and not is_past(tokens, window):
            moment = rule("of_within").starts(tokens, start)
    if moment is None or rule("apart").starts(tokens, window.end):
        return None
    return _trim_moment(tokens, *moment.place("words"))


def _find_moment_start(tokens: Tokens, window: Window) -> int:
    """Return the token behind a window at which its moment may begin: directly behind it, or behind
    "respectively", behind what goes on for so long, or behind the drug of half-lives.
    """
    respectively = rule("each_its_time").starts(tokens, window.end)
    if respectively:
        return respectively.end
    # "365 days of enrolment before baseline"
    lasting = rule("lasting_before").starts(tokens, window.end)
    if lasting:
        signs = rule("anchor_sign").find(tokens, window.end + 1, lasting.end)
        return next(signs).first
    # "5 half-lives of the drug before": whose half-lives they are is no moment
    if window.unit is TimeUnit.HALF_LIFE:
        owner = rule("half_life_owner").starts(tokens, window.end)
        return owner.end if owner else window.end
    return window.end


def _trim_moment(tokens: Tokens, first: int, end: int) -> Range:
    """Return the tokens of a moment, ``first:end``, without the words at its end that name nothing.
    A "date" or "period" there belongs to the moment: "the index date". The words "before and
    during" at its start are never cut.
    """
    if rule("at_entry").covers(tokens, first, end):
        return first, end
    # "before and during the study"
    both = rule("before_and_during").starts(tokens, first)
    trimmed_end = _trim_end(tokens, both.end if both else first, end)
    if tokens.words[trimmed_end : trimmed_end + 1] in (["date"], ["period"]):
        trimmed_end += 1
    return first, trimmed_end


def _share_anchors(
    tokens: Tokens, windows: Sequence[Window], parts: list[Parts]
) -> list[Parts]:
    """Return the parts of all windows, in which a window without a moment has that of the next one
    in its clause: "aspirin within 3 days or warfarin within 10 days before surgery". The list
    ``parts`` is changed.
    """
    # from the last window to the first, so that a moment is handed on along a row
    for at in range(len(windows) - 2, -1, -1):
        if parts[at].anchor is not None or _has_no_anchor(tokens, windows[at]):
            continue
        following = parts[at + 1]
        same_thing = parts[at].of == following.of
        if _may_share_anchor(
            tokens, windows[at], windows[at + 1], same_thing=same_thing
        ):
            parts[at] = parts[at]._replace(anchor=following.anchor)
    return parts


def _may_share_anchor(
    tokens: Tokens, window: Window, following: Window, *, same_thing: bool
) -> bool:
    """Return whether a window may count from the moment of the next one, at most 24 tokens behind
    it: both are lower limits, both are upper limits, or both are wash-outs, and they stand in one
    clause or one list. If both limit the ``same_thing``, a clause may end between the two, but not
    with a semicolon.
    """
    between = tokens.codes[window.end : following.first]
    if len(between) > _REACH:
        return False
    are_washouts = window.washout and (following.washout or following.either)
    same_sense = (window.comparator in LOWER) is (following.comparator in LOWER)
    if not (are_washouts or same_sense):
        return False
    if rule("only_before").search(tokens, window.end, following.first):
        return False
    are_in_brackets = all(
        tokens.codes[either.first - 1 : either.first] == "("
        for either in (window, following)
    )
    are_listed = are_washouts or are_in_brackets
    if are_listed and "." not in between:
        return True
    if following.borrowed and between == "(":
        return True
    if ";" in between:
        return False
    return same_thing or frozenset(".)(:").isdisjoint(between)


def is_past(tokens: Tokens, window: Window) -> bool:
    """Return whether a window counts from now, as "in the past year" does."""
    words = tokens.words[window.first : window.end]
    return not BACK.isdisjoint(map(str.lower, words))


def _has_no_anchor(tokens: Tokens, window: Window) -> bool:
    """Return whether a window counts from no moment that is named: from now ("in the past year"),
    or between several events ("at least 4 weeks apart").
    """
    if is_past(tokens, window):
        return True
    return rule("apart").starts(tokens, window.end) is not None


def _continues(tokens: Tokens, floor: int, first: int) -> bool:
    """Return whether only joints, or "before and", stand between a window that ends with its parts
    at token ``floor`` and the next one, which begins at token ``first``.
    """
    if floor >= first or rule("window_joint").covers(tokens, floor, first):
        return True
    # "365 days before and 30 days after"
    return rule("only_before").covers(tokens, floor, first) is not None


def _open_clause(tokens: Tokens, floor: int, end: int) -> int:
    """Return the token at which the words begin that belong to a window at token ``end``: behind
    the nearest bracket that is open there and whose words name what is limited; without such a
    bracket, where the last sentence before ``end`` begins. They do not begin before ``floor``.
    """
    start = start_last_sentence(tokens, floor, end)
    closed = 0
    for at in range(end - 1, start - 1, -1):
        if tokens.codes[at] == ")":
            closed += 1
            continue
        if tokens.codes[at] != "(":
            continue
        # the bracket is one of those that close before the window
        if closed:
            closed -= 1
            continue
        # "stroke (within 3 months)" names nothing in the bracket: it is named in front of it
        if narrow(tokens, at + 1, end):
            return at + 1
    return start


def start_last_sentence(tokens: Tokens, floor: int = 0, end: int | None = None) -> int:
    """Return the token at which the last sentence of the tokens ``floor:end`` begins, by default of
    all tokens: behind the last full stop that a capital follows, else at ``floor``. The full stop
    of an initial ("J. Smith") ends none.

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
        if word != "." or not following[0].isupper():
            continue
        last = tokens.words[at - 1] if at else ""
        is_initial = len(last) == 1 and last not in ")]"
        if not is_initial:
            start = at + 1
    return start


def narrow(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the tokens of ``first:end`` that name what is limited, without the verbs and people
    around them; None if they name nothing.

    It is the name behind the last words that lead to one ("who have received"), with a treatment
    before them to which it is an alternative ("received a drug or participated in a trial"). If no
    name is behind these words, it is before them ("asthma treated with").

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients who have received systemic steroids")
    >>> tokens.read(*narrow(tokens, 0, len(tokens)))
    'systemic steroids'
    """
    place = _trim(tokens, first, end)
    if place is None:
        return None
    leads = list(rule("limited_cut").find(tokens, *place))
    # From the last words that lead to a name to the first: those before stay in what is left.
    for lead in reversed(leads):
        if _is_bracketed(tokens, place, lead.first):
            continue
        behind = narrow(tokens, lead.end, place[1])
        if behind and not _is_fragment(tokens, *behind):
            alternative = _find_alternative(tokens, place[0], lead)
            if alternative:
                return alternative[0], behind[1]
            return behind
        # nothing is named behind these words: look only at what stands before them
        before = _trim(tokens, place[0], lead.first)
        if before is None:
            return None
        place = before
    if _is_fragment(tokens, *place):
        return None
    return place


def _find_alternative(tokens: Tokens, first: int, cut: Found) -> Range | None:
    """Return the tokens of the treatment or event to which another one is an alternative, so that
    one time limits both: the drug of "received a drug or participated in a trial within 30 days".
    ``cut`` are the words that lead to the second.

    None if the time limits the second alone, as in "Allergy to penicillin, or treatment with
    antibiotics within 2 weeks": the first must name a treatment or an event, and no illness that a
    treatment has caused.
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
    """Return whether the tokens ``first:end`` name nothing: they are only a verb, an adverb or an
    adjective. A single word with "ed" or "ly" at its end is one, unless it is short ("bed").
    """
    if rule("limited_fragment").covers(tokens, first, end):
        return True
    if end != first + 1:
        return False
    if len(tokens.words[first]) <= _LONGEST_ROOT:
        return False
    return tokens.words[first].lower().endswith(_ONE_WORD_VERBS)


def _is_only_verb(tokens: Tokens, window: Window, floor: int) -> bool:
    """Return whether a verb stands directly before a window, so that it says what is limited:
    "infected within 30 days". Words that name nothing may stand between. Short words ("bed") are no
    verbs.
    """
    last = _trim_end(tokens, floor, window.first) - 1
    if last < floor:
        return False
    if not tokens.words[last].lower().endswith("ed"):
        return False
    return len(tokens.words[last]) > _LONGEST_ROOT


def _is_bracketed(tokens: Tokens, place: Range, at: int) -> bool:
    """Return whether the token ``at`` stands in brackets that open and close within ``place``."""
    front = tokens.codes[place[0] : at]
    is_open = front.count("(") > front.count(")")
    return is_open and ")" in tokens.codes[at : place[1]]


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the tokens ``first:end`` without those at both ends that name nothing ("any", "the");
    None if the rest names nothing.

    A bracket at the end that is not opened, and one at the start that closes at the end or never,
    go too. A bracket that is a part of the name stays: "(neo)adjuvant chemotherapy".
    """
    end = _trim_end(tokens, first, end)
    end = _drop_unopened(tokens, first, end)
    first = _skip_unit(tokens, first, end)
    while first < end:
        lead = rule("limited_lead").starts(tokens, first, end)
        if lead is None or lead.end <= lead.first:
            break
        # "A1C", "in-centre"
        if tokens.words[first].isalpha() and _is_in_a_word(tokens, lead.end, end):
            break
        if _is_bracket_of_name(tokens, first, end):
            break
        first = _skip_unit(tokens, lead.end, end)
    end = _drop_unopened(tokens, first, end)
    is_named = any(word[0].isalpha() for word in tokens.words[first:end])
    if is_named and not rule("limited_nothing").covers(tokens, first, end):
        return first, end
    return None


def _skip_unit(tokens: Tokens, first: int, end: int) -> int:
    """Return the token behind the unit with which ``first:end`` begin, if a number stands before
    it: the prednisone of "10 mg/day prednisone". Without one, it is ``first``.
    """
    if tokens.codes[first - 1 : first] != NUMBER:
        return first
    unit = rule("unit_of_number").starts(tokens, first, end)
    return unit.end if unit else first


def _drop_unopened(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of the tokens ``first:end`` without a closing bracket that none opens."""
    codes = tokens.codes[first:end]
    if codes.endswith(")") and codes.count(")") > codes.count("("):
        return end - 1
    return end


def _is_bracket_of_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the tokens ``first:end`` begin with words in brackets that are a part of the
    name behind them: "(neo)adjuvant chemotherapy", "(oral) corticosteroids".
    """
    if tokens.codes[first] != "(":
        return False
    close = tokens.codes.find(")", first, end)
    if close < 0 or close == end - 1:
        return False
    # the bracket is a part of a word, as in "(a)symptomatic stroke"
    if tokens.joined(close + 1):
        return True
    # "(or planned) surgery": all words in the brackets name nothing
    at = first + 1
    while at < close:
        lead = rule("limited_lead").starts(tokens, at, close + 1)
        if lead is None or lead.end <= lead.first:
            return True
        at = lead.end
    return False


def _is_in_a_word(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether the token ``at``, before ``end``, is a part of the same word as the token
    before it: joined to it, or by a hyphen and with a further token behind. A stroke and a closing
    bracket ("(prior) surgery") are no part.
    """
    if at >= end:
        return False
    if tokens.joined(at) and tokens.codes[at] not in "/)":
        return True
    # "post-operative infection", but "post-injury" is the time since an injury
    return at + 1 < end and _is_hyphenated(tokens, at)


def _trim_end(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of the tokens ``first:end`` without the last ones that name nothing ("within
    the"); ``first`` if all name nothing. A word that a hyphen joins to the one before it stays:
    "lead-in".
    """
    while first < end:
        tail = rule("limited_tail").ends(tokens, end, first)
        if tail is None or tail.end <= tail.first:
            break
        if first < tail.first and _is_hyphenated(tokens, tail.first):
            break
        end = tail.first
    return end


def _is_hyphenated(tokens: Tokens, at: int) -> bool:
    """Return whether a hyphen joins a token to the one before it, so that both are one word:
    "lead-in".
    """
    return tokens.gap(at) == "-"


def _find_behind(
    tokens: Tokens, window: Window, anchor: Range | None, stop: int
) -> tuple[Range | None, Range | None]:
    """Return the tokens of what a window limits, if they stand behind it, and those of its moment;
    None for what is not named.

    In "at least 2 weeks since surgery", the surgery is what has not gone on since, and so is
    limited; there is no moment. Otherwise the name is searched behind the moment ``anchor``, as far
    as token ``stop``. Without a moment, one may stand behind the name.
    """
    is_onward = anchor is not None and tokens.words[anchor[0]].lower() in _ONWARD
    if is_onward and window.comparator in LOWER:
        anchor = None
    # "365 days of enrolment before baseline": the name stands in front of the moment
    lasting = rule("lasting_before").starts(tokens, window.end)
    start = anchor[1] if anchor and not lasting else window.end
    named = name_line(tokens, start, stop)
    if named is None or anchor:
        return named, anchor
    later = rule("window_anchor_words").starts(tokens, named[1])
    if later is None:
        return named, None
    return named, _trim_moment(tokens, *later.place("words"))


def name_line(
    tokens: Tokens, first: int, end: int, stop: str = "limited_stop"
) -> Range | None:
    """Return the tokens of what the beginning of the tokens ``first:end`` names, as an item below
    "Within 4 weeks before screening:" does; None if they name nothing.

    The words up to the first match of the rule ``stop`` are taken, or, if they name nothing, those
    from there to the next one.
    """
    end = min(end, first + _NEAR)
    stops = [match.first for match in rule(stop).find(tokens, first, end)]
    for at in (*stops, end):
        # "taking or applying drugs": the "or" behind a verb ends no name
        if at < end and rule("limited_cut").ends(tokens, at, first):
            continue
        named = narrow(tokens, first, at)
        if named:
            return named
        first = max(first, at)
    return None


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
    interval = rule("interval_of_items").search(tokens)
    if interval is None:
        return None
    return _trim_moment(tokens, *interval.place("words"))
