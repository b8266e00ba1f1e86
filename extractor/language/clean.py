r"""Clean text and keep a map back to the raw characters.

Registries escape punctuation (``\\>``), wrap lines at a fixed width, and pass on damaged encodings
(``Â±``), ligatures and invisible characters. Rules read the cleaned text. The map is used to
convert the offsets of all evidence to offsets into the raw text.
"""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

_OTHER_LINE_END = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")


def unify_line_ends(text: str) -> str:
    r"""Return a text of the same length in which every line ends with a line feed, the only line
    end that the rules recognise. "\r\n" already ends with a line feed and is unchanged.

    Old programs write single carriage returns, and some word processors write Unicode separators.

    >>> unify_line_ends("Adults\rAsthma\u2028Gout\r\nAge")
    'Adults\nAsthma\nGout\r\nAge'
    """
    return _OTHER_LINE_END.sub("\n", text)


_OPEN = "(?:<|&lt;)"
_CLOSE = "(?:>|&gt;)"
_ATTRIBUTES = (
    r"(?:[ ](?!on|style|hidden|src)[a-z-]{1,20}="
    r"(?:(?!display|hidden|script)[^<>&]){0,300})?[ ]?/?[ ]?"
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


_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u00b4"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033"
_INVISIBLE = (
    "\x00-\x08\x0e-\x1f\x7f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"
)
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t\f\v"
_SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074-\u2079"
_SUBSCRIPTS = "\u2080-\u2089"
_COMPATIBLE = "\ufb00-\ufb06\uff01-\uff5e\u2160-\u217f\u3380-\u33df\u2103"

_SINGLE = str.maketrans(
    "\u2a7e\u2267\u22dd\u2a7d\u2266\u22dc\u02c2\u02c3\ufe64\ufe65\u00d7\u2715\u00b5\u00ba\u3001\u3002\u223c\u2044\r"
    + _DASHES
    + _SINGLE_QUOTES
    + _DOUBLE_QUOTES,
    "≥≥≥≤≤≤<><>xxμ°,.~/\n"
    + "-" * len(_DASHES)
    + "'" * len(_SINGLE_QUOTES)
    + '"' * len(_DOUBLE_QUOTES),
)
_SINGLE_CLASS = "".join(re.escape(chr(code)) for code in _SINGLE)

# In the Symbol font of word processors, symbols replace other characters. A converted document
# keeps the other characters: in a private area of Unicode, or as the Latin characters with the
# same code ("Age ³ 18", "Creatinine £ 1.5 x ULN").
_SYMBOL_FONT = str.maketrans(
    "\uf025\uf028\uf029\uf02b\uf02d\uf02f\uf03c\uf03d\uf03e\uf061\uf062\uf067\uf06d\uf07e\uf0a2\uf0a3\uf0b0\uf0b1\uf0b2\uf0b3\uf0b4",
    "%()+-/<=>αβγμ~'≤°±\"≥x",
)
_SYMBOL_CLASS = "".join(map(chr, _SYMBOL_FONT))
# What follows a symbol that means "≥" or "≤": a number or a grade.
_GRADED = "[Gg]rade|[Ss]tage|[Cc]lass|NYHA|CTCAE|[Oo]ne|[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix"
_LIMIT_AFTER = rf"(?=[ \u00a0]{{0,2}}(?:\.?\d|-\d|{_GRADED}))"
# A "³" after "m" or "m " is a power. A "³" after a digit is matched by the group "power".
_SYMBOL_LEAST = rf"(?:(?<![\w)])(?<!m\s)³{_LIMIT_AFTER}|(?<=[A-Za-z)])³(?=\.?\d))"
_SYMBOL_MOST = rf"£{_LIMIT_AFTER}"
_MONEY = re.compile(
    r"""
      (?:pay|paid|payments?|cost\w*|income|earn\w*|salary|budget|worth|vouchers?|reimburse\w*|compensat\w*|expenses
        |prices?|fees?|gift\w*|money|cash|card|token|receiv\w*|pounds?|GBP)\b[^.\n]{0,40}\Z
    | (?:[<>≤≥=]|\b(?:than|of|to|least|most|for|with|a|an|over|under|above|below|between))[ ]?\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Words about money, or a comparator, at the end of the text that precedes a sum in pounds. A "£"
that means "≤" does not follow a comparator, because a limit has only one comparator.
"""
_MONEY_AFTER = re.compile(
    r"£ ?[\d.,]+ ?(?:k\b|million|pounds|vouchers?|gift|per\b|a (?:week|month|year)\b|sterling)",
    re.I,
)
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_REACH = 80
"""Maximum number of characters before a "£" that are examined for words about money."""

# Bytes 0x80-0xBF decoded as Windows-1252 or Latin-1: the tails of damaged UTF-8 sequences.
_TAIL = "\u0080-\u00bf" + "".join(
    re.escape(bytes([code]).decode("cp1252", "ignore")) for code in range(0x80, 0xA0)
)

_CHANGES = re.compile(
    rf"""
      (?P<json>\\{{1,8}}u(?:0026(?:[a-z]{{2,4}};)?|003[ceCE]|22[67][0-9a-fA-F]|00[ab][0-9a-fA-F]))
    | (?P<entity>\\?&(?:amp;)?(?:[a-zA-Z]{{2,8}}|\#\d{{2,6}}|\#x[0-9a-fA-F]{{2,5}});)
    | (?P<escape>\\[!-/:-@\[-`{{-~])
    | (?P<mojibake>
        [\u00c2-\u00df][{_TAIL}]|[\u00e0-\u00ef][{_TAIL}]{{2}}|[\u00f0-\u00f4][{_TAIL}]{{3}}
      )
    | (?P<newline>\r\n)
    | (?P<invisible>[{_INVISIBLE}]+)
    | (?P<space>[{_SPACES}])
    | (?P<underline>(?<=[<>])[ ]?\u0332)
    | (?P<symbol>[{_SYMBOL_CLASS}])
    | (?P<least>{_SYMBOL_LEAST})
    | (?P<most>{_SYMBOL_MOST})
    | (?P<per>[·⋅∙•][ ]?(?:kg|m?L|dL|min|h|d|day|s|m|k?cal)⁻[{_SUPERSCRIPTS}])
    | (?P<power>(?<=\d)[\u207b\u207a]?[{_SUPERSCRIPTS}]+)
    | (?P<script>[{_SUPERSCRIPTS}{_SUBSCRIPTS}]+)
    | (?P<compatible>[{_COMPATIBLE}])
    | (?P<single>[{_SINGLE_CLASS}])
    """,
    re.VERBOSE,
)

# Tags that change the meaning of their content: an underlined comparator, a raised power.
_TAGGED = re.compile(
    r"<(?P<tag>u|ins)>\s?(?P<comparator>\\?[<>]|&[lg]t;)\s?</(?P=tag)>"
    r"|(?<=\d)<sup>\s?(?P<power>[-−]?\d{1,2})\s?</sup>"
    r"|(?<=m)<sup>\s?(?P<area>[23])\s?</sup>",
    re.IGNORECASE,
)

# Characters that can begin a change. Plain text without these characters is skipped at once.
_SUSPECT = re.compile(r"[^\n -%'-\[\]-~]")

# A line break inside a paragraph that was wrapped at a fixed width: the next line is indented, has
# words, and does not begin a list item or heading.
_SOFT_BREAK = re.compile(
    r"(?<=\S)[ \t]*\r?\n[ \t]+(?=[^\s])(?!(?:[-*•o]|\d{1,2}[.)]|[A-Za-z][.)]|\(\w{1,3}\))[ "
    r"\t]{1,3})(?![A-Z][^\n]{0,60}:[ \t]*(?:\n|\Z))"
)
_WRAPPED = re.compile(r"\n {6,}\S")
_Offsets = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CleanText:
    """Cleaned text, and the places where it differs from the raw text.

    ``starts[i]:ends[i]`` in ``text`` corresponds to ``raw_starts[i]:raw_ends[i]`` in the raw text.
    Between these pieces, the two texts are the same.
    """

    text: str
    starts: _Offsets = ()
    ends: _Offsets = ()
    raw_starts: _Offsets = ()
    raw_ends: _Offsets = ()

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        r"""Return the half-open raw offsets of ``text[start:end]``. A changed piece is never split.

        >>> cleaned = clean_text(r"platelets \> 50 x 10\^9/L")
        >>> cleaned.text[10:14], cleaned.raw_span(10, 14), cleaned.raw_span(11, 11)
        ('> 50', (10, 15), (12, 12))
        """
        if not self.starts:
            return start, end
        raw_start = self._raw_start(start)
        if end <= start:
            return raw_start, raw_start
        return raw_start, self._raw_end(end)

    def _raw_start(self, position: int) -> int:
        """Return the raw offset at which the character at a position begins."""
        piece = bisect_right(self.starts, position) - 1
        # Characters that were deleted at this position belong to the preceding text.
        while piece >= 0 and self.starts[piece] == self.ends[piece] == position:
            piece -= 1
        if piece >= 0 and position < self.ends[piece]:
            return self.raw_starts[piece]
        return self._shift(bisect_right(self.ends, position) - 1, position)

    def _raw_end(self, position: int) -> int:
        """Return the raw offset at which the character before a position ends."""
        piece = bisect_left(self.ends, position)
        if (
            piece < len(self.starts)
            and self.starts[piece] < position <= self.ends[piece]
        ):
            return self.raw_ends[piece]
        return self._shift(piece - 1, position)

    def _shift(self, before: int, position: int) -> int:
        """Return the position in the raw text that corresponds to a position between two pieces,
        where the text is unchanged. ``before`` is the index of the preceding piece, or -1.
        """
        if before < 0:
            return position
        return self.raw_ends[before] + position - self.ends[before]

    def clean_position(self, raw_position: int) -> int:
        """Return the position in ``text`` that corresponds to a raw position. A position inside a
        changed piece becomes the start of the piece.
        """
        piece = bisect_right(self.raw_starts, raw_position) - 1
        if piece < 0:
            return raw_position
        if raw_position < self.raw_ends[piece]:
            return self.starts[piece]
        return self.ends[piece] + raw_position - self.raw_ends[piece]


def clean_text(raw: str) -> CleanText:
    r"""Remove escapes, damaged encodings and line wrapping, and keep a map to ``raw``.

    >>> clean_text(r"aged \>18 years, 30 (Â±2) days").text
    'aged >18 years, 30 (±2) days'
    """
    return apply_changes(raw, list_changes(raw, REPLACERS, _read_tagged))


_Change = tuple[int, int, str]
"""(start, end, new characters)"""
Replacers = Mapping[str, Callable[[str], str]]
"""For each group of ``_CHANGES``, a function that replaces the matched characters."""


def list_changes(
    raw: str, replacers: Replacers, read_tagged: Callable[[re.Match[str]], str]
) -> list[_Change]:
    """Return the changes that clean a raw text, in order and without overlaps.

    Characters are replaced by ``replacers``, HTML tags are removed, and line breaks in wrapped text
    become spaces. A "£" that denotes money is unchanged. ``read_tagged`` returns the replacement
    for a symbol within tags, such as a raised power or an underlined comparator. If a change for a
    tag or a line break contains other changes, only the containing change is returned.
    """
    changes = list[_Change]()
    done = 0
    for suspect in _SUSPECT.finditer(raw):
        if suspect.start() < done:
            continue
        match = _CHANGES.match(raw, suspect.start())
        if not match:
            continue
        done = match.end()
        if match.lastgroup == "most" and _is_money(raw, match.start()):
            continue
        # each alternative of ``_CHANGES`` is a group
        new = replacers[match.lastgroup or ""](match[0])
        if new != match[0]:
            changes.append((match.start(), done, new))
    # tags and line breaks, which may contain the changes above
    wider: list[_Change] = []
    if may_hold_markup(raw):
        tags = ANY.finditer(raw)
        wider = [(tag.start(), tag.end(), _replace_tag(tag[0])) for tag in tags]
        tagged = _TAGGED.finditer(raw)
        wider += [(tag.start(), tag.end(), read_tagged(tag)) for tag in tagged]
    if _WRAPPED.search(raw):
        wider += [(end.start(), end.end(), " ") for end in _SOFT_BREAK.finditer(raw)]
    if wider:
        return _merge_changes(changes, wider)
    return changes


def _merge_changes(
    changes: Iterable[_Change], wider: Iterable[_Change]
) -> list[_Change]:
    """Return all changes in order, omitting the changes inside a wider change."""
    merged = list[_Change]()
    done = 0
    in_order = sorted([*changes, *wider], key=lambda change: (change[0], -change[1]))
    for start, end, new in in_order:
        if start < done:
            continue
        merged.append((start, end, new))
        done = end
    return merged


def _read_tagged(tagged: re.Match[str]) -> str:
    """Return the replacement for a match of ``_TAGGED``: "^9" for a raised 9, "2" for that of "m2",
    or ">=" for an underlined ">".
    """
    if tagged["area"]:
        return tagged["area"]
    if tagged["power"]:
        return "^" + tagged["power"].replace("\u2212", "-")
    comparator = html.unescape(tagged["comparator"].lstrip("\\"))
    return comparator + "="


def _is_money(raw: str, at: int) -> bool:
    """Return whether the "£" at an offset denotes money rather than a "≤" in the Symbol font.

    >>> [
    ...     _is_money(text, text.index("£"))
    ...     for text in ("a voucher of £ 10", "Creatinine £ 1.5 x ULN")
    ... ]
    [True, False]
    """
    before = _MONEY.search(raw, max(0, at - _REACH), at)
    return bool(before or _MONEY_AFTER.match(raw, at))


def _replace_tag(tag: str) -> str:
    """Return the replacement for an HTML tag: a line end, a space between cells, or nothing for
    emphasis.
    """
    if EDGE.fullmatch(tag):
        return "\n"
    if CELL.fullmatch(tag):
        return " "
    return ""


def repair(damaged: str) -> str:
    r"""Return the original characters if the text is UTF-8 that was decoded as Windows-1252 or
    Latin-1; otherwise return the text unchanged.

    >>> repair("\N{LATIN CAPITAL LETTER A WITH CIRCUMFLEX}\N{PLUS-MINUS SIGN}")
    '±'
    >>> repair("\u00c2\u0080")  # a control character is not text
    'Â\x80'
    """
    original = b""
    for character in damaged:
        # Windows-1252 lacks a few codes, which decoders treat as Latin-1.
        original += character.encode("cp1252", "ignore") or character.encode("latin-1")
    try:
        repaired = original.decode("utf-8")
    except UnicodeDecodeError:
        return damaged
    if repaired.isprintable():
        return repaired
    if repaired.isspace():
        return repaired
    return damaged


def decode_json(escaped: str) -> str:
    r"""Return the character for a leftover JSON escape. If the escape begins an HTML entity, as in
    `\u0026gt;`, return the character for the entity.
    """
    code = escaped.lstrip("\\").removeprefix("u")
    character = chr(int(code[:4], 16))
    return html.unescape(character + code[4:])


def _fold_compatibility(characters: str) -> str:
    """Return the plain forms of compatibility characters: "fi" for a ligature, or "2" for "²"."""
    return unicodedata.normalize("NFKC", characters)


_SPACE = re.compile(f"[{_SPACES}]")


def read_entity(written: str) -> str:
    """Return the character for an HTML entity. Every kind of space becomes a plain space.

    >>> read_entity("&nbsp;"), read_entity("&amp;ge;")
    (' ', '≥')
    """
    characters = html.unescape(html.unescape(written.lstrip("\\")))
    return _SPACE.sub(" ", characters)


def _divide(written: str) -> str:
    """Return a factor of a unit with a negative power as a divisor.

    >>> _divide("·kg⁻¹"), _divide("·m⁻²")
    ('/kg', '/m2')
    """
    unit, power = _fold_compatibility(written[1:]).strip().split("\u2212")
    return f"/{unit}{power.removeprefix('1')}"


REPLACERS: Replacers = {
    "json": lambda written: decode_json(written).translate(_SINGLE),
    "escape": lambda written: written[1:],
    "underline": lambda _: "=",
    "symbol": lambda written: written.translate(_SYMBOL_FONT),
    "least": lambda _: "≥",
    "most": lambda _: "≤",
    "mojibake": lambda written: repair(written).translate(_SINGLE),
    "entity": lambda written: read_entity(written).translate(_SINGLE),
    "newline": lambda _: "\n",
    "invisible": lambda _: "",
    "space": lambda _: " ",
    "per": _divide,
    "power": lambda written: "^" + _fold_compatibility(written).replace("\u2212", "-"),
    "script": _fold_compatibility,
    "compatible": _fold_compatibility,
    "single": lambda written: written.translate(_SINGLE),
}


def apply_changes(raw: str, changes: Sequence[tuple[int, int, str]]) -> CleanText:
    """Apply (start, end, new characters) changes, which must be in order."""
    if not changes:
        return CleanText(raw)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    # how far the cleaned and the raw text are written
    length = 0
    done = 0
    for start, end, new in changes:
        pieces += (raw[done:start], new)
        length += start - done
        starts.append(length)
        length += len(new)
        ends.append(length)
        done = end
    pieces.append(raw[done:])
    return CleanText(
        text="".join(pieces),
        starts=tuple(starts),
        ends=tuple(ends),
        raw_starts=tuple(change[0] for change in changes),
        raw_ends=tuple(change[1] for change in changes),
    )


def fold_label(label: str) -> str:
    """Return an arm label, case-folded and without white space, for comparison."""
    return "".join(label.split()).casefold()
