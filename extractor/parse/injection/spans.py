"""Hostile spans that no rule over tokens finds: what nobody sees or reads otherwise, and words without end.

Nobody writes words of hundreds of characters, or says the same over and over: a reader could choke on them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from extractor.schemas import FindingKind

__all__ = ["HostileSpan", "find_endless", "find_strange_letters", "find_uncommon", "fold_letters", "merge_spans"]


@dataclass(frozen=True, slots=True)
class HostileSpan:
    """``text[start:end]`` is hostile; ``blanked``: nobody shall read it."""

    start: int
    end: int
    kind: FindingKind
    blanked: bool

    def move(self, start: int, end: int) -> "HostileSpan":
        """The same at another place: that of the raw text."""
        return replace(self, start=start, end=end)


def merge_spans(spans: Iterable[HostileSpan]) -> list[HostileSpan]:
    """In reading order, those of one kind that touch joined, and those that lie within a blanked one left out.

    >>> said = FindingKind.INSTRUCTION_IN_TEXT
    >>> merged = merge_spans([HostileSpan(4, 9, said, True), HostileSpan(0, 5, said, True)])
    >>> [(one.start, one.end) for one in merged]
    [(0, 9)]
    """
    merged: list[HostileSpan] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        last = merged[-1] if merged else None
        if last and span.start < last.end and (span.end <= last.end and last.blanked):
            continue
        if last and span.start <= last.end and (span.kind, span.blanked) == (last.kind, last.blanked):
            merged[-1] = replace(last, end=max(last.end, span.end))
        else:
            merged.append(span)
    return merged


_PLAIN = bytes(range(32, 127)) + b"\t\n\r\v\f"
_COMMON = frozenset(
    "≥≤≦≧⩾⩽＞＜˂˃±×°√→∞∙·•●–—−‐‑…‘’“”´®™§№€¼½¾²³⁶⁷⁸⁹µμαβγδεζκλτωΔΥ℃ﬁﬂ"
    "ïéêôöøüäßèáåãíóçñİⅠⅡⅢⅣ①②③④⑤⑥⑦⑧⑨⑩，。、；：（）～\u00a0\u3000\ufe0f"
)
"""Characters beyond ASCII that are at home in registry text."""


def find_uncommon(text: str) -> frozenset[str]:
    """The characters of ``text`` that are neither plain ASCII nor at home in medical text.

    >>> sorted(find_uncommon("Dose ≥ 5 μg, оnce"))
    ['о']
    """
    rest = text.encode("utf-8", "replace").translate(None, _PLAIN)
    return frozenset(rest.decode("utf-8", "replace")) - _COMMON if rest else frozenset()


_CYRILLIC_ALIKE = dict(zip("аеорсухіјѕԁһкмтвАВЕКМНОРСТУХІЈЅԚԜѡоЬ", "aeopcyxijsdhkmtbABEKMHOPCTYXIJSQWwob", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυρτκ", "ABEZHIKMNOPTYXoivuptk", strict=True))
_OTHER = {"ı": "i", "ɡ": "g", "ӏ": "l", "ǃ": "!", "օ": "o", "ѵ": "v", "ց": "g", "ո": "n", "ս": "u", "հ": "h"}
_LETTERS = _CYRILLIC_ALIKE | _GREEK | _OTHER
_LOOK_ALIKE = "".join(_LETTERS)
_MIXED_WORD = re.compile(rf"[^\W\d_]*(?:[A-Za-z][{_LOOK_ALIKE}]|[{_LOOK_ALIKE}][A-Za-z])[^\W\d_]*")
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
    return _MIXED_WORD.sub(lambda found: found[0].translate(_TABLE), _STYLED.sub(_plain, text))


def _plain(found: re.Match[str]) -> str:
    folded = unicodedata.normalize("NFKC", found[0])
    return folded if len(folded) == 1 else found[0]


# Blanked: a terminal's commands, text set backwards, letters in the plane of tags, piles of marks on letters.
_HIDING = re.compile(
    r"""
      \x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|.)?
    | [\u202d\u202e][^\u202c\n]*\u202c?
    | [\U000e0000-\U000e0fff]+
    | (?:\w[\u0300-\u036f\u0489]{2,}\W?){4,}
    """,
    re.VERBOSE,
)
# Not blanked: the cleaned text does without them. Arabic and Indic words need joiners, so Latin ones alone count.
_UNSEEN = re.compile(
    r"""
      (?:(?<=[0-9A-Za-z])[\u200b-\u200f\u2060-\u2064\ufeff\u034f\u180e\u3164\uffa0\u115f\u1160]+(?=[0-9A-Za-z]))
    | [\u200b-\u200f\u2060-\u2064]{3,}
    | [\u202a\u202b\u2066-\u2069]
    | (?<![\u00c2-\u00f4])(?<![\u00c2-\u00f4].)[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]+
    """,
    re.VERBOSE,
)
_CYRILLIC = re.compile(r"[\u0400-\u052f\u0530-\u058f]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def find_strange_letters(raw: str) -> Iterator[HostileSpan]:
    r"""Where the raw text hides something, or mixes alphabets within a word.

    >>> [(one.kind.value, one.start, one.blanked) for one in find_strange_letters("Age\x1b[2J and d\u200bose, аge")]
    [('invisible_characters', 3, True), ('invisible_characters', 13, False), ('look_alike_letters', 19, False)]
    """
    if raw.isascii() and not _CONTROLS.search(raw):
        return
    for expression, blanked in ((_HIDING, True), (_UNSEEN, False)):
        for found in expression.finditer(raw):
            yield HostileSpan(found.start(), found.end(), FindingKind.INVISIBLE_CHARACTERS, blanked)
    for found in _MIXED_WORD.finditer(raw):
        if _CYRILLIC.search(found[0]):  # Greek letters are at home in medical words: TGFβ
            yield HostileSpan(found.start(), found.end(), FindingKind.LOOK_ALIKE_LETTERS, blanked=False)


_STEP, _LONGEST_WORD = 200, 400
"""A word of ``_LONGEST_WORD`` characters covers a whole window of ``_STEP`` that begins at a multiple of it."""
_WINDOW, _PROBE, _PERIOD = 400, 8, 80
_LONG_WORD = re.compile(r"[!-~]{400,}")
_RULED = re.compile(r"[-_=*.~#\s\\]+")


def find_endless(text: str) -> Iterator[HostileSpan]:
    """Words of 400 characters and more, and what is repeated, 80 characters at a time or fewer, over a window of 400.

    >>> [(one.start, one.end) for one in find_endless("Dose: " + "A" * 500 + " daily")]
    [(6, 506)]
    >>> list(find_endless("-" * 500))
    []
    """
    if len(text) < _LONGEST_WORD:
        return
    for start, end in (*_find_words(text), *_find_repeated(text)):
        if not _RULED.fullmatch(text, start, end):
            yield HostileSpan(start, end, FindingKind.OVERSIZED_TOKEN, blanked=True)


def _find_words(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for start in range(0, len(text) - _STEP + 1, _STEP):
        if start < done or text.find(" ", start, start + _STEP) >= 0 or text.find("\n", start, start + _STEP) >= 0:
            continue
        before = max(text.rfind(" ", 0, start), text.rfind("\n", 0, start)) + 1
        if found := _LONG_WORD.match(text, before):
            yield found.span()
            done = found.end()


def _find_repeated(text: str) -> Iterator[tuple[int, int]]:
    """Spans in which each character is the one a period before; they fill a window, whose begin is probed."""
    done = 0
    for start in range(0, len(text) - _WINDOW + 1, _WINDOW):
        probe = text[start : start + _PROBE]
        again = text.find(probe, start + 1, start + _PERIOD + _PROBE)
        if start < done or again < 0 or probe.isspace():
            continue
        end = start + _WINDOW
        if text[again:end] == text[start : start + end - again]:
            begin, done = _run_on(text, start, end, again - start)
            yield begin, done


def _run_on(text: str, start: int, end: int, period: int) -> tuple[int, int]:
    """Where a repetition begins and ends, cut-off ends of it included."""
    while start > 0 and text[start - 1] == text[start - 1 + period]:
        start -= 1
    while end < len(text) and text[end] == text[end - period]:
        end += 1
    return start, end
