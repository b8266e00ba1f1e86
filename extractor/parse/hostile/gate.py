"""A quick look at a record: which cues may stand in it, and which characters of it are uncommon.

Nearly every record ends here, so that the search for hostile text costs little beside its reading.
"""

import string

from .cues import Anchor, load_cues

__all__ = ["find_anchors", "find_uncommon"]

_PLAIN = bytes(range(32, 127)) + b"\t\n\r\v\f"
_WORDS = f"{string.ascii_letters}{string.digits}_".encode()
_APART = bytes(code if code in _WORDS or code > 127 else 32 for code in range(256))
"""What parts words becomes a space."""
_COMMON = frozenset(
    "≥≤≦≧⩾⩽＞＜˂˃±×°√→∞∙·•●–—−‐‑…‘’“”´®™§№€¼½¾²³⁶⁷⁸⁹µμαβγδεζκλτωΔΥ℃ﬁﬂ"
    "ïéêôöøüäßèáåãíóçñİⅠⅡⅢⅣ①②③④⑤⑥⑦⑧⑨⑩，。、；：（）～\u00a0\u3000\ufe0f"
)
"""Characters beyond ASCII that are at home in registry text."""


def find_anchors(text: str, uncommon: frozenset[str]) -> list[Anchor]:
    """The anchors of cues in ``text``, whose ``uncommon`` characters are known."""
    table = load_cues()
    anchors = [anchor for anchor in table.signs if anchor.letters in text]
    if uncommon:
        anchors += [anchor for anchor in table.foreign if anchor.letters[0] in uncommon and anchor.letters in text]
    words = text.encode("utf-8", "replace").translate(_APART).split()
    if not table.forms.isdisjoint(words):
        anchors += [table.words[word] for word in table.forms.intersection(words)]
    return anchors


def find_uncommon(text: str) -> frozenset[str]:
    """The characters of ``text`` that are neither plain ASCII nor at home in medical text.

    >>> sorted(find_uncommon("Dose ≥ 5 μg, оnce"))
    ['о']
    """
    rest = text.encode("utf-8", "replace").translate(None, _PLAIN)
    return frozenset(rest.decode("utf-8", "replace")) - _COMMON if rest else frozenset()
