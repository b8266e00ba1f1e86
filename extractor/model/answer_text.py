"""Find the answer in the text of a reply: the last complete answer after the model's reasoning.

An answer is an object with a list named ``items``, whose members are objects that each have a line
number ``n``. Other accepted forms are the list alone, items on separate lines, an answer inside
another object (``{"Reply": {...}}``) or a tool call written as text, and JSON written as a string.
An answer inside the reasoning is used only if there is no other answer and the model has finished.
Of a text without an answer, what follows the reasoning is returned.

The marks that delimit reasoning are in ``_EVENT``.

JSON is read strictly, except that a string may contain a raw line break. Errors between the items
of an answer are mended: a surplus or a missing comma, a comment, or no closing brace. An item with
errors is not read: truncated values, words or numbers that JSON does not allow, and objects in
which a key has two different values. The library json_repair would mend more errors: it takes the
last of two values, and turns ``1 8`` into a value.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
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
_SEPARATOR = re.compile(r"(?:[\s,;`]|json|</?tool_calls?>)*+")
"""What may stand between two parts of one answer."""
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
_MOST_SHOWN = 5
"""Maximum number of differences that a remark shows."""
_LONGEST_SHOWN = 80
"""Maximum number of characters of a value in a remark."""
_MOST = 10_000
"""Maximum number of marks and brackets to examine. Anything that follows them in a reply is
ignored.
"""

_LONGEST_NUMBER = 9
"""Maximum number of digits in the number of an item."""
# The beginning of a list of items, and what may stand between two items or end the list.
_OPENING = re.compile(r'\{\s*"items"\s*:\s*\[')
_BETWEEN = re.compile(r"(?:[\s,]|//[^\n]*|/\*.*?\*/)*+", re.DOTALL)
_CLOSING = re.compile(r"\][^{]*")


def find_answer(text: str, *, is_cut: bool = False) -> tuple[str, str]:
    """Find the answer in the text of a reply. ``is_cut`` means that the output limit truncated the
    reply.

    Return the answer and a remark about uncertainties in reading it, which is "" if there are none.
    The answer is strict JSON if it is complete; otherwise, it is the text that should contain the
    answer, or "" if no text follows the reasoning. Of several remarks, the last one below counts.

    >>> find_answer(
    ...     'Draft: {"items":[{"n":1,"cat":"age"}]} Final: {"items":[{"n":1}]}'
    ... )[0]
    '{"items":[{"n":1}]}'
    """
    found = _list_answers(text, is_cut=is_cut)
    answers = found.answers
    drafts = found.drafts
    rest = found.find_rest(text)
    is_mended = found.is_joined
    # the caller reads the complete items of a truncated answer one by one
    if is_cut and (rest or not answers):
        return rest, ""
    last = read_whole(rest)
    if last is None:
        last = _mend(rest)
        is_mended = is_mended or last is not None
    if last is not None:
        answers.append(last)
        rest = ""
    # there is no complete answer
    if not answers and (rest or not drafts):
        return rest, ""
    remark = MENDED if is_mended else ""
    if rest:
        remark = _INCOMPLETE
    if not answers:
        answers.append(drafts[-1])
        # some servers put the whole answer into the reasoning
        if read_whole(re.sub("</?think>", "", text)) is None:
            remark = _THOUGHT
    answer = answers[-1]
    written = set(map(json.dumps, answer))
    complete = chain(*drafts, *answers)
    others = [item for item in complete if json.dumps(item) not in written]
    if others:
        remark = _DIFFERS + _show_differences(answer, others)
    items = {"items": answer}
    return json.dumps(items, ensure_ascii=False, separators=(",", ":")), remark


def _show_differences(answer: Items, others: Items) -> str:
    """Return the values that differ between the items of an answer and those of the other answers
    in its reply, by line and key: first that of the answer. Values of lines that both describe
    with several items are not compared.

    >>> _show_differences([{"n": 3, "cat": "age"}], [{"n": 3, "cat": "consent"}])
    ': line 3, cat: "age" and "consent"'
    """
    used = Counter(item["n"] for item in answer)
    by_number = {item["n"]: item for item in answer if used[item["n"]] == 1}
    shown = []
    for other in others:
        number = other["n"]
        item = by_number.get(number)
        if item is None:
            side = "several items" if number in used else "no item"
            shown.append(f"line {number}: {side} and {_shorten(other)}")
            continue
        for key in dict.fromkeys((*item, *other)):
            both = (item.get(key), other.get(key))
            if both[0] != both[1]:
                values = " and ".join(map(_shorten, both))
                shown.append(f"line {number}, {key}: {values}")
    if not shown:
        return ""
    shown = list(dict.fromkeys(shown))
    differences = "; ".join(shown[:_MOST_SHOWN])
    more = len(shown) - _MOST_SHOWN
    if more > 0:
        differences += f"; and {more} more"
    return f": {differences}"


def _shorten(value: object) -> str:
    """Return a value as JSON, cut if it is long; "nothing" for None."""
    if value is None:
        return "nothing"
    written = json.dumps(value, ensure_ascii=False)
    if len(written) > _LONGEST_SHOWN:
        return f"{written[:_LONGEST_SHOWN]}..."
    return written


def _mend(text: str) -> Items | None:
    """Return the items of an answer that has errors only between or after its items, or None."""
    opening = _OPENING.match(text)
    if not opening:
        return None
    items: Items = []
    end = opening.end()
    while True:
        between = _BETWEEN.match(text, end)
        assert between, "it may be empty"
        found, end = read_answers(text, between.end())
        if not found:
            break
        items += found[-1]
    # what follows the last item
    if _CLOSING.fullmatch(text, between.end()):
        return items
    return None


@dataclass(slots=True)
class _FoundAnswers:
    """What was found in a text, up to a place in it.

    Attributes:
        answers: The complete answers outside reasoning.
        drafts: The complete answers in reasoning, and those that another one replaces.
        in_reasoning: Whether the place is in the model's reasoning.
        is_broken: Whether a malformed answer begins at ``rest_start``.
        is_joined: Whether parts of the last answer were joined.
        rest_start: The offset of the text that should be an answer if no other follows.
        last_end: The end of the last complete answer.
    """

    answers: list[Items] = field(default_factory=list)
    drafts: list[Items] = field(default_factory=list)
    in_reasoning: bool = False
    is_broken: bool = False
    is_joined: bool = False
    rest_start: int = 0
    last_end: int = 0

    def pass_mark(self, mark: re.Match[str]) -> None:
        """Enter or leave reasoning at a mark."""
        opens = bool(mark["opens"])
        if opens == self.in_reasoning:
            # such as <think> inside reasoning, or <answer> outside it
            if not mark["closes"]:
                return
            # </think> without <think>: everything before it was reasoning
            self.drafts += self.answers
            self.answers = []
        self.in_reasoning = opens
        self.is_broken = False
        self.rest_start = mark.end()

    def add(self, items: Items, text: str, start: int, end: int) -> None:
        """Add the items in ``text[start:end]``: to the last answer if they continue it, otherwise
        as a new one.
        """
        target = self.drafts if self.in_reasoning else self.answers
        # what only white space or commas separate belongs to one answer; words between mean that
        # another answer begins
        separator = _SEPARATOR.match(text, self.last_end)
        assert separator, "it may be empty"
        continues = bool(target) and separator.end() >= start
        if not continues:
            target.append(items)
            self.is_joined = False
        elif items != target[-1]:
            # the same items again say nothing new
            target[-1] += items
            self.is_joined = True
        self.is_broken = False
        self.last_end = end

    def find_rest(self, text: str) -> str:
        """Return the text that follows the answers if it should have been an answer, because it is
        truncated or malformed, or because there is no other answer; otherwise "".
        """
        has_answer = bool(self.answers) and not self.is_broken
        if self.in_reasoning or has_answer:
            return ""
        return text[self.rest_start :].strip()


def _list_answers(text: str, *, is_cut: bool) -> _FoundAnswers:
    """Return what a text contains.

    A closing mark without an opening mark ends reasoning that started at the beginning of the
    text. Reasoning without a closing mark continues to the end of the text. A mark inside an
    answer is treated as ordinary text.
    """
    found = _FoundAnswers()
    end = 0  # of the last value
    for event in islice(_EVENT.finditer(text), _MOST):
        start = event.start()
        # a mark or a bracket inside the last value
        if start < end:
            continue
        if not event["value"]:
            found.pass_mark(event)
            continue
        # an item in a malformed answer is not an answer by itself, and truncated items may follow
        may_be_item = is_cut or found.is_broken
        if may_be_item and _PART.match(text, start):
            continue
        values, end = read_answers(text, start)
        if values:
            *others, items = values
            found.drafts += others
            found.add(items, text, start, end)
        elif not found.is_broken and _BEGINNING.search(text, start, end):
            found.is_broken = True
            found.rest_start = start
    return found


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
        return read_answers(f"[{value}]", 0)[0]
    if isinstance(value, list) and value:
        lists = list(map(list_answers, value))
        # a member that is no item and has none
        if [] in lists:
            return []
        # the items of all members are one answer
        joined = list(chain.from_iterable(answers[-1] for answers in lists))
        return [*chain.from_iterable(answers[:-1] for answers in lists), joined]
    if not isinstance(value, dict):
        return []
    # some models write the number as a string; Python refuses to read thousands of digits
    number = str(value.get("n"))
    if number.isdecimal() and len(number) <= _LONGEST_NUMBER:
        return [[value | {"n": int(number)}]]
    found: list[Items] = []
    for name in sorted(value, key=_rank_key):
        answers = list_answers(value[name])
        if name == "items" and not answers:
            if value[name] == []:
                return [*found, []]
            return []
        found += answers
    return found


def _rank_key(name: str) -> int:
    """Return where a member of an object stands among the others: first reasoning, last items."""
    if name == "items":
        return 2
    if _REASONING_KEY.fullmatch(name):
        return 0
    return 1


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
    last_end = 0  # of the last complete item
    end = list_start.end() if list_start else 0
    for bracket in islice(re.finditer(r"""\{(?=\s*["'])""", text), _MOST):
        if bracket.start() < end:
            continue
        found, end = read_answers(text, bracket.start())
        if found:
            complete += found[-1]
            last_end = end
    # the list has ended, so no items are missing
    if not is_cut and "]" in text[last_end:]:
        return complete
    last_numbers = _NUMBER.findall(text)[-1:]
    return [item for item in complete if str(item["n"]) not in last_numbers]


def read_answers(text: str, start: int) -> tuple[list[Items], int]:
    r"""Return the answers in the object or list at ``start``, and the first offset at which another
    value may begin. There are none if the value is truncated or invalid, or does not contain items.

    >>> read_answers('{"items": [{"n": 1, "quote": "two\nlines"}]} and more', 0)
    ([[{'n': 1, 'quote': 'two\nlines'}]], 43)
    """
    end = len(text)
    try:
        # the end of a value with errors that only the strict reader rejects is known, too
        _, end = _SKIPPER.raw_decode(text, start)
        return list_answers(_DECODER.raw_decode(text, start)[0]), end
    except json.JSONDecodeError as error:
        # an answer may begin there, such as behind an unterminated string
        return [], max(error.pos, start + 1)
    # an answer is never that deep
    except (ValueError, RecursionError):
        return [], end


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
_SKIPPER = json.JSONDecoder(
    strict=False, parse_int=str, parse_float=str, parse_constant=str
)
"""Finds the end of a value that may have such a number or such a key."""
read_strict = _DECODER.decode
"""Read JSON. Raises ``ValueError`` for other text, for a number that is too large, and for an
object in which a key has two different values.
"""
