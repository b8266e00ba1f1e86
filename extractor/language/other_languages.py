"""Lines in a language other than English.

Letters of other scripts and counted words (``rules/languages.toml``) decide. A line is cut at
slashes, bars, brackets and where its script changes; a piece is in another language if the words
of that language clearly outnumber the English ones. Beside such pieces one word is enough, and a
line of a list that shows no language ("ECOG 0-1") belongs to the lines around it.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise

from extractor.language.book import read_table

_WORD = re.compile(r"[^\W\d_]+")
_LINE = re.compile(r"[^\r\n]+")
_MARK = re.compile(
    r"[\s>|]{0,99}(?:[-*•·–]{1,3}|\(?\w{1,2}(?:\.\d{1,2})?[.)、．）](?!\d)|\d{1,2}(?=\s))?\s{0,99}"
)
"""The list mark of a line."""
_SCRIPT = (
    r"[A-Z\d%<>≥≤./-]{0,20}(?:(?:(?![\W\d_])[\u0590-\u063f\u0641-\u1cff\u3040-\ud7af\uf900-\ufaff\ufb1d-\ufdff"
    r"\ufe70-\ufefc\uff66-\uff9d\U00020000-\U0003ffff]){2}|[\u0370-\u058f]{4})"
    r"(?:[^\sA-Za-z]|\s(?=[^\WA-Za-z]))*"
)
"""Letters of another script, with the signs joined to them: "FEV1低于80%". A few Greek ones are
common in English: "αβ T cells".
"""
_OTHER_SCRIPT = re.compile(_SCRIPT)
_EDGE = re.compile(
    rf"\s{{1,9}}/\s{{1,9}}|[|\t／]|(?=[(（])|(?<=[)）])(?=\s{{0,9}}\w)|(?P<script>{_SCRIPT})"
)
"""What may separate the same words in two languages."""
_TWICE = re.compile(r"(?P<words>\S.{2,60}?)\s{1,9}(?:[/|／]\s{0,9})?(?P=words)\s*")
"""Words that are equal in both languages: "ECOG 0-1 / ECOG 0-1"."""
_LISTS = ("eligibility", "brief_summary", "detailed_description", "text")
"""Sections whose lines belong together. In others, a line without a language is a name."""
_DESCRIPTIONS = (*_LISTS[1:], "title", "official_title", "conditions", "keywords")
"""Sections that another one may repeat in English."""
_SURE = 2
"""The number of words that decides a piece by itself."""
_ALTERNATING = 0.6
"""The share of changes of language between neighbours in a text that has each line twice."""


@dataclass(frozen=True, slots=True)
class ForeignText:
    """``text[start:end]`` of a section is in ``language``: a whole line, or a part of it."""

    section: str
    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class ForeignLines:
    """The parts of a record in another language, in reading order.

    ``untranslated`` are the sections in whose list nothing is in English but headings; of the
    descriptions of a trial, only if nothing in the record is.
    """

    texts: tuple[ForeignText, ...] = ()
    untranslated: frozenset[str] = frozenset()


NOTHING_FOREIGN = ForeignLines()


@dataclass(slots=True)
class _Piece:
    """A part of a line. ``language`` is "" for English, and None if nothing shows it."""

    start: int
    end: int
    text: str
    language: str | None


@dataclass(slots=True)
class _Line(_Piece):
    """A line, whose ``text`` has no list mark."""

    section: str
    pieces: list[_Piece]


def find_foreign(
    sections: Sequence[tuple[str, str]], marked: Sequence[ForeignText] = ()
) -> ForeignLines:
    r"""Return the parts of a record in another language.

    Args:
        sections: Names and texts.
        marked: What the source marks as text in another language.

    >>> criteria = "- Alter über 18 Jahre\n- ECOG 0-1\n- Keine Allergie"
    >>> [text.end for text in find_foreign([("eligibility", criteria)]).texts]
    [21, 32, 49]
    """
    if not marked and not any(_may_be_foreign(text) for _, text in sections):
        return NOTHING_FOREIGN
    lines = [
        line for name, text in sections for line in _read_lines(name, text, marked)
    ]
    known = Counter(piece.language for line in lines for piece in line.pieces)
    languages = [name for name, _ in known.most_common() if name]
    if not languages:
        return NOTHING_FOREIGN
    for line in lines:
        _decide(line, languages)
    for section, group in groupby(lines, lambda line: line.section):
        if section in _LISTS:
            _follow_neighbours(list(group), languages[0])
    texts = tuple(text for line in lines for text in _list_texts(line))
    return ForeignLines(texts, _find_untranslated(lines, texts))


def _find_untranslated(
    lines: Sequence[_Line], texts: Sequence[ForeignText]
) -> frozenset[str]:
    """Return the sections of texts in another language in whose list nothing is in English."""
    english = {
        line.section.partition("[")[0]
        for line in lines
        if line.language == "" and not _is_heading(line)
    }
    sections = {text.section for text in texts}
    if english:
        sections.difference_update(_DESCRIPTIONS)
    return frozenset(
        section for section in sections if section.partition("[")[0] not in english
    )


def hide_foreign(text: str) -> str:
    """Return a text of the same length with blanks instead of the parts in another language.

    >>> hide_foreign("纳入标准 Inclusion criteria").strip()
    'Inclusion criteria'
    """
    foreign = find_foreign([("text", text)]).texts
    return blank_ranges(text, [(part.start, part.end) for part in foreign])


def blank_ranges(text: str, ranges: Sequence[tuple[int, int]]) -> str:
    """Return a text of the same length with blanks instead of the ranges.

    >>> blank_ranges("Pain / Schmerz", [(4, 14)])
    'Pain          '
    """
    signs = list(text)
    for start, end in ranges:
        signs[start:end] = " " * (end - start)
    return "".join(signs)


@cache
def _load_words() -> Mapping[str, frozenset[str]]:
    """Return the words of each language."""
    lists = read_table("languages")["words"]
    return {language: frozenset(words.split()) for language, words in lists.items()}


def _count_words(words: Collection[str]) -> tuple[int, int, str]:
    """Return how many words are English, and how many of the other language that has most."""
    counts = [
        (sum(word in known for word in words), language)
        for language, known in _load_words().items()
    ]
    return counts[0][0], *max(counts[1:])


def _may_be_foreign(text: str) -> bool:
    """Return at once whether a section can have anything in another language."""
    if _OTHER_SCRIPT.search(text):
        return True
    _, most, _ = _count_words(set(_WORD.findall(text.lower())))
    return most >= _SURE


def _find_language(text: str, others: Collection[str] = ()) -> str | None:
    """Return the language of a piece, "" for English, None if nothing shows it.

    ``others`` are those of the record: one word of them is enough.
    """
    letters = "".join(_WORD.findall("".join(_OTHER_SCRIPT.findall(text))))
    if letters:
        return _name_script(letters)
    words = _WORD.findall(text.lower())
    english, most, language = _count_words(words)
    if english > most:
        return ""
    # "Critères d'inclusion" has as many words of both
    is_sure = most >= _SURE and most > english
    if is_sure or (most and language in others):
        return language
    return None


def _name_script(letters: str) -> str:
    """Return the language of letters of another script, or what the script is called."""
    scripts = [unicodedata.name(letter, "other").split()[0] for letter in letters]
    for script, language in read_table("languages")["scripts"].items():
        if script in scripts:
            return str(language)
    return f"a language in {scripts[-1].title()} letters"


def _read_lines(
    section: str, text: str, marked: Sequence[ForeignText]
) -> Iterator[_Line]:
    """Yield the lines of a section that have words, each cut into pieces."""
    for found in _LINE.finditer(text):
        start, end = found.span()
        if not _WORD.search(found[0]):
            continue
        mark = _MARK.match(text, start, end)
        first = mark.end() if mark else start
        line = _Line(start, end, text[first:end].strip(), None, section, [])
        line.pieces = _cut(text, first, end)
        for place in marked:
            if place.section == section and place.start <= start and end <= place.end:
                line.pieces = [_Piece(start, end, "", place.language)]
        yield line


def _cut(text: str, start: int, end: int) -> list[_Piece]:
    """Return the pieces of a line, with their language if it is sure."""
    places: list[tuple[int, int]] = []
    for edge in _EDGE.finditer(text, start, end):
        places.append((start, edge.start()))
        if edge["script"]:
            places.append(edge.span())
        start = edge.end()
    places.append((start, end))
    pieces: list[_Piece] = []
    for first, last in places:
        words = text[first:last]
        if not any(map(str.isalnum, words)):
            continue
        language = _find_language(words)
        if pieces and language and pieces[-1].language == language:
            pieces[-1].end = last
        else:
            pieces.append(_Piece(first, last, words, language))
    return pieces


def _decide(line: _Line, languages: Sequence[str]) -> None:
    """Set the language of a line, beside others in these languages: that of its first piece, unless
    a piece is in English.
    """
    for piece in line.pieces:
        if piece.language is None:
            piece.language = _find_language(piece.text, languages)
    for before, piece, behind in zip(
        line.pieces, line.pieces[1:], line.pieces[2:], strict=False
    ):
        # as in "body mass index (身高体重指数) above 18"
        if bool(before.language) == bool(behind.language):
            piece.language = before.language
    line.language = line.pieces[0].language
    if any(piece.language == "" for piece in line.pieces):
        line.language = ""
    twice = _TWICE.fullmatch(line.text)
    if twice and not line.language:
        again = line.pieces[0].start + twice.end("words")
        line.pieces = [_Piece(again, line.end, "", languages[0])]


def _is_heading(line: _Line) -> bool:
    return line.text.rstrip("*_ ").lower().endswith((":", "criteria"))


def _follow_neighbours(lines: Sequence[_Line], language: str) -> None:
    """Set the language of lines of a section that show none, by those before and after them."""
    known = [bool(line.language) for line in lines if line.language is not None]
    changes = sum(one != other for one, other in pairwise(known))
    alternating = changes >= max(2, _ALTERNATING * (len(known) - 1))
    runs = [list(run) for _, run in groupby(lines, lambda line: line.language is None)]
    for before, run, behind in zip(runs, runs[1:], [*runs[2:], None], strict=False):
        if run[0].language is not None:
            continue
        last = before[-1].language
        following = behind[0] if behind else None
        goes_on = not following or following.language or _is_heading(following)
        found: Sequence[_Line] = run if last and goes_on else ()
        if alternating:
            found = _list_translations(before[-1], run, following)
        for line in found:
            line.language = last or language


def _list_translations(
    before: _Line, run: Sequence[_Line], behind: _Line | None
) -> Sequence[_Line]:
    """Return the lines of a run without a language that translate the English lines beside them,
    where each line is given twice: one between two in English, and each that repeats another.
    """
    if len(run) == 1 and not before.language and not (behind and behind.language):
        return run
    return [again for line, again in pairwise(run) if line.text == again.text]


def _list_texts(line: _Line) -> Iterator[ForeignText]:
    """Yield a line in another language, or its pieces in one with the signs between them."""
    if line.language:
        yield ForeignText(line.section, line.start, line.end, line.language)
        return
    edges = [piece.start for piece in line.pieces[1:]] + [line.end]
    before = line.pieces[0].start
    for piece, edge in zip(line.pieces, edges, strict=True):
        if piece.language:
            yield ForeignText(line.section, before, edge, piece.language)
        before = edge if piece.language else piece.end
