r"""Text as shown to people: on pages, in tables and messages, and in the ``str`` of extracted
items.

A registry's file may contain escaped punctuation (``\\>``), wrapped lines, entities, soft hyphens
and damaged encodings; these are cleaned up. Symbols that are familiar to readers, such as "10⁹",
"×" and "–", are unchanged. Rules read the output of ``clean_text`` instead, in which every symbol
has one spelling.
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
    # Ligatures come from typesetting. Other forms, such as Roman numerals, are separate symbols.
    "compatible": lambda written: (
        REPLACERS["compatible"](written) if written in _LIGATURES else written
    ),
    # a tab indents
    "space": lambda written: written if written == "\t" else " ",
    # a single carriage return ends a line
    "single": lambda written: written.replace("\r", "\n"),
    # superscripts are visible
    "per": str,
    "power": str,
    "script": str,
}
"""The replacements for characters that readers should not see. Superscripts, dashes and quotation
marks are unchanged.
"""
_RAISED = str.maketrans("0123456789-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_UNDERLINED = {"<": "≤", ">": "≥"}
_MOST_PASSES = 3
"""Maximum number of passes, for nested escapes such as "&amp;shy;"."""


def show_text(raw: str) -> CleanText:
    r"""Return a text as shown to people, line by line, with a map to the raw characters.

    >>> show_text("aged \\>18 years, 3 × 10⁹/L&nbsp;(2–4)").text
    'aged >18 years, 3 × 10⁹/L (2–4)'
    >>> show_text("age <u>&gt;</u> 18, 10<sup>-9</sup>").text
    'age ≥ 18, 10⁻⁹'
    """
    return apply_changes(raw, list_changes(raw, _SHOWN, _read_tagged))


def show_line(raw: str) -> str:
    r"""Return a text as shown to people, on one line.

    >>> show_line("platelets \\> 50 x\n   10\\^9/L,\n   non\u00adsmokers")
    'platelets > 50 x 10^9/L, nonsmokers'
    >>> show_line("non&amp;amp;shy;smokers")
    'nonsmokers'
    """
    if is_plain(raw):
        return raw
    return _show_odd(raw)


def is_plain(text: str) -> bool:
    """Return whether a text is a single line that needs no changes. Most texts need no changes,
    and this check is fast.

    >>> is_plain("age 18 or older"), is_plain("age  < 18")
    (True, False)
    """
    if not text.isascii():
        return False
    if not text.isprintable():
        return False
    is_escaped = "\\" in text or "&" in text or "<" in text
    if is_escaped:
        return False
    if "  " in text:
        return False
    return text == text.strip(" ")


@lru_cache(maxsize=4096)
def _show_odd(raw: str) -> str:
    """Return a text on one line, cleaned until nothing changes, at most ``_MOST_PASSES`` times:
    what is cleaned may be escaped text.
    """
    text = raw
    for _ in range(_MOST_PASSES):
        shown = show_text(text).text
        if shown == text:
            break
        text = shown
    return " ".join(text.split())


def _read_tagged(tagged: re.Match[str]) -> str:
    """Return the symbol for a raised power or an underlined comparator within tags."""
    raised = tagged["power"] or tagged["area"]
    if raised:
        return raised.translate(_RAISED)
    comparator = tagged["comparator"].replace("&lt;", "<").replace("&gt;", ">")
    return _UNDERLINED[comparator[-1]]
