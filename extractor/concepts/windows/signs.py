"""Name the signs of a time window: evidence for or against it, its name and its moment."""

from collections.abc import Iterator, Mapping, Sequence

from extractor.concepts.doses.names import find_general
from extractor.concepts.limits.bounds import LOWER
from extractor.concepts.windows.parts import Parts
from extractor.concepts.windows.times import Window
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.schemas import TimeUnit

_USUAL = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_LONG_LINE = 60
_REACH = 14
_FEW_WORDS = 3
_SOME_WORDS = 6
_MANY_WORDS = 10
_IN_NAME = {
    "(": "a bracket",
    ",": "a list",
    NUMBER: "a number within",
}
"""Signs within a name, and what they are evidence of."""
_GO_ON = frozenset({"of", "to"})
"""Words behind a time that go on with what it limits: "use (within 14 days) of steroids"."""
_RULES_IN_NAME = {
    "relation_word": "words in relation",
    "joint_word": "joined by and or or",
    "treatment_verb": "a verb within",
    "duration": "a length of time within",
}
_BEFORE_NAME = {
    "treatment_verb": "behind a verb of treatment or illness",
    "limited_cut": "behind another verb",
    "limited_lead": "behind a word of no meaning",
}
"""What rules find within a name, or right before it."""


def list_signs(
    tokens: Tokens, windows: Sequence[Window], parts: Sequence[Parts], at: int
) -> Mapping[str, tuple[str, ...]]:
    """Return the signs of the time window at index ``at`` of a line: its own by the key "", those
    of what it limits by "of", and those of its moment by "anchor", as far as the line names them.
    """
    window = windows[at]
    own = parts[at]
    shared = []
    if len(windows) == 1:
        shared.append("the only window")
    if window.comparator in LOWER:
        shared.append("at least")
    if own.anchor is None:
        shared.append("without a moment")
    signs = {"": (*_describe_window(tokens, window, own), *shared)}
    if own.of:
        signs["of"] = (*_describe_name(tokens, window, own, own.of), *shared)
    if own.anchor:
        signs["anchor"] = tuple(shared)
    return signs


def _describe_window(tokens: Tokens, window: Window, own: Parts) -> Iterator[str]:
    yield f"read as {window.rule}"
    reach = max(0, window.first - _REACH)
    if window.unit not in _USUAL:
        yield "another unit than days to years"
    if window.borrowed:
        yield "its direction is that of another window"
    if rule("asked_ahead").ends(tokens, window.first, reach):
        yield "something ahead is asked"
    is_length = window.rule in ("lasting", "compared_window") and own.anchor is None
    if is_length and rule("used_so_long").ends(tokens, window.first, reach):
        yield "how long something is used"
    if rule("counted_days").starts(tokens, window.length[1]):
        yield "the time is counted or dosed"
    if len(tokens) > _LONG_LINE:
        yield "a long line"


def _describe_name(
    tokens: Tokens, window: Window, own: Parts, name: Range
) -> Iterator[str]:
    """Yield the signs of what a window limits: its place, its words, and what is left beside it."""
    first, end = name
    yield f"named {own.place}"
    yield f"named {own.place} by {window.rule}"
    count = sum(word[0].isalnum() for word in tokens.words[first:end])
    yield _describe_count(count)
    if count > _MANY_WORDS or rule("duration").occurs(tokens, first, end):
        yield "an unlikely name"
    for code, sign in _IN_NAME.items():
        if code in tokens.codes[first:end]:
            yield sign
    for known, sign in _RULES_IN_NAME.items():
        if rule(known).search(tokens, first, end):
            yield sign
    if any(first <= one[1] < end for one in find_general(tokens)):
        yield "a known name"
    if own.place == "before":
        yield from _describe_surroundings(tokens, window, own, name)


def _describe_surroundings(
    tokens: Tokens, window: Window, own: Parts, name: Range
) -> Iterator[str]:
    """Yield the signs of the words around a name that is before its time."""
    first, end = name
    behind = window.length[1]
    if own.anchor is None and not _GO_ON.isdisjoint(tokens.words[behind : behind + 2]):
        yield "goes on behind its time"
    between = window.first - end
    if between <= 1:
        yield "adjoins its time"
    elif between > _FEW_WORDS:
        yield "apart from its time"
    start = max(0, first - _SOME_WORDS)
    if first == 0:
        yield "opens its line"
    elif rule("joint_word").search(tokens, start, first):
        yield "behind and or or"
    names = (rule(known).ends(tokens, first, start) for known in _BEFORE_NAME)
    yield next(
        (
            sign
            for sign, found in zip(_BEFORE_NAME.values(), names, strict=True)
            if found
        ),
        "behind other words",
    )


def _describe_count(count: int) -> str:
    """Return in words how long a name is."""
    if count == 1:
        return "one word"
    if count <= _FEW_WORDS:
        return "two or three words"
    if count <= _SOME_WORDS:
        return "four to six words"
    return "many words" if count <= _MANY_WORDS else "very many words"
