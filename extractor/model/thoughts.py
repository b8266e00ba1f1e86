"""Find the thoughts in a model's text: what stands before, between or behind the marks around them.

Models put marks around their thoughts, and servers that should remove them may not.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter

Range = tuple[int, int]
"""Half-open offsets into a text."""

_TAG = (
    r"(?:\w+:)?(?:\w*think(?:ing)?|thoughts?|reason(?:ing)?|reflection|rationale|scratch_?pad"
    r"|analysis|planning|cot|chain_of_thought|inner_monologue|draft)"
)
_MARKS = (
    # <think>, <seed:think>, <antThinking>, <reasoning> and their like
    (rf"<{_TAG}(?:\s[^<>]*)?>", rf"</{_TAG}\s*>"),
    # Mistral
    (r"\[(?:THINK(?:ING)?|REASONING)\]", r"\[/(?:THINK(?:ING)?|REASONING)\]"),
    # Kimi
    (r"◁think▷", r"◁/think▷"),
    # Command, Sky-T1
    (
        r"<\|(?:begin_of_thought|START_THINKING|think|thinking)\|>",
        r"<\|(?:end_of_thought|END_THINKING|/think|/thinking)\|>",
    ),
    # harmony, in which gpt-oss writes; a server may drop its signs and leave the words
    (
        r"<\|channel\|>\s*analysis",
        r"<\|channel\|>\s*(?:final|commentary)|assistant(?:final|commentary)(?![a-z])",
    ),
    # MedGemma
    (r"<unused94>", r"<unused95>"),
)
"""What opens thoughts, and what closes them. Any mark closes what another has opened."""
_OPENS = "|".join(opens for opens, _ in _MARKS)
_CLOSES = "|".join(closes for _, closes in _MARKS)
_ENDS = (
    r"<(?:final_)?(?:answer|response|output|result)>"
    r"|<\|(?:begin_of_solution|START_RESPONSE|end)\|>"
)
"""Marks that end thoughts which are open. Without open ones they say nothing."""
_MARK = re.compile(
    f"(?P<opens>{_OPENS})|(?P<closes>{_CLOSES})|(?P<ends>{_ENDS})", re.IGNORECASE
)
_COMMENTARY = re.compile(r"<\|channel\|>\s*commentary", re.IGNORECASE)


def find_thoughts(text: str, values: Sequence[Range] = ()) -> list[Range]:
    """Return the ranges of thoughts in a text, in order, their marks included.

    What a closing mark without an opening one closes began with the text. Thoughts without a
    closing mark last to the end. A mark inside one of ``values`` (the ranges of answers), such as a
    quoted tag, is text. The mark of an answer ends thoughts that are open, and says nothing else.

    >>> (
    ...     find_thoughts("Hm. </think>{}"),
    ...     find_thoughts("<think>Hm.</think>{}<reasoning>"),
    ... )
    ([(0, 12)], [(0, 18), (20, 31)])
    """
    thoughts: list[Range] = []
    opened: int | None = None
    for mark in _MARK.finditer(text):
        if is_within(values, mark.start()):
            continue
        if mark["opens"]:
            if opened is None:
                opened = mark.start()
        # <think>Hm.</thinking>, or <think>Hm.<answer>: any mark closes what is open
        elif opened is not None:
            thoughts.append((opened, mark.end()))
            opened = None
        # Before a commentary of harmony, another answer may stand.
        elif mark["closes"] and not _COMMENTARY.match(mark[0]):
            thoughts = [(0, mark.end())]
    if opened is not None:
        thoughts.append((opened, len(text)))
    return thoughts


def is_within(ranges: Sequence[Range], start: int) -> bool:
    """Return whether a place lies in one of the ranges, which are in order and do not overlap."""
    begun = bisect_right(ranges, start, key=itemgetter(0))
    if begun == 0:
        return False
    _, end = ranges[begun - 1]
    return start < end


def cut_out(text: str, ranges: Sequence[Range]) -> str:
    """Return a text without these ranges.

    >>> cut_out("abcdef", [(0, 2), (3, 4)])
    'cef'
    """
    rest = ""
    at = 0
    for start, end in ranges:
        rest += text[at:start]
        at = end
    return rest + text[at:]
