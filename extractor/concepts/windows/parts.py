"""Find the name of the event or treatment that a time window limits, and the moment from which the
window is counted.
"""

from typing import NamedTuple

from extractor.concepts.windows.times import Window
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens, keep
from extractor.language.passage import split_sentences
from extractor.schemas import TimeUnit

_REACH = 40
"""Maximum number of preceding tokens that may contain a window's name."""
_NEAR = 8
"""Maximum number of tokens between two windows that share a moment."""
_JOINTS = 3
"""Maximum number of tokens between two windows if the second does not have a name."""


class Parts(NamedTuple):
    """The tokens of a window's name (``of``) and of the moment from which it is counted
    (``anchor``), including "before" or a similar word; each is None if the line does not state it.
    ``place`` is the position of the name: "before", "behind" or "shared".
    """

    of: Range | None = None
    anchor: Range | None = None
    place: str = ""


@keep
def find_parts(tokens: Tokens, windows: tuple[Window, ...]) -> tuple[Parts, ...]:
    """Return the parts of each time window in a line, in the order of ``windows``.

    A window without its own words takes its name from the previous window and its moment from the
    next window: "aspirin within 3 days or 5 half-lives before surgery".

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.windows.times import find_windows
    >>> tokens = read_text(
    ...     "Aspirin within 3 days or warfarin within 10 days before biopsy"
    ... )
    >>> windows = find_windows(tokens, None)
    >>> [tokens.read(*parts.of) for parts in find_parts(tokens, windows)]
    ['Aspirin', 'warfarin']
    """
    line_parts: list[Parts] = []
    floor = 0
    for at, window in enumerate(windows):
        anchor = _find_moment(tokens, window)
        if anchor:
            end = anchor[1]
        else:
            end = window.length[1]
        if at + 1 < len(windows):
            stop = windows[at + 1].first
        else:
            stop = len(tokens)
        of, place = _find_name(tokens, window, floor, end, stop)
        if of is None and line_parts:
            of = line_parts[-1].of
            place = "shared"
        line_parts.append(Parts(of, anchor, place if of else ""))
        floor = end
        if not of:
            continue
        if place != "behind":
            continue
        floor = of[1]
    if len(line_parts) > 1 and rule("respective_word").search(tokens):
        # a model has to decide which name belongs to which window
        line_parts = [parts._replace(of=None, place="") for parts in line_parts]
    for at in reversed(range(len(windows) - 1)):
        if line_parts[at].anchor is not None:
            continue
        if not _share_moment(tokens, *windows[at : at + 2]):
            continue
        line_parts[at] = line_parts[at]._replace(anchor=line_parts[at + 1].anchor)
    return tuple(line_parts)


def _find_name(
    tokens: Tokens, window: Window, floor: int, end: int, stop: int
) -> tuple[Range | None, str]:
    """Return the name of a window and its position. The name is searched for, in this order, in
    words directly after its duration that can only be its name ("1 year post-menopausal", "6 weeks
    for nitrosoureas"), in the words before the window, and in the words after the window and its
    moment.

    The previous window ends at token ``floor``, the window's own words end at ``end``, and the next
    window begins at ``stop``.
    """
    # people who may take part from one moment to another are no event
    if rule("stay_until").ends(tokens, window.length[0], floor):
        return None, ""
    rules = ["state_behind"]
    if window.rule == "kept_before":
        rules.append("lasting_before")
    if floor or window.takes_direction or window.is_alone:
        rules.append("window_of_other")
    for rule_name in rules:
        following = rule(rule_name).starts(tokens, window.length[1], stop)
        if following:
            return narrow(tokens, *following.place("words")), "behind"
    first = _start_last_sentence(
        tokens, max(floor, window.first - _REACH), window.first
    )
    for mark in rule("item_break").find(tokens, first, window.first - 2):
        first = mark.end
    # "drugs, except vitamins, within 14 days"
    aside = rule("not_limited").ends(tokens, window.first, first + 1)
    name = narrow(tokens, first, aside.first if aside else window.first)
    if name:
        return name, "before"
    adjoins = (
        window.takes_direction or window.is_alone or window.first - floor <= _JOINTS
    )
    if floor and adjoins:
        return None, ""
    since = rule("since_event").starts(tokens, window.length[1], stop)
    if since:
        return narrow(tokens, since.first + 1, since.end), "behind"
    return name_line(tokens, end, stop), "behind"


