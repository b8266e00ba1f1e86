"""Mend a record in XML that does not parse: characters that XML forbids, and signs that are no
markup.

Nothing is left out: what is no character becomes "�", and what is no markup becomes text. A parser
that recovers by itself would drop the "<" of "< 5".
"""

import html
import re

from extractor.formats.streams import replace_odd_bytes

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = str.maketrans("\v\f", "\n\n")
"""Characters that XML forbids and that word processors write for line breaks."""
_TOKEN = re.compile(
    r"""<!--(?:(?!<!--).)*?--> | <!\[CDATA\[(?:(?!<!\[CDATA).)*?\]\]>
    | (?P<tag></?(?P<name>[A-Za-z_][\w:.-]*)(?:\s[^<>]*)?/?>)
    | (?P<code>&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|\w{1,32});) | & | < | \]\]>""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_OWN = frozenset({"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})


def mend(text: str) -> str:
    r"""Return a record in which what XML forbids is replaced, and signs and tags that are no markup
    are text.

    >>> mend("<a>Age &gt; 18 & < 65\x0b in &micro;g or kU<br>CRP</a>")
    '<a>Age &gt; 18 &amp; &lt; 65\n in µg or kU&lt;br>CRP</a>'
    """
    text, _ = replace_odd_bytes(text)
    tags = [found for found in _TOKEN.finditer(text) if found["tag"]]
    begun = {tag["name"] for tag in tags if tag[0][1] != "/"}
    paired = begun.intersection(tag["name"] for tag in tags if tag[0][1] == "/")

    def write(token: re.Match[str]) -> str:
        written = token[0]
        if token["code"]:
            return _write_code(written)
        if written == "]]>":
            return "]]&gt;"
        is_empty = written.endswith("/>")
        if written.startswith("<!") or is_empty or token["name"] in paired:
            return written
        return html.escape(written[0]) + written[1:]

    return _FORBIDDEN.sub("\ufffd", _TOKEN.sub(write, text).translate(_LINE_BREAKS))


def _write_code(code: str) -> str:
    """Return what stands for a character: its code, where XML has it, else the character."""
    character = html.unescape(code)
    is_forbidden = not character or _FORBIDDEN.search(character)
    if code in _OWN or (code[1] == "#" and not is_forbidden):
        return code
    return f"&amp;{code[1:]}" if character == code else character or "\ufffd"
