r"""Text as people read it, for pages, tables, messages and the ``str`` of extracted items.

A registry's file escapes punctuation (``\\>``), wraps lines, and passes on entities, soft hyphens
and damaged encodings. These are invisible to readers and are removed. Visible signs are unchanged:
"10⁹", "×", "–". Rules read a different form, in which each sign has one spelling: ``clean_text``.
"""

import re
from functools import lru_cache

from extractor.language.clean import (
    REPLACERS,
    CleanText,
    Replacers,
    apply_changes,
    decode_json,
    list_changes,
    read_entity,
    repair,
)

_LIGATURES = "ﬀﬁﬂﬃﬄﬅﬆ"
_SHOWN: Replacers = {
    **REPLACERS,
    "json": decode_json,
    "entity": read_entity,
    "mojibake": repair,
    # of a typesetter; other forms, such as Roman numerals, are signs of their own
    "compatible": lambda sign: (
        REPLACERS["compatible"](sign) if sign in _LIGATURES else sign
    ),
    # a tab indents
    "space": lambda sign: sign if sign == "\t" else " ",
    # a lone carriage return ends a line
    "single": lambda sign: sign.replace("\r", "\n"),
    # superscripts are visible
    "power": str,
    "script": str,
}
"""Characters that are not visible to readers. Superscripts, dashes and quotation marks are."""
_RAISED = str.maketrans("0123456789-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_UNDERLINED = {"<": "≤", ">": "≥"}
_MOST_PASSES = 3
"""The maximum number of nested escapes, as in "&amp;shy;"."""


def show_text(raw: str) -> CleanText:
    r"""Return a text as people read it, line by line, with a map to the raw characters.

    >>> show_text("aged \\>18 years, 3 × 10⁹/L&nbsp;(2–4)").text
    'aged >18 years, 3 × 10⁹/L (2–4)'
    """
    return apply_changes(raw, list_changes(raw, _SHOWN, _read_tagged))


def show_line(raw: str) -> str:
    r"""Return a text as people read it, on one line.

    >>> show_line("platelets \\> 50 x\n   10\\^9/L,\n   non\u00adsmokers")
    'platelets > 50 x 10^9/L, nonsmokers'
    """
    return raw if is_plain(raw) else _show_odd(raw)


def is_plain(text: str) -> bool:
    """Return quickly whether a text is certainly one line of plain words, as most texts are.

    >>> is_plain("age 18 or older"), is_plain("age  < 18")
    (True, False)
    """
    if not text.isascii() or not text.isprintable():
        return False
    if "\\" in text or "&" in text or "<" in text or "  " in text:
        return False
    return text == text.strip(" ")


@lru_cache(maxsize=4096)
def _show_odd(raw: str) -> str:
    text = raw
    for _ in range(_MOST_PASSES):
        shown = show_text(text).text
        if shown == text:
            break
        text = shown
    return " ".join(text.split())


def _read_tagged(tagged: re.Match[str]) -> str:
    if tagged["power"]:
        return tagged["power"].translate(_RAISED)
    comparator = tagged["comparator"].replace("&lt;", "<").replace("&gt;", ">")
    return _UNDERLINED[comparator[-1]]