def name_line(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the name at the beginning of the tokens ``first:end``, such as an item below "Within 4
    weeks before screening:"; None if they do not contain a name.

    The name ends at the first match of the rule ``limited_stop`` that follows it.
    """
    at = first
    for match in rule("limited_stop").find(tokens, first, end):
        name = narrow(tokens, at, match.first)
        if name:
            return name
        at = match.end
    return narrow(tokens, at, end)


def narrow(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return the tokens in ``first:end`` that name the limited event or treatment, excluding the
    surrounding verbs and words for people; None if the tokens do not contain a name.

    The name follows the last words that lead to a name ("who have received"). If there is no name
    after these words, the name is the one before them ("asthma treated with").

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients who have received systemic steroids")
    >>> tokens.read(*narrow(tokens, 0, len(tokens)))
    'systemic steroids'
    """
    for cut in reversed(list(rule("limited_cut").find(tokens, first, end))):
        name = _trim(tokens, cut.end, end)
        if name:
            return name
        end = cut.first
    return _trim(tokens, first, end)


def _trim(tokens: Tokens, first: int, end: int) -> Range | None:
    """Return a name without the surrounding words that do not belong to it; None if the remaining
    words do not name anything.
    """
    aside = rule("limited_aside").search(tokens, first + 1, end)
    if aside:
        end = aside.first
    tail = rule("limited_closing").ends(tokens, end, first)
    if tail:
        end = tail.first
    lead = rule("limited_opening").starts(tokens, first, end)
    if lead:
        first = lead.end
    if first >= end:
        return None
    if tokens.gap(first) == "-":
        # "post-operative"
        first -= 1
    opened = tokens.codes.rfind("(", first, end)
    if opened < 0 and tokens.codes[end - 1] == ")":
        end -= 1
    elif opened >= 0 and ")" not in tokens.codes[opened:end]:
        return _trim(tokens, opened + 1, end)
    is_word = any(word[:2].isalpha() for word in tokens.words[first:end])
    if not is_word:
        return None
    if rule("limited_nothing").covers(tokens, first, end):
        return None
    return (first, end)


def _start_last_sentence(tokens: Tokens, first: int, end: int) -> int:
    """Return the first token of the last sentence in the tokens ``first:end``."""
    if first >= end:
        return first
    start, stop = tokens.span(first, end)
    last, _ = split_sentences(tokens.text[start:stop])[-1]
    return tokens.at(start + last)


def is_past(tokens: Tokens, window: Window) -> bool:
    """Return whether a window is counted back from the present, as in "in the past year"."""
    near = max(0, window.first - 2)
    return rule("past_word").search(tokens, near, window.length[1]) is not None


def _find_moment(tokens: Tokens, window: Window) -> Range | None:
    """Return the tokens of the moment from which a window is counted, including "before" or a
    similar word; None if the line does not state a moment.
    """
    at = window.length[1]
    own_words = rule("own_words").starts(tokens, at)
    if own_words:
        at = own_words.end
    kept = rule("lasting_before").starts(tokens, at)
    if kept and window.rule == "kept_before":
        at, _ = kept.place("sign")
    elif window.unit is TimeUnit.HALF_LIFE:
        owner = rule("half_life_owner").starts(tokens, at)
        at = owner.end if owner else at
    moment = rule("window_anchor_words").starts(tokens, at)
    if moment is None and window.rule == "looking_back" and not is_past(tokens, window):
        moment = rule("of_within").starts(tokens, at)
    if moment is None:
        return None
    first, end = moment.place("words")
    thing = rule("thing_behind_moment").starts(tokens, first, end)
    if thing and window.first == 0:
        end, _ = thing.place("thing")
    tail = rule("moment_closing").ends(tokens, end, first + 1)
    return first, tail.first if tail else end


def _share_moment(tokens: Tokens, window: Window, following: Window) -> bool:
    """Return whether a window is joined to the next window and counted from the same moment: "3
    days or 5 half-lives before surgery".
    """
    between = (window.length[1], following.first)
    is_far = following.first - window.length[1] > _NEAR
    if is_far:
        return False
    if window.rule == "kept_before":
        return False
    if is_past(tokens, window):
        return False
    joint = rule("window_link").search(tokens, *between)
    parted = rule("parts_clause").search(tokens, *between)
    if window.comparator is not following.comparator:
        return False
    if not bool(joint):
        return False
    return not parted
