"""Mend a record in XML that does not parse: characters that XML forbids, bare signs, and tags that
are words.

Nothing is left out: what is no character becomes "�", and what is no markup becomes text.
"""

import re
from collections import Counter
from collections.abc import Callable
from html import escape
from html.entities import html5
from typing import NamedTuple

from extractor.formats.streams import decode_loosely

_CLOSINGS = {"<!--": "-->", "<![CDATA[": "]]>"}
_APART = re.compile("|".join(map(re.escape, _CLOSINGS)))
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = "\v\f"
"""Characters that XML forbids and that word processors write for line breaks."""
_LINE_BREAK = "&#10;"
"""A line break that does not change on which lines the text stands."""
_UNREADABLE = "\ufffd"
_TAG = re.compile(r"<[^<>]{0,2000}>")
_NAMED = re.compile(r"</?[A-Za-z_][^<>]*>")
_REFERENCE = re.compile(
    r"&(?:#(?P<number>[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});|(?P<name>[A-Za-z][A-Za-z0-9]{0,31});)?"
)
_OWN = ("amp", "lt", "gt", "quot", "apos")
_LONE_SIGN = re.compile(r"<(?![A-Za-z_/?])|<(?=/(?![A-Za-z_]))|\]\]>")
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*"""
_START = re.compile(rf"<(?P<name>[A-Za-z_][\w:.-]*){_ATTRIBUTES}\s*>")
_EMPTY = re.compile(rf"<[A-Za-z_][\w:.-]*{_ATTRIBUTES}\s*/>")
_END = re.compile(r"</(?P<name>[A-Za-z_][\w:.-]*)\s*>")
_OPEN_END = re.compile(r"</(?P<name>[A-Za-z_][\w:.-]*)\s*(?=<|\Z)")
_SIGN = re.compile(r"<(?=[A-Za-z_/])[^<>]*>?")


class Mended(NamedTuple):
    """A record that was mended, in UTF-8, and what was changed, in words for people."""

    content: bytes
    changes: str


def mend_characters(content: bytes) -> Mended:
    r"""Replace characters and references that XML forbids, and make text of signs that are no
    markup.

    >>> content, changes = mend_characters(b"<a>Age &gt; 18 & < 65\x0bIgE in \xb5g&nbsp;or kU</a>")
    >>> content.decode()
    '<a>Age &gt; 18 &amp; &lt; 65&#10;IgE in µg\xa0or kU</a>'
    >>> changes
    "1 byte that is not UTF-8, 1 control character, 2 signs that stand for themselves ('&', '<'), 1 unknown entity"
    """
    changes: Counter[str] = Counter()
    signs: list[str] = []
    text, changes["byte"] = decode_loosely(content)
    text = _OPEN_END.sub(lambda found: _count(changes, "tag", f"</{found['name']}>"), text)
    text = _TAG.sub(lambda found: _clean_tag(found.group(), changes), text)
    pieces = _split_apart(text)
    for number, piece in enumerate(pieces):
        if piece.startswith("<!--"):
            pieces[number] = _mend_comment(piece, changes)
        elif piece.startswith("<![CDATA["):
            pieces[number] = _FORBIDDEN.sub(
                lambda found: _replace(found.group(), changes, in_cdata=True), piece
            )
        else:
            pieces[number] = _mend_text(piece, changes, signs)
    return Mended("".join(pieces).encode(), _describe(changes, signs))


def mend_tags(content: bytes, is_known: Callable[[str], bool]) -> Mended:
    """End a field that has no end, and make text of other tags without a counterpart and of those
    that are no tags.

    ``is_known`` tells whether the format has elements of a name. A field without an end ends before
    the next of them.

    >>> content = b"<a><name>ANC <lower limit<br>CRP <b>high</b> <phase>II</phase></a>"
    >>> mend_tags(content, lambda name: name in ("a", "name", "phase")).content.decode()
    '<a><name>ANC &lt;lower limit&lt;br>CRP <b>high</b> </name><phase>II</phase></a>'
    """
    text = content.decode()
    starts = Counter(found["name"] for found in _START.finditer(text))
    ends = Counter(found["name"] for found in _END.finditer(text))
    changed: list[str] = []
    missing = ""

    def mend(found: re.Match[str]) -> str:
        nonlocal missing
        sign = found.group()
        tag = _START.fullmatch(sign) or _END.fullmatch(sign)
        known = tag is not None and is_known(tag["name"])
        before = missing if known else ""
        missing = "" if known else missing
        if _EMPTY.fullmatch(sign) or (tag and starts[tag["name"]] and ends[tag["name"]]):
            return before + sign
        changed.append(sign)
        if tag and known and _START.fullmatch(sign):
            missing = f"</{tag['name']}>"
            return before + sign
        return f"{before}&lt;{sign[1:]}"

    pieces = _split_apart(text)
    pieces[::2] = [_SIGN.sub(mend, piece) for piece in pieces[::2]]
    shown = ", ".join(repr(sign[:20]) for sign in dict.fromkeys(changed))
    count = f"{len(changed)} tag{'s' * (len(changed) != 1)}"
    return Mended(
        "".join(pieces).encode(), f"{count} without a counterpart ({shown[:80]})" if changed else ""
    )


def _split_apart(text: str) -> list[str]:
    """Divide a text at its comments and CDATA, which are the items with odd numbers."""
    pieces: list[str] = []
    done = start = 0
    while found := _APART.search(text, start):
        closing = _CLOSINGS[found.group()]
        end = text.find(closing, found.end())
        if found.group() == "<!--" and 0 <= text.find("<!--", found.end(), end) < end:
            start = found.end()  # a comment that holds another has no end of its own
            continue
        if end < 0:  # nothing behind it has an end of its kind
            other = next(sign for sign in _CLOSINGS if sign != found.group())
            start = text.find(other, found.end())
            if start < 0 or text.find(_CLOSINGS[other], start) < 0:
                break
            continue
        start = end + len(closing)
        pieces += [text[done : found.start()], text[found.start() : start]]
        done = start
    return [*pieces, text[done:]]


def _count(changes: Counter[str], kind: str, result: str) -> str:
    changes[kind] += 1
    return result


def _clean_tag(tag: str, changes: Counter[str]) -> str:
    """Return a tag without the forbidden characters in it."""
    cleaned, number = _FORBIDDEN.subn("", tag)
    if not number or not _NAMED.fullmatch(cleaned):
        return tag
    changes["control"] += number
    return cleaned


def _replace(character: str, changes: Counter[str], *, in_cdata: bool = False) -> str:
    changes["control"] += 1
    if character not in _LINE_BREAKS:
        return _UNREADABLE
    return " " if in_cdata else _LINE_BREAK


def _mend_comment(comment: str, changes: Counter[str]) -> str:
    """Return a comment that XML allows; nobody reads it."""
    inside = comment[4:-3]
    if "--" not in inside and not inside.endswith("-") and not _FORBIDDEN.search(inside):
        return comment
    return _count(changes, "comment", "\n" * comment.count("\n"))


def _mend_text(text: str, changes: Counter[str], signs: list[str]) -> str:
    def stand_for_itself(found: re.Match[str]) -> str:
        sign = found.group()
        signs.append(sign)
        return _count(changes, "sign", "]]&gt;" if sign == "]]>" else "&lt;")

    def refer(found: re.Match[str]) -> str:
        if found["number"]:
            return _mend_number(found, changes)
        if not found["name"]:
            signs.append("&")
            return _count(changes, "sign", "&amp;")
        if found["name"] in _OWN:
            return found.group()
        known = html5.get(f"{found['name']};")
        return _count(
            changes, "entity", escape(known, quote=False) if known else f"&amp;{found['name']};"
        )

    text = _REFERENCE.sub(refer, text)
    text = _LONE_SIGN.sub(stand_for_itself, text)
    return _FORBIDDEN.sub(lambda found: _replace(found.group(), changes), text)


def _mend_number(found: re.Match[str], changes: Counter[str]) -> str:
    """Return a reference by number, or what stands for the character if XML forbids it."""
    digits = found["number"]
    code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    character = chr(code) if code <= 0x10FFFF else "\0"
    if _FORBIDDEN.fullmatch(character):
        return _replace(character, changes)
    return found.group().replace("X", "x", 1) if digits[0] == "X" else found.group()


_SINGULAR = {
    "byte": "byte that is not UTF-8",
    "control": "control character",
    "sign": "sign that stands for itself",
    "entity": "unknown entity",
    "comment": "broken comment",
    "tag": "end tag without its bracket",
}
_PLURAL = {
    "byte": "bytes that are not UTF-8",
    "control": "control characters",
    "sign": "signs that stand for themselves",
    "entity": "unknown entities",
    "comment": "broken comments",
    "tag": "end tags without their bracket",
}
"""What was changed, if once and if several times."""


def _describe(changes: Counter[str], signs: list[str]) -> str:
    said: list[str] = []
    for kind in _SINGULAR:
        if number := changes[kind]:
            words = f"{number} {(_SINGULAR if number == 1 else _PLURAL)[kind]}"
            shown = ", ".join(repr(sign) for sign in dict.fromkeys(signs))
            said.append(f"{words} ({shown})" if kind == "sign" else words)
    return ", ".join(said)
