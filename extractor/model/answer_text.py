"""Find the answer in a model's text: the last complete one that fits the form, behind all thoughts.

The form is an object with a list ``items`` of objects. Also read are the list alone, items line by
line, an answer in another object (``{"Reply": {...}}``) or in a tool call written as text, and JSON
written as a string. What is read is what the model wrote: no value is made up, and a text without
such an answer stays as it is.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from extractor.model.loose_json import (
    BrokenOff,
    find_starts,
    load_value,
    repair_characters,
    tidy_value,
)
from extractor.model.thoughts import cut_out, find_thoughts, is_within

Items = list[dict[str, Any]]

_DEEPEST = 6
"""Levels of wrapping around an answer: objects in objects, strings in strings."""
_FENCED = re.compile(r"\s*```\w*(.*)```\s*", re.DOTALL)
_BEGINNING = re.compile(r"""\{\s*["']items["']\s*:|\[\s*\{\s*["']n["']\s*:""")
"""What an answer begins with, also one that never ends."""
_BETWEEN_PARTS = re.compile(r"(?:[\s,;]|</?tool_calls?>)*+")
_MOST_FAILURES = 1000
"""Brackets that begin nothing. A text with more holds no answer that somebody could find."""
_MOST_LINES = 8
"""Numbers of lines that a remark names."""


class TextKind(Enum):
    """The kind of a text in a reply."""

    CALL = "the call of a tool"
    SAID = "what was said"
    THOUGHT = "a thought"


class ReplyText(NamedTuple):
    """A text of a reply, and where it stands there: the kind of the place, and its name."""

    kind: TextKind
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """The answer of a reply as ``text``, which is JSON if it is ``complete``.

    ``remark`` says what is doubtful about it.
    """

    text: str
    complete: bool = False
    remark: str = ""


@dataclass(slots=True)
class _Answer:
    """A complete answer at ``start:end`` of a text.

    An answer that ``is_part`` may go on in the next one: an item alone, or a call of a tool.
    """

    items: Items
    start: int
    end: int
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """The complete answers in a text, in order: those that were ``said``, and the ``drafts`` among
    thoughts.

    ``begun`` is an answer behind all of these that does not end or is broken, "" if there is none.
    ``rest`` is the text without thoughts.
    """

    place: ReplyText
    said: list[_Answer]
    drafts: list[_Answer]
    begun: str
    rest: str


def find_answer(places: Sequence[ReplyText], *, is_cut: bool = False) -> FoundAnswer:
    """Find the answer of a reply in its texts. ``is_cut`` means that the output limit ended it.

    The calls of tools come first, then what was said, then the last draft among thoughts. While a
    model still thinks (``is_cut``), nothing among its thoughts is an answer. Without an answer, the
    text of the reply is returned as it is.

    >>> text = 'Draft: {"items":[{"n":1,"cat":"age"}]} Final: {"items":[{"n":1}]}'
    >>> found = find_answer([ReplyText(TextKind.SAID, "content", text)])
    >>> found.text
    '{"items":[{"n":1}]}'
    >>> found.remark
    'another complete answer in the reply differs (line 1); the last one behind all thoughts counts'
    """
    readings = [_read_text(place) for place in places]
    everything: list[_Answer] = []
    for reading in readings:
        everything += reading.drafts
        everything += reading.said
    for kind in (TextKind.CALL, TextKind.SAID):
        of_kind = [reading for reading in readings if reading.place.kind is kind]
        if any(reading.said or reading.begun for reading in of_kind):
            return _choose(of_kind, everything, is_cut=is_cut)
    if is_cut:
        return _explain_nothing(readings, is_cut=is_cut)
    for reading in reversed(readings):
        drafts = reading.drafts or reading.said
        if drafts:
            return _take_draft(reading.place, drafts[-1], everything)
    return _explain_nothing(readings, is_cut=is_cut)


def _choose(
    readings: Sequence[_Reading], everything: Sequence[_Answer], *, is_cut: bool
) -> FoundAnswer:
    """Return the last answer of what was said, or the items of all calls of tools together.

    An answer that breaks off is returned as far as it goes if the output limit cut it, or if there
    is no complete one.

    Args:
        readings: The readings of the texts that were said, or those of the calls.
        everything: All complete answers of the reply, for a remark on those that differ.
        is_cut: The output limit ended the reply.
    """
    said: list[_Answer] = []
    begun = ""
    for reading in readings:
        said += reading.said
        begun = reading.begun or begun
    # such as {"items":[{"n":1},{"n":2,"ca
    if begun and (is_cut or not said):
        return FoundAnswer(begun)
    is_call = readings[0].place.kind is TextKind.CALL
    counted = said if is_call else said[-1:]
    # {"n":1} alone on a line: further items may have followed
    if is_cut and counted[-1].is_part:
        unclosed = _write(counted[-1].items).removesuffix("]}")
        return FoundAnswer(unclosed)
    remarks = [_compare(counted, everything)]
    if begun:
        remarks.append(
            "a later answer in the reply breaks off; the last complete one counts"
        )
    if is_call:
        remarks.append(_name_unread(readings))
    return _join_answers(counted, remarks)


def _join_answers(answers: Sequence[_Answer], remarks: Iterable[str]) -> FoundAnswer:
    """Write the items of answers as one complete answer. Equal items are there once. Empty remarks
    are left out.
    """
    items: Items = []
    for answer in answers:
        items += [item for item in answer.items if item not in items]
    remark = "; ".join(filter(None, remarks))
    return FoundAnswer(_write(items), complete=True, remark=remark)


def _name_unread(calls: Sequence[_Reading]) -> str:
    """Say which calls of tools cannot be read. Return "" if all can."""
    unread = [call.place.name for call in calls if not call.said]
    if not unread:
        return ""
    return f"{', '.join(unread)} of {len(calls)} cannot be read"


def _take_draft(
    place: ReplyText, draft: _Answer, everything: Sequence[_Answer]
) -> FoundAnswer:
    """Return an answer that stands nowhere but among the thoughts, with a remark that it does.

    Some servers file the whole answer under the thoughts: if it stands alone there, it is no draft,
    and needs no remark.
    """
    is_alone = _strip_fence(place.text).strip() == place.text[draft.start : draft.end]
    where = ""
    if place.kind is not TextKind.THOUGHT or not is_alone:
        where = f"the answer stands only among the model's thoughts ({place.name})"
    return _join_answers([draft], [where, _compare([draft], everything)])


def _explain_nothing(readings: Sequence[_Reading], *, is_cut: bool) -> FoundAnswer:
    """Return the last text of a reply without an answer. If there are thoughts, and the output
    limit did not cut them, a remark says that they have no answer either.
    """
    text = ""
    thoughts = []
    for reading in readings:
        if reading.place.kind is not TextKind.THOUGHT:
            text = reading.rest or text
        elif reading.place.text.strip():
            thoughts.append(reading.place.name)
    if not thoughts or is_cut:
        return FoundAnswer(text)
    named = ", ".join(thoughts)
    return FoundAnswer(text, remark=f"{named} has text, and no complete answer in it")


def _read_text(place: ReplyText) -> _Reading:
    """Find the answers in a text, and tell those that are said from those among thoughts.

    Answers in parts that follow one another are joined. If nothing looks like an answer, the whole
    text may be one that is written as a string.
    """
    text = repair_characters(place.text)
    answers, begun_at = _scan(text)
    thoughts = find_thoughts(text, [(answer.start, answer.end) for answer in answers])
    said: list[_Answer] = []
    drafts: list[_Answer] = []
    for answer in answers:
        # <think>{"items":[{"n":1}]} is wrong.</think>
        if is_within(thoughts, answer.start):
            drafts.append(answer)
        else:
            said.append(answer)
    begun = ""
    if not is_within(thoughts, begun_at):
        begun = _tidy_begun(text[begun_at:])
    rest = _strip_fence(cut_out(text, thoughts).strip())
    if not answers and not begun:
        said = _read_rest(rest)
    return _Reading(place, _join_parts(text, said), drafts, begun, rest)


def _read_rest(rest: str) -> list[_Answer]:
    """Read a whole text that is an answer written as a string, or an empty list: "[]" is an answer
    only if it stands alone. Return no answer if it is neither.
    """
    items: Items | None = []
    if rest != "[]":
        items = _find_items(rest)
    if items is None:
        return []
    return [_Answer(items, 0, len(rest))]


def _scan(text: str) -> tuple[list[_Answer], int]:
    """Return the complete answers of a text, and where behind them an answer begins that does not
    end or is broken: the end of the text if there is none.

    Each bracket that may begin a value is tried, unless it lies in a value that was read. A single
    item in a broken answer is a part of it, and no answer of its own. A text with more than 1,000
    brackets that begin nothing is given up.
    """
    answers: list[_Answer] = []
    begun_at = len(text)
    passed = 0
    failures = 0
    for start in find_starts(text):
        if start < passed:
            continue
        try:
            strict, passed = _tidy_answer(text, start)
            value = load_value(strict)
        except (ValueError, RecursionError):
            failures += 1
            if failures > _MOST_FAILURES:
                break
            # {"items":[{"n":1},{"n":2,"quote":"the "best" one"}]} is an answer, though no JSON
            if _BEGINNING.match(text, start):
                begun_at = min(begun_at, start)
            continue
        items = _find_items(value)
        if items is None:
            continue
        is_part = _is_item(value) or _is_call(value)
        is_in_broken = is_part and begun_at < len(text)
        if is_in_broken:
            continue
        answers.append(_Answer(items, start, passed, is_part))
        begun_at = len(text)
    return answers, begun_at


def _tidy_answer(text: str, start: int) -> tuple[str, int]:
    """Return the value at ``start`` as strict JSON, and the place behind it.

    An answer whose list has ended lacks nothing but its last bracket, which is added. Any other
    value that breaks off may lack more. Raises ``ValueError`` or ``RecursionError`` for a value
    that breaks off or is broken.
    """
    try:
        return tidy_value(text, start)
    except BrokenOff as broken:
        # {"items":[{"n":1},{"n":2}]
        if not broken.strict.startswith('{"items":') or not broken.strict.endswith("]"):
            raise
        closed = broken.strict + "}"
        # raises if another list than that of the items has ended
        load_value(closed)
        return closed, len(text)


def _tidy_begun(text: str) -> str:
    """Return an answer that breaks off as strict JSON, as far as it goes. A broken one stays."""
    try:
        strict, _ = tidy_value(text)
    except BrokenOff as broken:
        return broken.strict
    except (ValueError, RecursionError):
        return text
    return strict


def _join_parts(text: str, answers: Iterable[_Answer]) -> list[_Answer]:
    """Put parts that follow one another together: items line by line, or calls written as text.
    Only blanks, commas and the marks of calls may stand between them.
    """
    joined: list[_Answer] = []
    for answer in answers:
        last = joined[-1] if joined else None
        # two whole answers are two, and the last one counts
        if last is None or not last.is_part or not answer.is_part:
            joined.append(answer)
            continue
        # only <tool_call> and commas may stand between: words would begin another answer
        if not _BETWEEN_PARTS.fullmatch(text, last.end, answer.start):
            joined.append(answer)
            continue
        last.items += answer.items
        last.end = answer.end
    return joined


def _find_items(value: Any, levels: int = _DEEPEST) -> Items | None:
    """Return the items of a value: those of the answer that it is, or that is inside of it. None if
    there is none, or if it lies deeper than ``levels``.

    A text is read as JSON. A list is an answer if each of its members is an item or has items; an
    empty list is none.
    """
    if levels == 0:
        return None
    if isinstance(value, str):
        # "{\"items\":[{\"n\":1}]}": JSON in a string
        return _find_items(_load_inside(value), levels - 1)
    if isinstance(value, dict):
        return _find_in_object(value, levels - 1)
    if not isinstance(value, list) or not value:
        return None
    items: Items = []
    for member in value:
        inner = _find_items(member, levels - 1)
        if inner is None:
            return None
        items += inner
    return items


def _find_in_object(value: dict[str, Any], levels: int) -> Items | None:
    """Return the items of an object: the object itself if it is an item; else its list ``items``,
    if it has that key, or None if that is no list of objects; else the items of its last member
    that has some. None if there are none.
    """
    # {"n": 1} on a line of its own
    if _is_item(value):
        return [value]
    if "items" in value:
        return _list_items(value["items"])
    # {"result": {"answer": {"items": [...]}}}, or {"name": "Reply", "arguments": {"items": [...]}}
    for member in reversed(value.values()):
        items = _find_items(member, levels)
        if items is not None:
            return items
    return None


def _list_items(members: Any) -> Items | None:
    """Return the members of ``items``, which must all be objects, or strings that hold objects. The
    list itself may be written as a string, too. Else None.
    """
    if isinstance(members, str):
        members = _load_inside(members)
    if not isinstance(members, list):
        return None
    items: Items = []
    for member in members:
        # each item may be a string: {"items": ["{\"n\": 1}"]}
        item = _load_inside(member) if isinstance(member, str) else member
        if not isinstance(item, dict):
            return None
        items.append(item)
    return items


def _load_inside(text: str) -> Any:
    """Return the value of the JSON that a string is; None if it is none, or if more follows."""
    text = text.strip()
    if not text.startswith(("{", "[", '"')):
        return None
    try:
        strict, end = tidy_value(text)
        if end < len(text):
            return None
        return load_value(strict)
    except (ValueError, RecursionError):
        return None


def _is_item(value: Any) -> bool:
    """Return whether a value is an item: an object with the number ``n`` of its line, which may be
    written as text.
    """
    if not isinstance(value, dict):
        return False
    number = value.get("n")
    if isinstance(number, str):
        return number.strip().isdigit()
    return isinstance(number, int) and not isinstance(number, bool)


def _is_call(value: Any) -> bool:
    """Return whether a value is the call of a tool: its name, and the values that it gets."""
    return isinstance(value, dict) and isinstance(value.get("name"), str)


def _strip_fence(text: str) -> str:
    """Return a text without the fence around it: three backquotes, as Markdown marks code."""
    fenced = _FENCED.fullmatch(text)
    if fenced is None:
        return text
    return fenced[1].strip()


def _write(items: Items) -> str:
    """Write items as an answer in the form of the prompt."""
    return json.dumps({"items": items}, ensure_ascii=False, separators=(",", ":"))


def _compare(counted: Sequence[_Answer], everything: Iterable[_Answer]) -> str:
    """Say on which lines other complete answers of a reply differ from those that count. Return ""
    if none does. Of many lines the first eight are named.
    """
    said = set(_list_statements(counted))
    lines = {line for line, _ in set(_list_statements(everything)) - said}
    if not lines:
        return ""
    # by number, though they are texts: 9 before 10
    ordered = sorted(lines, key=lambda line: (len(line), line))
    named = ", ".join(ordered[:_MOST_LINES])
    more = ", ..." if len(ordered) > _MOST_LINES else ""
    return (
        f"another complete answer in the reply differs (line {named}{more}); the last one "
        "behind all thoughts counts"
    )


def _list_statements(answers: Iterable[_Answer]) -> Iterator[tuple[str, str]]:
    """Yield for each item the number of its line, and what it says of the line as text that is
    equal for items that say the same. An empty value says nothing.
    """
    for answer in answers:
        for item in answer.items:
            stated = {}
            for key, value in item.items():
                if value in (None, "", [], False):
                    continue
                stated[key] = value
            yield str(item.get("n")), json.dumps(stated, sort_keys=True)
