"""The whole of a name of which a vocabulary knows only a part: "EMX 121974", "17-N-allylamino-examplumab"."""

import re

__all__ = ["widen_name"]

_CAPITALS = re.compile(r"[A-Z]{2,5}")
_NUMBER = re.compile(r"\s\d{3,7}[A-Z]?(?![\w/%.,])")
_HEAD = re.compile(r"(?<![\w.-])(?:nab|peg|SUBA|(?=[a-zA-Z-]{0,12}\d)[\w,-]{1,30})-$", re.IGNORECASE)
_REACH = 32


def widen_name(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the name of which ``text[start:end]`` is a part.

    >>> text = "EMX 121974 and nab-paclitaxel 5 mg"
    >>> [text[slice(*widen_name(text, *place))] for place in ((0, 3), (19, 29))]
    ['EMX 121974', 'nab-paclitaxel']
    """
    if text[start - 1 : start] == "-" and (head := _HEAD.search(text[max(0, start - _REACH) : start])):
        start -= len(head[0])
    if _CAPITALS.fullmatch(text, start, end) and (number := _NUMBER.match(text, end)):
        end = number.end()
    return start, end
