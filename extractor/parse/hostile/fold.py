"""Letters of other alphabets that pass for Latin ones, folded so that words can be found behind them."""

import re
import unicodedata

__all__ = ["MIXED_WORD", "fold_letters"]

_CYRILLIC = dict(zip("аеорсухіјѕԁһкмтвАВЕКМНОРСТУХІЈЅԚԜѡоЬ", "aeopcyxijsdhkmtbABEKMHOPCTYXIJSQWwob", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυρτκ", "ABEZHIKMNOPTYXoivuptk", strict=True))
_OTHER = {"ı": "i", "ɡ": "g", "ӏ": "l", "ǃ": "!", "օ": "o", "ѵ": "v", "ց": "g", "ո": "n", "ս": "u", "հ": "h"}
_LETTERS = _CYRILLIC | _GREEK | _OTHER
_LOOK_ALIKE = "".join(_LETTERS)
MIXED_WORD = re.compile(rf"[^\W\d_]*(?:[A-Za-z][{_LOOK_ALIKE}]|[{_LOOK_ALIKE}][A-Za-z])[^\W\d_]*")
"""A word with Latin letters and others that look like them."""

_TABLE = str.maketrans(_LETTERS)
_STYLED = re.compile(r"[\u1d00-\u1d6a\u2100-\u214f\u24b6-\u24e9\U0001d400-\U0001d7ff\U0001f130-\U0001f189]")


def fold_letters(text: str) -> str:
    """The text with styled letters, and look-alikes in Latin words, as plain ones: every character stays in its place.

    >>> fold_letters("Іgnоre 𝐚𝐥𝐥"), fold_letters("TGF-β"), fold_letters("все")
    ('Ignore all', 'TGF-β', 'все')
    """
    if text.isascii():
        return text
    return MIXED_WORD.sub(lambda found: found[0].translate(_TABLE), _STYLED.sub(_plain, text))


def _plain(found: re.Match[str]) -> str:
    folded = unicodedata.normalize("NFKC", found[0])
    return folded if len(folded) == 1 else found[0]
