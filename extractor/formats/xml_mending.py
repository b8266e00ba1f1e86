"""Repair an XML record that does not parse: characters that XML forbids, and signs that are not
markup.

Nothing is left out: what is not a character becomes "�", and what is not markup becomes text.
A parser that recovers by itself would drop the "<" of "< 5".
"""

import html
import re

from extractor.formats.streams import replace_odd_bytes

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = str.maketrans("\v\f", "\n\n")
"""Characters that XML forbids and that word processors write for line breaks."""
_QUOTED = re.compile(r"<!\[CDATA\[((?:(?!<!\[CDATA).)*?)\]\]>", re.DOTALL)
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->", re.DOTALL)
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z_][\w:.-]*)(?:\s[^<>]*)?(?P<empty>/?)>")
_CODE = re.compile(r"&(?:#?\w{1,32};)?")
_OWN = ("&amp;", "&lt;", "&gt;", "&quot;", "&apos;")


def mend(text: str) -> str:
    r"""Return a record in which what XML forbids is replaced, and signs and tags that are not
    markup are text.

    >>> mend("<a>Age &gt; 18 & < 65\x0b in &micro;g or kU<br>CRP</a>")
    '<a>Age &gt; 18 &amp; &lt; 65\n in µg or kU&lt;br>CRP</a>'
    """
    text, _ = replace_odd_bytes(text)
    text = _COMMENT.sub("", text)
    text = _QUOTED.sub(lambda found: html.escape(found[1]), text)
    text = _CODE.sub(lambda found: _write_code(found[0]), text)
    tags = list(_TAG.finditer(text))
    ended = {tag["name"] for tag in tags if tag["end"]}
    begun = {tag["name"] for tag in tags if not tag["end"]}
    starts = {
        tag.start() for tag in tags if tag["empty"] or tag["name"] in ended & begun
    }
    text = re.sub("<", lambda sign: "<" if sign.start() in starts else "&lt;", text)
    text = text.translate(_LINE_BREAKS).replace("]]>", "]]&gt;")
    return _FORBIDDEN.sub("\ufffd", text)


def _write_code(code: str) -> str:
    """Return what stands for a character: its code, where XML has it, else the character."""
    if code in _OWN:
        return code
    return html.escape(html.unescape(code) or "\ufffd", quote=False)
