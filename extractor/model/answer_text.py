"""Find the answer in the texts of a reply: the last complete one behind all thoughts.

An answer is an object with a list ``items`` of objects that have the number ``n`` of a line. Also
read are the list alone, items line by line, an answer in another object (``{"Reply": {...}}``) or
in a tool call written as text, and JSON written as a string. An answer among thoughts counts only
if there is no other, and the model has ended. A text without an answer stays as it is.

The marks of thoughts are in ``_EVENT``, slips of JSON in ``loose_json``.
"""

import json
import re
from collections import Counter
from contextlib import suppress
from itertools import chain
from typing import Any

from extractor.model.loose_json import read_value

Items = list[dict[str, Any]]

_EVENT = re.compile(
    r"""
    (?P<opens>
        <(?:\w+:)?(?:\w*think(?:ing)?|thoughts?|reason(?:ing)?|reflection|rationale|scratch_?pad
            |analysis|planning|cot|chain_of_thought|inner_monologue|draft)(?:\s[^<>]*)?>
        | \[(?:THINK(?:ING)?|REASONING)\]                                      # Mistral
        | ◁think▷                                                              # Kimi
        | <\|(?:begin_of_thought|START_THINKING|think|thinking)\|>             # Sky-T1, Command
        | <\|channel\|>\s*analysis                                             # gpt-oss
        | <unused94>                                                           # MedGemma
    )
    | (?P<closes>
        </(?:\w+:)?(?:\w*think(?:ing)?|thoughts?|reason(?:ing)?|reflection|rationale|scratch_?pad
            |analysis|planning|cot|chain_of_thought|inner_monologue|draft)\s*>
        | \[/(?:THINK(?:ING)?|REASONING)\]
        | ◁/think▷
        | <\|(?:end_of_thought|END_THINKING|/think|/thinking)\|>
        # a server may drop the signs and leave the words
        | <\|channel\|>\s*final | assistantfinal(?![a-z])
        | <unused95>
    )
    # what ends open thoughts, and means nothing otherwise
    | <(?:final_)?(?:answer|response|output|result)>
    | <\|(?:begin_of_solution|START_RESPONSE|end)\|>
    | <\|channel\|>\s*commentary | assistantcommentary(?![a-z])
    | (?P<value> \{(?=\s*["'/]) | \[(?=\s*[\[{"'/]) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# The beginning of an item alone, or of a call of a tool. An answer may go on in the next one.
_PART = re.compile(r"""\{[^{}\[\]]*["'](?:n|name)["']\s*:""")
_NEXT_PART = re.compile(rf"(?:[\s,;]|</?tool_calls?>)*+{_PART.pattern}")
# What an answer begins with, also one that never ends.
_BEGINNING = re.compile(
    rf"""\{{\s*["']items["']\s*:|\[\s*\{{\s*["']n["']\s*:|{_PART.pattern}"""
)
# The number of an item. 1 may be the start of 12 as long as nothing follows.
_NUMBER = re.compile(r"""["']n["']\s*:\s*["']?(\d{1,9})["']?\s*[,}]""")


def find_answer(text: str, *, is_cut: bool = False) -> tuple[str, str]:
    """Find the answer in the text of a reply; ``is_cut`` means that the output limit ended it.

    Return strict JSON if there is a complete answer, otherwise the text that should be one, and a
    remark on what is doubtful about the answer.

    >>> find_answer(
    ...     'Draft: {"items":[{"n":1,"cat":"age"}]} Final: {"items":[{"n":1}]}'
    ... )[0]
    '{"items":[{"n":1}]}'
    """
    answers, drafts, begun = _list_answers(text, is_cut=is_cut)
    whole = read_whole(begun)
    remark = ""
    if whole is not None and not answers and not is_cut:
        answers.append(whole)
    elif begun and (is_cut or not answers):
        return begun, remark
    elif begun:
        remark = "a later answer in the reply breaks off; the last complete one counts"
    elif not answers:
        if is_cut or not drafts:
            return "", remark
        answers.append(drafts[-1])
        # some servers file the whole answer there
        if read_whole(re.sub("</?think>", "", text)) is None:
            remark = "the answer is only among the model's thoughts"
    answer = answers[-1]
    others = chain(*answers, *drafts)
    lines = {int(item["n"]) for item in others if item not in answer}
    if lines:
        numbers = ", ".join(map(str, sorted(lines)[:8]))
        remark = (
            f"another complete answer in the reply differs (line {numbers}); the last one "
            "behind all thoughts counts"
        )
    items = {"items": answer}
    return json.dumps(items, ensure_ascii=False, separators=(",", ":")), remark


def _list_answers(text: str, *, is_cut: bool) -> tuple[list[Items], list[Items], str]:
    """Return the complete answers of a text, those among its thoughts, and what is behind them and
    should be one: it does not end, or is broken, or the text has nothing else.

    A closing mark without an opening one ends thoughts that began with the text. Thoughts without a
    closing mark last to its end. A mark inside of an answer is text.
    """
    answers: list[Items] = []
    drafts = []
    is_thought = False
    is_broken = False
    begun = 0
    end = 0
    for event in _EVENT.finditer(text):
        start = event.start()
        if start < end:
            continue
        if not event["value"]:
            opens = bool(event["opens"])
            if opens == is_thought:
                if not event["closes"]:
                    continue
                drafts += answers
                answers = []
            is_thought = opens
            is_broken = False
            begun = event.end()
            continue
        behind = end
        # an item in a broken answer is no answer of its own; behind one, others may be cut off
        items, end = _read_answer(text, start, skips_parts=is_cut or is_broken)
        if items is None:
            if not is_broken and _BEGINNING.match(text, start):
                is_broken = True
                begun = start
            continue
        is_broken = False
        found = drafts if is_thought else answers
        # words between two items begin another answer
        if found and _NEXT_PART.match(text, behind):
            found[-1] += items
        else:
            found.append(items)
    if is_thought or (answers and not is_broken):
        begun = len(text)
    return answers, drafts, text[begun:].strip()


def _read_answer(
    text: str, start: int, *, skips_parts: bool
) -> tuple[Items | None, int]:
    """Return the items of the value at ``start``, and the offset behind it. None if it cannot be
    read, has none, or is an item alone that is skipped.
    """
    if not skips_parts or not _PART.match(text, start):
        with suppress(ValueError):
            value, end = read_value(text, start)
            return find_items(value), end
    return None, start


def read_whole(text: str) -> Items | None:
    """Return the items of a text that is an answer and nothing else, also as a string. None if it
    is not. Only here, an empty list is one.
    """
    text = text.strip("` \n\r\t").removeprefix("json").strip()
    if text == "[]":
        return []
    with suppress(ValueError):
        return find_items(text)
    return None


def find_items(value: Any) -> Items:
    """Return the items of a value: those of the answer that it is, or that is inside of it.

    A text is read as JSON. Of an object, the last member with items counts. A list is an answer if
    each of its members is an item or has items. Raises ``ValueError`` if there is none.

    >>> find_items({"Reply": '{"items": [{"n": 1}]}'})
    [{'n': 1}]
    """
    if isinstance(value, str):
        # fails if more follows
        value, _ = read_value(f"[{value}]")
    if isinstance(value, list) and value:
        return [item for member in value for item in find_items(member)]
    if isinstance(value, dict):
        if str(value.get("n")).isdecimal():
            return [value]
        if value.get("items") == []:
            return []
        if "items" in value:
            return find_items(value["items"])
        for member in reversed(value.values()):
            with suppress(ValueError):
                return find_items(member)
    raise ValueError("there is no answer in it")


def split_items(text: str, *, is_cut: bool) -> tuple[Items, list[int]]:
    """Read the items of an answer that is cut or broken, each by itself. Return those that are
    whole, and the line of each broken one.

    If the answer breaks off, all items of its last line are left out: more of them may have
    followed.

    >>> split_items('{"items":[{"n":1},{"n":2},{"n":2', is_cut=True)
    ([{'n': 1}], [])
    >>> split_items('[{"n":1},{"n":2,"quote":"the "best" one"},{"n":3}]', is_cut=False)
    ([{'n': 1}, {'n': 3}], [2])
    """
    whole = []
    behind = 0
    for bracket in re.finditer(r"""\{(?=\s*["'])""", text):
        if bracket.start() < behind:
            continue
        with suppress(ValueError):
            value, end = read_value(text, bracket.start())
            whole += find_items(value)
            behind = end
    numbers = [int(number) for number in _NUMBER.findall(text)]
    broken = Counter(numbers) - Counter(int(item["n"]) for item in whole)
    if is_cut or "]" not in text[behind:]:
        whole = [item for item in whole if int(item["n"]) not in numbers[-1:]]
    return whole, [*broken]
