"""Mend a record in XML that does not parse: characters that XML forbids, and signs that are no
markup.

Nothing is left out: what is no character becomes "�", and what is no markup becomes text.
"""

import re
import sys
from collections import Counter
from html import escape
from html.entities import html5
from typing import NamedTuple

from extractor.formats.streams import decode_loosely

_OPENING = re.compile(r"<!--|<!\[CDATA\[")
_CLOSINGS = {"<!--": "-->", "<![CDATA[": "]]>"}
"""What begins and ends a comment and CDATA, which hold no markup."""
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = "\v\f"
"""Characters that XML forbids and that word processors write for line breaks."""
_REFERENCE = re.compile(
    r"&(?:(?P<number>#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});|(?P<name>\w{1,32});)?"
)
_OWN = ("amp", "lt", "gt", "quot", "apos")
_TAG = re.compile(
    r"""</?(?P<name>[A-Za-z_][\w:.-]*)(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(?P<empty>/?)>"""
)
_SIGN = re.compile(r"<|\]\]>")

_BYTES = "bytes that are not UTF-8"
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
    text, odd_bytes = decode_loosely(content)
    text = _FORBIDDEN.sub(lambda sign: _replace(sign.group(), changes), text)
    pieces = _split_apart(text)
    # An element without its end, such as <br> in a text, is no field of a registry.
    unpaired = _find_unpaired("".join(pieces[::2]))
    for number in range(0, len(pieces), 2):
        references = _REFERENCE.sub(
            lambda reference: _refer(reference, changes), pieces[number]
        )
        pieces[number] = _escape_signs(references, unpaired, changes)
    changes[_BYTES] = odd_bytes
    counts = [f"{kind}: {number}" for kind, number in sorted(changes.items()) if number]
    return MendedXml("".join(pieces).encode(), ", ".join(counts))


def _split_apart(text: str) -> list[str]:
    """Divide a text at its comments and CDATA, which are the items with odd indexes. A sign that
    nothing closes begins none.

    The end of such a sign is looked for once, so that many of them take linear time.
    """
    pieces: list[str] = []
    absent: set[str] = set()
    done = 0
    for opening in _OPENING.finditer(text):
        closing = _CLOSINGS[opening.group()]
        if opening.start() < done or closing in absent:
            continue
        start = opening.start()
        end = text.find(closing, opening.end())
        if end < 0:
            absent.add(closing)
            continue
        pieces += [text[done:start], text[start : end + len(closing)]]
        done = end + len(closing)
    return [*pieces, text[done:]]


def _replace(character: str, changes: Counter[str]) -> str:
    changes[_CHARACTERS] += 1
    return "\n" if character in _LINE_BREAKS else "\ufffd"


def _refer(reference: re.Match[str], changes: Counter[str]) -> str:
    """Return a reference that XML knows as it is, the character of a name that only HTML knows, and
    any other "&" as text. What is changed is counted in ``changes``.
    """
    name = reference["name"]
    if name in _OWN:
        return reference.group()
    if reference["number"]:
        character = _find_character(reference["number"])
        if _FORBIDDEN.match(character):
            return _replace(character, changes)
        return reference.group()
    if not name:
        changes[_SIGNS] += 1
        return "&amp;"
    # HTML has names for many characters that XML does not know.
    changes[_ENTITIES] += 1
    character = html5.get(f"{name};", "")
    return escape(character, quote=False) if character else f"&amp;{name};"


def _find_character(number: str) -> str:
    """Return the character of a number in a reference, such as "#181" or "#xb5"; a forbidden one
    for a number beyond Unicode.
    """
    digits = number.removeprefix("#")
    code = int(digits[1:], 16) if digits.startswith("x") else int(digits)
    return chr(code) if code <= sys.maxunicode else "\0"


def _find_unpaired(text: str) -> set[str]:
    """Return the names of elements that begin more often than they end, or less often."""
    balance: Counter[str] = Counter()
    for tag in _TAG.finditer(text):
        if tag["empty"]:
            continue
        if tag.group().startswith("</"):
            balance[tag["name"]] -= 1
        else:
            balance[tag["name"]] += 1
    return {name for name, number in balance.items() if number}


def _escape_signs(text: str, unpaired: set[str], changes: Counter[str]) -> str:
    """Make text of each sign that begins no tag, and of the tags of unpaired elements."""
    written: list[str] = []
    done = 0
    for sign in _SIGN.finditer(text):
        tag = _TAG.match(text, sign.start())
        if tag and tag["name"] not in unpaired:
            continue
        changes[_SIGNS] += 1
        escaped = "&lt;" if sign.group() == "<" else "]]&gt;"
        written += [text[done : sign.start()], escaped]
        done = sign.end()
    return "".join([*written, text[done:]])
