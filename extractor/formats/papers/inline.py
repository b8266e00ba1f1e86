"""Write the text of XML elements with inline markup, such as superscripts and references."""

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

_SPACE = re.compile(r"\s+")
_POWER = re.compile(r"[+-]?\d{1,2}")
_SIGN = re.compile(r"[+-]")
_ENDS_UNIT = re.compile(r"(?:^|[^A-Za-z])[A-Za-zµμ]{1,4}$")
"""A unit that may have a power: "kg/m"."""
_EMPTY_REFERENCE = re.compile(r"\s{0,4}[\[(][\s,;–—-]*+[\])]")
"""What remains of "[1, 2]" without its references."""
_PIECES_BEFORE = 3
_CHARACTERS_BEFORE = 8
"""How much of the text before a superscript shows what it is."""
_MINUS = str.maketrans("−–", "--")
_NO_TEXT = frozenset(
    {
        "disp-formula",
        "fig",
        "fig-group",
        "fn",
        "graphic",
        "inline-graphic",
        "media",
        "object-id",
        "supplementary-material",
        "tex-math",
    }
)
_REFERENCES = frozenset({"aff", "author-notes", "bibr", "corresp", "fn", "table-fn"})
"""The types of cross-references whose words, such as "12", are not part of the sentence."""


def name_of(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def read_inline(
    element: Element | None, skips: Callable[[Element], bool] | None = None
) -> str:
    """Return the text of an element on one line. "" for None.

    A power of ten becomes "10^9", that of a unit "m2"; references to the literature and to
    footnotes are left out, as are the children that ``skips`` names.

    >>> from xml.etree.ElementTree import fromstring
    >>> read_inline(
    ...     fromstring(
    ...         "<p>5 x 10<sup>9</sup>/L <i>in</i> kg/m<sup>2</sup>.<sup>3,4</sup></p>"
    ...     )
    ... )
    '5 x 10^9/L in kg/m2.'
    """
    if element is None:
        return ""
    pieces: list[str] = []
    _collect(element, skips, pieces, is_raised=False)
    return _EMPTY_REFERENCE.sub("", _SPACE.sub(" ", "".join(pieces))).strip()


def _collect(
    element: Element,
    skips: Callable[[Element], bool] | None,
    pieces: list[str],
    *,
    is_raised: bool,
) -> None:
    """Append the pieces of an element's text to those before it."""
    is_raised = is_raised or name_of(element) == "sup"
    _append(pieces, element.text, is_raised=is_raised)
    for child in element:
        is_part = isinstance(child.tag, str) and not _is_left_out(child)
        if is_part and not (skips and skips(child)):
            _collect(child, skips, pieces, is_raised=is_raised)
        _append(pieces, child.tail, is_raised=is_raised)


def _append(pieces: list[str], piece: str | None, *, is_raised: bool) -> None:
    if piece and is_raised:
        before = "".join(pieces[-_PIECES_BEFORE:])[-_CHARACTERS_BEFORE:]
        pieces.append(_raise(before, piece))
    elif piece:
        pieces.append(piece)


def _is_left_out(element: Element) -> bool:
    name = name_of(element)
    if name == "xref":
        return element.get("ref-type") in _REFERENCES
    return name in _NO_TEXT


def _raise(before: str, raised: str) -> str:
    """Return a superscript as it is written behind the text ``before``; "" for the number of a
    reference or footnote.
    """
    words = raised.strip().translate(_MINUS)
    is_power = _POWER.fullmatch(words) is not None
    if is_power and before.endswith("10"):
        return f"^{words}"
    if is_power and _ENDS_UNIT.search(before):
        return words
    # "CD4+"
    if _SIGN.fullmatch(words):
        return words
    # "1st", "TM"
    if words.isalpha() and len(words) > 1:
        return words
    return ""
