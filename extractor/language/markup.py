r"""HTML tags that only affect the layout: the edges of paragraphs and items, and emphasis.

A registry may store these tags as written or escaped ("&lt;li&gt;").
"""

import re

_OPEN = "(?:<|&lt;)"
_CLOSE = "(?:>|&gt;)"
_ATTRIBUTES = (
    r"(?:[ ](?!on|style|hidden|src)[a-z-]{1,20}="
    r"(?:(?!display|hidden|script)[^<>&]){0,300})?[ ]?/?"
)
"""The attributes of a layout tag. Attributes that hide text or run code are excluded, so that a
tag with any of these attributes remains in the text and is reported.
"""
EDGE = re.compile(
    rf"(?:\r|\\r)?{_OPEN}(?:br|/?(?:p|li|[uo]l|div|h[1-6]|table|tbody|thead|tr|section|body"
    rf"|html)){_ATTRIBUTES}{_CLOSE}",
    re.IGNORECASE,
)
"""A tag that begins or ends a line."""
CELL = re.compile(rf"{_OPEN}/?t[dh]{_ATTRIBUTES}{_CLOSE}", re.IGNORECASE)
"""The edge of a table cell."""
EMPHASIS = re.compile(
    rf"{_OPEN}/?(?:b|i|u|strong|em|span|font|sup|sub|small){_ATTRIBUTES}{_CLOSE}",
    re.IGNORECASE,
)
ITEM = re.compile(rf"{_OPEN}li{_ATTRIBUTES}{_CLOSE}\Z", re.IGNORECASE)
ANY = re.compile(
    "|".join(f"(?:{code.pattern})" for code in (EDGE, CELL, EMPHASIS)), re.IGNORECASE
)


def may_hold_markup(text: str) -> bool:
    """Return whether a text may contain layout tags. Most texts contain no such tags and need not
    be searched.

    >>> [may_hold_markup(text) for text in ("a <p>", "a &lt;p&gt;", "a & b")]
    [True, True, False]
    """
    return "<" in text or "&lt;" in text
