"""Find the answer in the text of a reply: the last complete answer after the model's reasoning.

An answer is an object with a list named ``items``, whose members are objects that each have a line
number ``n``. Other accepted forms are the list alone, items on separate lines, an answer inside
another object (``{"Reply": {...}}``) or a tool call written as text, and JSON written as a string.
An answer inside the reasoning is used only if there is no other answer and the model has finished.
Of a text without an answer, what follows the reasoning is returned.

The marks that delimit reasoning are in ``_EVENT``.

JSON is read as models write it, if its errors do not make it ambiguous. The following errors are
accepted: a comma after the last member, a missing comma between two objects, a raw line break in a
string, an unnecessary backslash, comments, and Python's keywords and quotation marks. If an
answer's list of items is complete, a missing closing brace is added. Values with other errors are
not read: truncated values, words or numbers that JSON does not allow, and objects in which a key
has two different values. Depth and length are limited, so that every reply is read quickly. The
library json_repair would mend these errors too: it takes the last of two values, and turns ``1 8``
into a value.
"""

import json
import re
from contextlib import suppress
from itertools import chain, islice
from math import isfinite
from typing import Any

from extractor.schemas.vocabulary import MENDED

Items = list[dict[str, Any]]

_REASONING = r"""(?:\w+:)?(?:\w*think(?:ing)?|thoughts?|reason(?:ing)?|reflection|rationale
    |scratch_?pad|analysis|planning|cot|chain_of_thought|inner_monologue|draft)"""
