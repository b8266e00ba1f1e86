"""Mend a record in XML that does not parse: characters that XML forbids, and signs that are no
markup.

Nothing is left out: what is no character becomes "�", and what is no markup becomes text. A parser
that recovers by itself would drop the "<" of "< 5".
"""

import html
import re
from collections import Counter

from extractor.formats.streams import replace_odd_bytes

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = "\v\f"
"""Characters that XML forbids and that word processors write for line breaks."""
_TOKEN = re.compile(
    r"""<!--(?:(?!<!--).)*?--> | <!\[CDATA\[(?:(?!<!\[CDATA).)*?\]\]>
    | (?P<tag></?(?P<name>[A-Za-z_][\w:.-]*)(?:\s[^<>]*)?/?>)
    | (?P<code>&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|\w{1,32});) | & | < | \]\]>""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_OWN = frozenset({"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})


def mend(text: str) -> tuple[str, str]:
    r"""Return a record in which what XML forbids is replaced, and signs and tags that are no markup
    are text; and what was changed, in words for people.

    >>> mended, changes = mend("<a>Age &gt; 18 & < 65\x0b in &micro;g or kU<br>CRP</a>")
    >>> mended
    '<a>Age &gt; 18 &amp; &lt; 65\n in µg or kU&lt;br>CRP</a>'
    >>> changes
    'signs without markup: 3, unknown entities: 1, forbidden characters: 1'
    """
    changes: Counter[str] = Counter()
    text, changes["bytes that are not UTF-8"] = replace_odd_bytes(text)
    tags = [found for found in _TOKEN.finditer(text) if found["tag"]]
    begun = {tag["name"] for tag in tags if tag[0][1] != "/"}
    paired = begun.intersection(tag["name"] for tag in tags if tag[0][1] == "/")

    def write(token: re.Match[str]) -> str:
        written = token[0]
        if token["code"]:
            return _write_code(written, changes)
        is_empty = written.endswith("/>")
        if written.startswith("<!") or is_empty or token["name"] in paired:
            return written
        changes["signs without markup"] += 1
        return "]]&gt;" if written == "]]>" else html.escape(written[0]) + written[1:]

    def replace(found: re.Match[str]) -> str:
        changes["forbidden characters"] += 1
        return "\n" if found[0] in _LINE_BREAKS else "\ufffd"

    mended = _FORBIDDEN.sub(replace, _TOKEN.sub(write, text))
    return mended, ", ".join(f"{what}: {n}" for what, n in changes.items() if n)


def _write_code(code: str, changes: Counter[str]) -> str:
    """Return what stands for a character: its code, where XML has it, else the character."""
    character = html.unescape(code)
    is_number = code[1] == "#"
    if code in _OWN or (is_number and character and not _FORBIDDEN.search(character)):
        return code
    changes["forbidden characters" if is_number else "unknown entities"] += 1
    return f"&amp;{code[1:]}" if character == code else character or "\ufffd"
