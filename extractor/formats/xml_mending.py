"""Mend a record in XML that does not parse: characters that XML forbids, and signs that are no
markup.

Nothing is left out: what is no character becomes "�", and what is no markup becomes text. A parser
that recovers by itself would drop the "<" of "< 5".
"""

import re
import sys
from collections import Counter
from html import escape
from html.entities import html5
from typing import NamedTuple

from extractor.formats.streams import decode_loosely
from extractor.formats.xml_pieces import APART

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = "\v\f"
"""Characters that XML forbids and that word processors write for line breaks."""
_TOKEN = re.compile(
    rf"""(?P<apart>{APART})
    | (?P<tag></?(?P<name>[A-Za-z_][\w:.-]*)
      (?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(?P<empty>/?)>)
    | &(?:\#(?P<number>[0-9]{{1,7}}|x[0-9A-Fa-f]{{1,6}});|(?P<entity>\w{{1,32}});)?
    | <|\]\]>""",
    re.DOTALL | re.VERBOSE,
)
_OWN = ("amp", "lt", "gt", "quot", "apos")
_CHARACTERS = "forbidden characters"
_ENTITIES = "unknown entities"
_SIGNS = "signs without markup"


class MendedXml(NamedTuple):
    """A record that was mended, in UTF-8, and what was changed, in words for people."""

    content: bytes
    changes: str


def mend(content: bytes) -> MendedXml:
    r"""Replace what XML forbids, and make text of signs and tags that are no markup.

    >>> content, changes = mend(
    ...     b"<a>Age &gt; 18 & < 65\x0bIgE in \xb5g&nbsp;or kU<br>CRP</a>"
    ... )
    >>> content.decode()
    '<a>Age &gt; 18 &amp; &lt; 65\nIgE in µg\xa0or kU&lt;br>CRP</a>'
    >>> print(changes)  # doctest: +NORMALIZE_WHITESPACE
    bytes that are not UTF-8: 1, forbidden characters: 1, signs without markup: 3,
    unknown entities: 1
    """
    changes: Counter[str] = Counter()
    text, changes["bytes that are not UTF-8"] = decode_loosely(content)

    def replace(found: re.Match[str]) -> str:
        changes[_CHARACTERS] += 1
        return "\n" if found[0] in _LINE_BREAKS else "\ufffd"

    def write(token: re.Match[str]) -> str:
        is_paired = token["tag"] and token["name"] not in unpaired
        if token["apart"] or is_paired or token["entity"] in _OWN:
            return token[0]
        if token["number"]:
            if not _FORBIDDEN.match(_find_character(token["number"])):
                return token[0]
            changes[_CHARACTERS] += 1
            return "\ufffd"
        if token["entity"]:
            # HTML has names for many characters that XML does not know.
            changes[_ENTITIES] += 1
            character = html5.get(f"{token['entity']};", "")
            return escape(character or token[0], quote=False)
        changes[_SIGNS] += 1
        if token[0] == "]]>":
            return "]]&gt;"
        return escape(token[0][0]) + token[0][1:]

    text = _FORBIDDEN.sub(replace, text)
    # An element without its end, such as <br> in a text, is no field of a registry.
    unpaired = _find_unpaired(text)
    text = _TOKEN.sub(write, text)
    counts = [f"{kind}: {number}" for kind, number in sorted(changes.items()) if number]
    return MendedXml(text.encode(), ", ".join(counts))


def _find_character(number: str) -> str:
    """Return the character of a number in a reference, such as "181" or "xb5"; a forbidden one for
    a number beyond Unicode.
    """
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    return chr(code) if code <= sys.maxunicode else "\0"


def _find_unpaired(text: str) -> set[str]:
    """Return the names of elements that begin more often than they end, or less often."""
    balance: Counter[str] = Counter()
    for token in _TOKEN.finditer(text):
        if token["tag"] and not token["empty"]:
            balance[token["name"]] += -1 if token[0].startswith("</") else 1
    return {name for name, number in balance.items() if number}