"""Matches the names of tags and keys that contain reasoning."""
_REASONING_KEY = re.compile(_REASONING, re.IGNORECASE | re.VERBOSE)
_EVENT = re.compile(
    rf"""
    (?P<opens>
        <{_REASONING}(?:\s[^<>]*)?>
        | \[(?:THINK(?:ING)?|REASONING)\]                                      # Mistral
        | ◁think▷                                                              # Kimi
        | <\|(?:begin_of_thought|START_THINKING|think|thinking)\|>             # Sky-T1, Command
        | <\|channel\|>\s*analysis                                             # gpt-oss
        | <unused94>                                                           # MedGemma
    )
    | (?P<closes>
        </{_REASONING}\s*>
        | \[/(?:THINK(?:ING)?|REASONING)\]
        | ◁/think▷
        | <\|(?:end_of_thought|END_THINKING|/think|/thinking)\|>
        # a server may drop the brackets and keep the words
        | <\|channel\|>\s*final | assistantfinal(?![a-z])
        | <unused95>
    )
    # marks that end open reasoning and are ignored otherwise
    | <(?:final_)?(?:answer|response|output|result)>
    | <\|(?:begin_of_solution|START_RESPONSE|end)\|>
    | <\|channel\|>\s*commentary | assistantcommentary(?![a-z])
    | (?P<value> \{{(?=\s*["'/]) | \[(?=\s*[\[{{"'/]) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# The beginning of a single item or of a tool call. The answer may continue in the next one.
_PART = re.compile(r"""\{[^{}\[\]]*["'](?:n|name)["']\s*:""")
_NEXT_PART = re.compile(rf"(?:[\s,;]|</?tool_calls?>)*+{_PART.pattern}")
# The beginning of an answer, even of one that never ends.
_BEGINNING = re.compile(
    rf"""\{{\s*["']items["']\s*:|\[\s*\{{\s*["']n["']\s*:|{_PART.pattern}"""
)
_LIST = re.compile(r"""["']items["']\s*:\s*\[""")
# The number of an item. Something must follow it, because a truncated 1 could be the start of 12.
_NUMBER = re.compile(r"""["']n["']\s*:\s*["']?(\d{1,9})["']?\s*[,}]""")
_INCOMPLETE = (
    "a later answer in the reply is incomplete; the last complete answer was used"
)
_THOUGHT = "the reply contains an answer only in the model's reasoning"
_DIFFERS = "another complete answer in the reply differs; the last one after all reasoning was used"
_MOST_VALUES = 20
"""Maximum number of values that are read again to see whether they have errors."""
_MOST = 10_000
"""Maximum number of marks and brackets to examine. Anything that follows them in a reply is
ignored.
"""

_LONGEST_VALUE = 400_000
"""Maximum number of characters in a value. Answers are never that long."""
_DEEPEST_VALUE = 16
_LONGEST_NUMBER = 9
"""Maximum number of digits in the number of an item."""
_TOKEN = re.compile(
    r"""
      (?P<blank> (?: \s+ | //[^\n]{0,500} | /\*.{0,500}?\*/ )++ )  # white space and comments
    | , (?P<surplus> (?=\s*[}\]]) )
    | (?P<mark>["']) (?P<string> (?: \\. | (?!(?P=mark))[^\\] )*+ ) (?P=mark)
    | (?P<open> [{\[] )
    | (?P<close> [}\]] ) (?: (?<=\}) (?P<gap> (?=\s*\{) ) )?
    | [,:]
    | -?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?
    | (?:true|false|null|True|False|None)\b
    """,
    re.VERBOSE | re.DOTALL,
)
# The strict JSON for each error, keyed by its group in the pattern or by its text.
_STRICT = {
    "blank": " ",
    "surplus": "",
    "gap": "},",
    "True": "true",
    "False": "false",
    "None": "null",
}
# A JSON escape, an escaped single quotation mark as in Python, or a character that needs an escape.
_ESCAPE = re.compile(r"""(\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))|\\(')|([\\"])""")
_LACKS_BRACKET = re.compile(r'\{\s*"items"\s*:.*\]\s*', re.DOTALL)


def find_answer(text: str, *, is_cut: bool = False) -> tuple[str, str]:
    """Find the answer in the text of a reply. ``is_cut`` means that the output limit truncated the
    reply.

    Return the answer and a remark about uncertainties in reading it, which is "" if there are none.
    The answer is strict JSON if it is complete; otherwise, it is the text that should contain the
    answer, or "" if no text follows the reasoning.

    >>> find_answer(
    ...     'Draft: {"items":[{"n":1,"cat":"age"}]} Final: {"items":[{"n":1}]}'
    ... )[0]
    '{"items":[{"n":1}]}'
    """
    answers, drafts, incomplete = _list_answers(text, is_cut=is_cut)
    if is_cut and (incomplete or not answers):
        return incomplete, ""
    remark = ""
    if incomplete and answers:
        remark = _INCOMPLETE
    elif incomplete:
        whole = read_whole(incomplete)
        if whole is None:
            return incomplete, ""
        answers.append(whole)
    elif not answers:
        if not drafts:
            return "", ""
        answers.append(drafts[-1])
        # some servers put the whole answer into the reasoning
        if read_whole(re.sub("</?think>", "", text)) is None:
            remark = _THOUGHT
    answer = answers[-1]
    written = set(map(json.dumps, answer))
    if not written.issuperset(map(json.dumps, chain(*answers, *drafts))):
        remark = _DIFFERS
    if not remark and not _is_strict(text, answer):
        remark = MENDED
    items = {"items": answer}
    return json.dumps(items, ensure_ascii=False, separators=(",", ":")), remark


def _is_strict(text: str, answer: Items) -> bool:
    """Return whether a text contains the answer as one JSON value without errors, among its first
    values. An empty answer may also be the whole text.
    """
    decoder = json.JSONDecoder()
    first = len(text) - len(text.lstrip())
    events = islice(_EVENT.finditer(text), _MOST_VALUES)
    for start in (first, *(event.start() for event in events)):
        with suppress(ValueError, RecursionError):
            if find_items(decoder.raw_decode(text, start)[0]) == answer:
                return True
    if answer:
        return False
    return read_whole(text) == []


def _list_answers(text: str, *, is_cut: bool) -> tuple[list[Items], list[Items], str]:
    """Return the complete answers in a text, the complete answers in its reasoning, and the text
    that follows them if that text should have been an answer (because it is truncated or
    malformed, or because there is no other answer).

    A closing mark without an opening mark ends reasoning that started at the beginning of the
    text. Reasoning without a closing mark continues to the end of the text. A mark inside an
    answer is treated as ordinary text.
    """
    answers: list[Items] = []
    drafts = []
    in_reasoning = False
    is_broken = False
    rest_start = 0
    last_end = 0
    end = 0
    for event in islice(_EVENT.finditer(text), _MOST):
        start = event.start()
        if start < end:
            continue
        if not event["value"]:
            opens = bool(event["opens"])
            if opens == in_reasoning:
                # such as <think> inside reasoning, or <answer> outside it
                if not event["closes"]:
                    continue
                # </think> without <think>: everything before it was reasoning
                drafts += answers
                answers = []
            in_reasoning = opens
            is_broken = False
            rest_start = event.end()
            continue
        # an item in a malformed answer is not an answer by itself, and truncated items may follow
        found, end = _read_answers(text, start, skips_parts=is_cut or is_broken)
        if not found:
            if not is_broken and _BEGINNING.match(text, start):
                is_broken = True
                rest_start = start
            continue
        is_broken = False
        *others, items = found
        drafts += others
        target = answers
        if in_reasoning:
            target = drafts
        # items that only white space or commas separate belong to one answer; words between them
        # mean that another answer begins
        if target and _NEXT_PART.match(text, last_end):
            target[-1] += items
        else:
            target.append(items)
        last_end = end
    if in_reasoning or (answers and not is_broken):
        rest_start = len(text)
    return answers, drafts, text[rest_start:].strip()


def _read_answers(
    text: str, start: int, *, skips_parts: bool
) -> tuple[list[Items], int]:
    """Return the answers in the value at ``start``, and the position at which to continue. There
    are none if the value cannot be read, does not contain items, or is a single item and
    ``skips_parts`` is True.
    """
    if skips_parts and _PART.match(text, start):
        return [], start
    value, end = read_value(text, start)
    return list_answers(value), end


def read_whole(text: str) -> Items | None:
    """Return the items of a text that consists only of an answer, which may be written as a
    string; return None for any other text. Only here is an empty list (``[]``) accepted as an
    answer.
    """
    text = text.strip("` \n\r\t").removeprefix("json").strip()
    if text == "[]":
        return []
    return find_items(text)


def find_items(value: object) -> Items | None:
    """Return the items of the last answer in a value, or None if there is no answer.

    >>> find_items({"Reply": '{"items": [{"n": 1}]}'})
    [{'n': 1}]
    """
    answers = list_answers(value)
    if answers:
        return answers[-1]
    return None


def list_answers(value: object) -> list[Items]:
    """Return the items of each answer that a value is or contains. The last one is the answer to
    use, and the others are drafts. The list is empty if there is none.

    A string is read as JSON. In an object, ``items`` is the answer; otherwise, the last member with
    an answer is, and a member whose key names reasoning only if there is no other. A list is
    treated as an answer if each of its members is an item or has items.

    >>> list_answers({"final": [{"n": 1}], "draft": [{"n": 1, "cat": "age"}]})
    [[{'n': 1, 'cat': 'age'}], [{'n': 1}]]
    """
    if isinstance(value, str):
        value, _ = read_value(f"[{value}]")
    if isinstance(value, list) and value:
        lists = list(map(list_answers, value))
        if [] in lists:
            return []
        joined = list(chain.from_iterable(answers[-1] for answers in lists))
        return [*chain.from_iterable(answers[:-1] for answers in lists), joined]
    if not isinstance(value, dict):
        return []
    # some models write the number as a string; Python refuses to read thousands of digits
    number = str(value.get("n"))
    if number.isdecimal() and len(number) <= _LONGEST_NUMBER:
        return [[value | {"n": int(number)}]]
    found: list[Items] = []
    # first the reasoning, last the items
    for name in sorted(
        value, key=lambda name: (name == "items", not _REASONING_KEY.fullmatch(name))
    ):
        answers = list_answers(value[name])
        if name == "items" and not answers:
            if value[name] == []:
                return [*found, []]
            return []
        found += answers
    return found


def split_items(text: str, *, is_cut: bool) -> Items:
    """Read the items of a truncated or malformed answer individually, and return the complete
    items.

    If the answer is truncated, all items for the last line that it mentions are dropped, because
    more items for that line may have followed.

    >>> split_items('{"items":[{"n":1},{"n":2},{"n":2', is_cut=True)
    [{'n': 1}]
    >>> split_items('[{"n":1},{"n":2,"quote":"the "best" one"},{"n":3}]', is_cut=False)
    [{'n': 1}, {'n': 3}]
    """
    list_start = _LIST.search(text)
    complete: Items = []
    last_end = 0
    end = 0
    if list_start:
        end = list_start.end()
    for bracket in islice(re.finditer(r"""\{(?=\s*["'])""", text), _MOST):
        if bracket.start() < end:
            continue
        value, end = read_value(text, bracket.start())
        items = find_items(value)
        if items:
            complete += items
            last_end = end
    # the list has ended, so no items are missing
    if not is_cut and "]" in text[last_end:]:
        return complete
    last = _NUMBER.findall(text)[-1:]
    return [item for item in complete if str(item["n"]) not in last]


def read_value(text: str, start: int = 0) -> tuple[object, int]:
    r"""Read the object or list at ``start``. Return the value and the offset at which it ends. If
    the value is truncated or invalid, return None and the first offset at which another value may
    begin.

    >>> read_value('{"items": [{"n": 1, "quote": "two\nlines",},],} and more')
    ({'items': [{'n': 1, 'quote': 'two\nlines'}]}, 46)
    """
    strict = ""
    depth = 0
    last = start
    end = start
    while token := _TOKEN.match(text, end):
        last, end = token.span()
        depth += bool(token["open"]) - bool(token["close"])
        strict += _write_token(token)
        if depth == 0:
            last = end
            strict = strict.rstrip(",")
        if not 0 < depth <= _DEEPEST_VALUE or end - start >= _LONGEST_VALUE:
            break
    if end == len(text) and _LACKS_BRACKET.fullmatch(strict):
        # if the list that has ended is inside an item, decoding still fails
        strict += "}"
    with suppress(ValueError):
        return _DECODER.decode(strict), end
    # an answer may begin inside the last token, such as an unterminated string
    return None, max(last, start + 1)


def _write_token(token: re.Match[str]) -> str:
    """Return a token as strict JSON. A backslash that does not escape anything is kept as a
    character.
    """
    if token.lastgroup != "string":
        return _STRICT.get(token.lastgroup or token[0], token[0])
    inside = _ESCAPE.sub(
        lambda part: part[1] or part[2] or f"\\{part[3]}", token["string"]
    )
    return f'"{inside}"'


def _join_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object with these members. Raises ``ValueError`` if a key has two different
    values.
    """
    joined: dict[str, object] = {}
    for key, value in pairs:
        if joined.setdefault(key, value) != value:
            raise ValueError("a key has two values")
    return joined


def _read_finite(digits: str) -> float:
    """Return a number. Raises ``ValueError`` if it is too large for Python."""
    number = float(digits)
    if not isfinite(number):
        raise ValueError("the number is too large")
    return number


_DECODER = json.JSONDecoder(
    strict=False,
    parse_float=_read_finite,
    parse_constant=_read_finite,
    object_pairs_hook=_join_pairs,
)
read_strict = _DECODER.decode
"""Read JSON. Raises ``ValueError`` for other text, for a number that is too large, and for an
object in which a key has two different values.
"""
