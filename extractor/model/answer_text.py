"""Find the answer in a model's text: the last complete one that fits the form, behind all thoughts.

The form is an object with a list ``items`` of objects. Also read are the list alone, an item alone,
items line by line, an answer in another object (``{"Reply": {...}}``), in a tool call written as
text, and JSON written as a string. What is read is what the model wrote: no value is made up, and a
text without such an answer stays as it is.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from extractor.model.loose_json import (
    BrokenOff,
    TooDeep,
    find_starts,
    load_value,
    repair_characters,
    tidy_value,
)
from extractor.model.thoughts import cut_out, find_thoughts, is_within

Items = list[dict[str, Any]]

_DEEPEST = 4
"""Levels of wrapping around an answer: objects in objects, strings in strings."""
_FENCED = re.compile(r"\s*```\w*(.*)```\s*", re.DOTALL)
_BEGINNING = re.compile(r"""\{\s*["']items["']\s*:|\[\s*\{\s*["']n["']\s*:""")
"""What an answer begins with, also one that never ends."""
_ARGUMENTS = ("arguments", "parameters", "input", "args")
"""What a call of a tool names its values."""
_BETWEEN_ITEMS = re.compile(r"[\s,;]*")
_WORD = re.compile(r"\w")
_NEAR = 20
"""Characters before a list in which the colon behind its key is looked for."""
_MOST_FAILURES = 1000
"""Brackets that begin nothing. A text with more holds no answer that somebody could find."""
_MOST_LINES = 8
"""Numbers of lines that a remark names."""


class Place(NamedTuple):
    """A text of a reply, and where it stands there: its name, and whether it is a thought or the
    call of a tool.
    """

    name: str
    text: str
    is_thought: bool = False
    is_call: bool = False


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """The answer of a reply as ``text``, JSON if it is ``complete``. ``remark`` says what is
    doubtful about it.
    """

    text: str
    complete: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Stated:
    """A complete answer in a text, at ``start:end``; ``strict`` is its JSON, empty while items
    are added to it.
    """

    items: Items
    strict: str
    start: int
    end: int
    is_call: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """The answers in a text, in order: ``said`` ones, and those among ``thought``; ``begun`` is one
    that never ends.

    ``rest`` is the text without thoughts. It ``goes_on`` if words follow the last answer.
    """

    said: list[_Stated]
    thought: list[_Stated]
    begun: str | None
    rest: str
    goes_on: bool = False


def find_answer(places: Sequence[Place], *, is_cut: bool = False) -> FoundAnswer:
    """Find the answer of a reply in its texts. ``is_cut`` means that the output limit ended it.

    The calls of tools come first, then what was said, then thoughts. The items of several calls are
    put together.

    >>> find_answer([Place("content", 'Draft: {"items":[{"n":1,"cat":"age"}]} Final: {"items":[{"n":1}]}')])
    FoundAnswer(text='{"items":[{"n":1}]}', complete=True, \
remark='another complete answer in the reply differs (line 1); the last one behind all thoughts counts')
    """
    readings = [(place, _read_text(place.text)) for place in places]
    calls = [(place, reading) for place, reading in readings if place.is_call]
    said = [
        (place, reading) for place, reading in readings if not (place.is_call or place.is_thought)
    ]
    thoughts = [(place, reading) for place, reading in readings if place.is_thought]
    everything = [
        each
        for _, reading in (*thoughts, *said, *calls)
        for each in (*reading.thought, *reading.said)
    ]
    for chosen in (calls, said):
        if any(reading.said or reading.begun for _, reading in chosen):
            return _choose(chosen, everything, is_cut=is_cut)
    thought = [
        (place, each) for place, reading in readings for each in (*reading.thought, *reading.said)
    ]
    if thought and not is_cut:  # while a model still thinks, nothing is an answer
        place, last = thought[-1]
        return _take_thought(place, last, everything)
    return _explain_nothing(readings, is_cut=is_cut)


def _choose(
    chosen: Sequence[tuple[Place, _Reading]], everything: Sequence[_Stated], *, is_cut: bool
) -> FoundAnswer:
    """Return the last answer of what was said, or the items of all calls together."""
    begun = next((reading.begun for _, reading in reversed(chosen) if reading.begun), None)
    stated = [each for _, reading in chosen for each in reading.said]
    calls = [
        each for place, reading in chosen for each in reading.said if place.is_call or each.is_call
    ]
    if begun is not None and not is_cut and not stated and (closed := _close(begun)):
        return FoundAnswer(closed, complete=True)
    if begun is not None and (is_cut or not stated):
        return FoundAnswer(_put_before(calls, begun))
    counted = calls or stated[-1:]
    remarks = [_compare(counted, [each for each in everything if each not in counted])]
    if begun is not None:
        remarks.append("a later answer in the reply breaks off; the last complete one counts")
    if is_cut and chosen[-1][1].goes_on:
        remarks.append(
            "the output limit cut the words behind the answer, which may have changed it"
        )
    unread = [place.name for place, reading in chosen if place.is_call and not reading.said]
    if unread:
        remarks.append(f"{', '.join(unread)} of {len(chosen)} cannot be read")
    return FoundAnswer(_join(counted), complete=True, remark="; ".join(filter(None, remarks)))


def _take_thought(place: Place, last: _Stated, everything: Sequence[_Stated]) -> FoundAnswer:
    """Return an answer that stands nowhere but among the thoughts. If it is all that stands
    there, it is no draft.
    """
    is_alone = (
        place.is_thought and _strip_fence(place.text).strip() == place.text[last.start : last.end]
    )
    remark = "" if is_alone else f"the answer stands only among the model's thoughts ({place.name})"
    differs = _compare([last], [each for each in everything if each is not last])
    return FoundAnswer(
        last.strict, complete=True, remark="; ".join(filter(None, (remark, differs)))
    )


def _explain_nothing(readings: Sequence[tuple[Place, _Reading]], *, is_cut: bool) -> FoundAnswer:
    """Return the text of a reply without an answer, and say where else there is one."""
    said = [reading.rest for place, reading in readings if not place.is_thought]
    text = next((rest for rest in reversed(said) if rest), "")
    named = [place.name for place, _ in readings if place.is_thought and place.text.strip()]
    remark = (
        f"{', '.join(named)} has text, and no complete answer in it" if named and not is_cut else ""
    )
    return FoundAnswer(text, remark=remark)


def _read_text(text: str, levels: int = _DEEPEST) -> _Reading:
    """Find the answers in a text."""
    text = repair_characters(text)
    stated, begun_at, begun = _scan(text)
    thoughts = find_thoughts(text, [(each.start, each.end) for each in stated])
    outside = cut_out(text, thoughts).strip()
    rest = _strip_fence(outside)
    if not stated and levels and (inner := _unquote(rest)) is not None:
        return _read_text(inner, levels - 1)
    said = [each for each in stated if not is_within(thoughts, each.start)]
    if begun is not None and (
        is_within(thoughts, begun_at) or any(each.start > begun_at for each in said)
    ):
        begun = None
    if rest == "[]" and not said:  # it is no answer in the middle of other words
        said = [_Stated([], '{"items":[]}', 0, len(text))]
    thought = [each for each in stated if is_within(thoughts, each.start)]
    goes_on = bool(said) and _WORD.search(text, said[-1].end) is not None
    return _Reading(said, thought, begun, rest, goes_on)


def _scan(text: str) -> tuple[list[_Stated], int, str | None]:
    """Return the complete answers of a text, and the last one that begins and never ends, as
    strict JSON or as text.
    """
    found: list[_Stated] = []
    begun_at = -1
    begun: str | None = None
    passed = failures = 0
    for start in find_starts(text):
        if start < passed or failures > _MOST_FAILURES:
            continue
        attempt = _read_at(text, start)
        passed = attempt.end
        is_member = text[start] == "[" and text[max(0, start - _NEAR) : start].rstrip().endswith(
            ":"
        )
        if not attempt.is_whole:
            failures += 1
            if not is_member and _BEGINNING.match(text, start):
                begun_at = start
                begun = attempt.strict or text[start:]
            continue
        form = _fit(attempt.value)
        is_part = is_member or _is_item(attempt.value)
        if form is not None and not (
            is_part and begun is not None
        ):  # a part of the one that never ends is no answer
            strict = _write(attempt.value, form.items, attempt.strict)
            _add(found, text, _Stated(form.items, strict, start, attempt.end, form.is_call))
    finished = [each if each.strict else replace(each, strict=_dump(each.items)) for each in found]
    return finished, begun_at, begun


class _Attempt(NamedTuple):
    """What was read at one place: a value that ``is_whole``, or what there is of one. The rest
    begins at ``end``.
    """

    is_whole: bool
    end: int
    strict: str = ""
    value: Any = None


def _read_at(text: str, start: int) -> _Attempt:
    try:
        strict, end = tidy_value(text, start)
        return _Attempt(True, end, strict, load_value(strict))  # noqa: FBT003 - the first field
    except BrokenOff as broken:
        return _Attempt(False, start + 1, broken.strict)  # noqa: FBT003 - as above
    except TooDeep as deep:
        return _Attempt(False, deep.at)  # noqa: FBT003 - as above
    except (ValueError, RecursionError):
        return _Attempt(False, start + 1)  # noqa: FBT003 - as above


def _add(found: list[_Stated], text: str, new: _Stated) -> None:
    """Add an answer. Items that follow one another, each by itself, are one answer."""
    last = found[-1] if found else None
    is_next = last is not None and _BETWEEN_ITEMS.fullmatch(text, last.end, new.start) is not None
    if last is None or not is_next or not (_is_lone(text, last) and _is_lone(text, new)):
        found.append(new)
        return
    if last.strict:
        last = replace(last, items=[*last.items], strict="")
    last.items.extend(new.items)
    found[-1] = replace(last, end=new.end)


def _is_lone(text: str, stated: _Stated) -> bool:
    """Return whether an answer is items without a list around them."""
    return (
        text[stated.start] == "{"
        and not stated.is_call
        and _BEGINNING.match(text, stated.start) is None
    )


class _Form(NamedTuple):
    items: Items
    is_call: bool = False


def _fit(value: Any, levels: int = _DEEPEST) -> _Form | None:
    """Return the items of a value that fits the form, perhaps inside of others. None if nothing
    in it does.
    """
    if levels == 0:
        return None
    if isinstance(value, str):
        return _fit(_load_inside(value), levels - 1)
    if isinstance(value, list):
        return _fit_list(value, levels)
    if not isinstance(value, dict):
        return None
    items = _list_items(value.get("items"), levels)
    if items is None:
        items = [value] if _is_item(value) else _number_members(value)
    return _fit_wrapper(value, levels) if items is None else _Form(items)


def _fit_list(values: list[Any], levels: int) -> _Form | None:
    """Return the items of a list of items, or of a list of calls."""
    if values and all(map(_is_item, values)):
        return _Form(values)
    forms = [_fit(value, levels - 1) for value in values if isinstance(value, dict)]
    calls = [form.items for form in forms if form and form.is_call]
    return _Form([item for items in calls for item in items], is_call=True) if calls else None


def _fit_wrapper(value: dict[str, Any], levels: int) -> _Form | None:
    """Return the items of a call, or of the last member that has some."""
    arguments = next((value[name] for name in _ARGUMENTS if name in value), None)
    if "name" in value and arguments is not None:
        form = _fit(arguments, levels - 1)
        return form and _Form(form.items, is_call=True)
    forms = [form for member in value.values() if (form := _fit(member, levels - 1))]
    return forms[-1] if forms else None


def _list_items(value: Any, levels: int) -> Items | None:
    """Return the members of ``items``: objects, or strings that hold some. None if it is no such
    list.
    """
    if isinstance(value, str) and levels:
        return _list_items(_load_inside(value), levels - 1)
    if isinstance(value, dict):
        return [value] if _is_item(value) else _number_members(value)
    if not isinstance(value, list):
        return None
    members = [_load_inside(member) if isinstance(member, str) else member for member in value]
    return members if all(isinstance(member, dict) for member in members) else None


def _number_members(value: dict[str, Any]) -> Items | None:
    """Return objects whose keys are the numbers of their lines as items; None if they are not."""
    if not value or not all(
        key.strip().isdigit() and isinstance(member, dict) for key, member in value.items()
    ):
        return None
    return [{"n": int(key), **member} for key, member in value.items()]


def _is_item(value: Any) -> bool:
    """Return whether a value is about a line, whose number it has."""
    number = value.get("n") if isinstance(value, dict) else None
    if isinstance(number, str):
        return number.strip().isdigit()
    return isinstance(number, int) and not isinstance(number, bool)


def _load_inside(text: str) -> Any:
    """Return the JSON that a string holds; None if it holds none."""
    text = text.strip()
    if not text.startswith(("{", "[", '"')):
        return None
    try:
        strict, end = tidy_value(text)
        return load_value(strict) if not text[end:].strip() else None
    except (ValueError, RecursionError):
        return None


def _unquote(text: str) -> str | None:
    r"""Return the text that a JSON string holds, also if its quotation marks were lost:
    ``{\"items\":[]}``.
    """
    is_bare = text.startswith(('{\\"', '[{\\"'))
    if not is_bare and not text.startswith('"'):
        return None
    try:
        value = json.loads(f'"{text}"' if is_bare else text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _strip_fence(text: str) -> str:
    fenced = _FENCED.fullmatch(text)
    return fenced[1].strip() if fenced else text


def _write(value: Any, items: Items, strict: str) -> str:
    """Return an answer as JSON: as it was written, if it has the form itself and no key stands
    twice in it.
    """
    if json.loads(strict) != value:
        return _dump(items)
    if isinstance(value, dict) and value.get("items") == items:
        return strict
    return f'{{"items":{strict}}}' if value == items else _dump(items)


def _dump(items: Items) -> str:
    return json.dumps({"items": items}, ensure_ascii=False)


def _join(answers: Sequence[_Stated]) -> str:
    """Return one answer with the items of several, each once."""
    if len(answers) == 1:
        return answers[0].strict
    items: Items = []
    for answer in answers:
        items += [item for item in answer.items if item not in items]
    return _dump(items)


def _close(begun: str) -> str | None:
    """Return an answer whose list ends and which lacks only its last bracket; None if more may
    be missing.
    """
    if not begun.rstrip().endswith("]"):
        return None
    try:
        form = _fit(load_value(begun + "}"))
    except (ValueError, RecursionError):
        return None
    return begun + "}" if form else None


def _put_before(calls: Sequence[_Stated], begun: str) -> str:
    """Return an answer that never ends behind the items of the calls before it."""
    head = _BEGINNING.match(begun)
    if not calls or head is None or begun.startswith("["):
        return begun
    known = _join(calls).removesuffix("]}")
    opened = begun[head.end() :].lstrip().removeprefix("[")
    return f"{known}, {opened}" if opened.strip() else known


def _compare(counted: Sequence[_Stated], others: Iterable[_Stated]) -> str:
    """Say on which lines other complete answers of a reply differ from the one that counts;
    nothing if none does.
    """
    chosen = _by_line([item for each in counted for item in each.items])
    lines: set[str] = set()
    for other in others:
        said = _by_line(other.items)
        lines |= {number for number in said if said[number] != chosen.get(number)}
    if not lines:
        return ""
    ordered = sorted(lines, key=lambda number: (len(number), number))
    more = ", ..." if len(ordered) > _MOST_LINES else ""
    named = ", ".join(ordered[:_MOST_LINES]) + more
    return (
        f"another complete answer in the reply differs (line {named}); the last one behind all "
        "thoughts counts"
    )


def _by_line(items: Items) -> dict[str, list[str]]:
    """Return what items say, by the number of their line, without what says nothing."""
    said: dict[str, list[str]] = {}
    for item in items:
        stated = {key: value for key, value in item.items() if value not in (None, "", [], False)}
        said.setdefault(str(item.get("n")), []).append(
            json.dumps(stated, sort_keys=True, ensure_ascii=False)
        )
    return {number: sorted(each) for number, each in said.items()}
