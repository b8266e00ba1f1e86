"""Find lines in a language other than English.

The language is determined from letters of other scripts and from word counts
(``rules/languages.toml``). A line is split at slashes, bars and brackets, and where its script
changes. A piece is in another language if its words in that language clearly outnumber its English
words; if the record contains another piece in the same language, one word is sufficient. A list
item whose language is unknown ("ECOG 0-1") is assigned the language of the surrounding lines.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, pairwise

from extractor.language.book import read_table, word_set
from extractor.language.lexer import Range

_WORD = re.compile(r"[^\W\d_]+")
_LINE = re.compile(r"[^\r\n]+")
_MARK = re.compile(
    r"[\s>|]{0,99}(?:[-*•·–]{1,3}|\(?\w{1,2}(?:\.\d{1,2})?[.)、．）](?!\d)|\d{1,2}(?=\s))?\s{0,99}"
)
"""The list marker of a line."""
_SCRIPT = (
    r"[A-Z\d%<>≥≤./-]{0,20}(?:(?:(?![\W\d_])[\u0590-\u063f\u0641-\u1cff\u3040-\ud7af\uf900-\ufaff\ufb1d-\ufdff"
    r"\ufe70-\ufefc\uff66-\uff9d\U00020000-\U0003ffff]){2}|[\u0370-\u058f]{4})"
    r"(?:[^\sA-Za-z]|\s(?=[^\WA-Za-z]))*"
)
"""Letters of another script, including the characters joined to them: "FEV1低于80%". At least four
Greek letters are required, because a few are common in English: "αβ T cells".
"""
_OTHER_SCRIPT = re.compile(_SCRIPT)
_EDGE = re.compile(
    rf"\s{{1,9}}/\s{{1,9}}|[|\t／]|(?=[(（])|(?<=[)）])(?=\s{{0,9}}\w)|(?P<script>{_SCRIPT})"
)
"""Separators between the same words in two languages."""
_LATIN_WORD = re.compile(r"(?<![^\W\d_])[A-Z]?[a-z]{3,}(?![^\W\d_])")
"""A word that a list in another script does not contain, unlike "ECOG" and "HbA1c"."""
# Chosen by hand; one less changes no case, and none of 120 registry records.
_LATIN_PHRASE = 3
"""Number of these words that make a phrase between words in another script an English one."""
_LISTS = ("eligibility", "brief_summary", "detailed_description", "text")
"""Sections whose lines belong together. In other sections, a line whose language is unknown is
treated as a name.
"""
_DESCRIPTIONS = {*_LISTS[1:], "title", "official_title", "conditions", "keywords"}
"""Sections that another section may repeat in English."""
# Chosen by hand; one less changes no case, and none of 120 registry records.
_ENOUGH = 2
"""Minimum number of words needed to determine the language of a piece."""


@dataclass(frozen=True, slots=True)
class ForeignText:
    """A line, or a part of a line, in another language: ``text[start:end]`` of a section."""

    section: str
    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class ForeignLines:
    """The parts of a record that are in another language, in reading order. ``untranslated``
    contains the sections in which nothing is in English, except possibly the headings.
    Descriptions of the trial are included only if nothing in the record is in English.
    """

    texts: tuple[ForeignText, ...] = ()
    untranslated: frozenset[str] = frozenset()


NOTHING_FOREIGN = ForeignLines()


@dataclass(slots=True)
class _Text:
    """A line without its list marker, or a piece of a line. ``language`` is "" for English, and
    None if the language is unknown.
    """

    section: str
    start: int
    end: int
    words: str
    language: str | None
    pieces: "list[_Text]" = field(default_factory=list)


def find_foreign(
    sections: Sequence[tuple[str, str]], marked: Sequence[ForeignText] = ()
) -> ForeignLines:
    r"""Return the parts of a record that are in another language.

    Args:
        sections: The sections as (name, text) pairs.
        marked: The texts that the source marks as being in another language.

    >>> criteria = "- Alter über 18 Jahre\n- ECOG 0-1\n- Keine Allergie"
    >>> [text.end for text in find_foreign([("eligibility", criteria)]).texts]
    [21, 32, 49]
    >>> marked = [ForeignText("title", 5, 9, "Welsh")]
    >>> [
    ...     (text.start, text.end)
    ...     for text in find_foreign([("title", "Pain\nPoen\nPain")], marked).texts
    ... ]
    [(5, 9)]
    """
    if not marked and not any(_may_be_foreign(text) for _, text in sections):
        return NOTHING_FOREIGN
    lines = [
        line for name, text in sections for line in _read_lines(name, text, marked)
    ]
    counts = Counter(piece.language for line in lines for piece in line.pieces)
    languages = [language for language, _ in counts.most_common() if language]
    if not languages:
        return NOTHING_FOREIGN
    for line in lines:
        _set_language(line, languages)
    for section, group in groupby(lines, lambda line: line.section):
        if section in _LISTS:
            _follow_neighbours(list(group), languages[0])
    texts = tuple(text for line in lines for text in _list_texts(line))
    return ForeignLines(texts, _find_untranslated(lines, texts))


def name_language_of(text: str) -> str | None:
    """Return the language of a text that is mostly not in English, by its words; otherwise, None.

    >>> name_language_of(
    ...     "Pacientes adultos con diagnóstico de gota y sin insuficiencia renal"
    ... )
    'Spanish'
    >>> name_language_of(
    ...     "Adult patients (sin insuficiencia renal) with gout and no stone"
    ... )
    """
    found = find_foreign([("", text)]).texts
    foreign = sum(piece.end - piece.start for piece in found)
    if foreign * 2 <= len(text):
        return None
    return found[0].language


def _find_untranslated(
    lines: Sequence[_Text], texts: Sequence[ForeignText]
) -> frozenset[str]:
    """Return the sections that contain text in another language and that belong to a list without
    a single line in English.
    """
    english = {_name_list(line) for line in lines if _is_english_item(line)}
    if english:
        english |= _DESCRIPTIONS
    return frozenset(text.section for text in texts if _name_list(text) not in english)


def _name_list(text: _Text | ForeignText) -> str:
    return text.section.partition("[")[0]


def _is_english_item(line: _Text) -> bool:
    """Return whether a line is in English and is not a heading."""
    is_heading = line.words.rstrip("*_ ").lower().endswith((":", "criteria"))
    return line.language == "" and not is_heading


def hide_foreign(text: str) -> str:
    """Return a text of the same length, with the parts in another language replaced by spaces.

    >>> hide_foreign("纳入标准 Inclusion criteria").strip()
    'Inclusion criteria'
    """
    foreign = find_foreign([("text", text)]).texts
    return blank_ranges(text, [(part.start, part.end) for part in foreign])


def blank_ranges(text: str, ranges: Sequence[Range]) -> str:
    """Return a text of the same length, with the (start, end) ranges replaced by spaces.

    >>> blank_ranges("Pain / Schmerz", [(4, 14)])
    'Pain          '
    """
    characters = list(text)
    for start, end in ranges:
        characters[start:end] = " " * (end - start)
    return "".join(characters)


@cache
def _load_words() -> Mapping[str, frozenset[str]]:
    """Return the words of each language; English is the first key."""
    lists = read_table("languages")["words"]
    return {language: word_set(words) for language, words in lists.items()}


def _count_words(words: Collection[str]) -> tuple[int, int, str]:
    """Return the number of English words, the number of words in the most frequent other language,
    and the name of that language.
    """
    (english, _), *others = [
        (sum(map(known.__contains__, words)), language)
        for language, known in _load_words().items()
    ]
    return english, *max(others)


def _may_be_foreign(text: str) -> bool:
    """Return whether a section may contain text in another language. The check is fast."""
    words = set(_WORD.findall(text.lower()))
    _, *others = _load_words().values()
    if any(len(words & known) >= _ENOUGH for known in others):
        return True
    if text.isascii():
        return False
    return _OTHER_SCRIPT.search(text) is not None


def _find_language(text: str, record_languages: Collection[str] = ()) -> str | None:
    """Return the language of a piece: "" for English, or None if the language is unknown.
    ``record_languages`` are the languages already found in the record, for which one word is
    sufficient.
    """
    letters = _WORD.findall("".join(_OTHER_SCRIPT.findall(text)))
    if letters:
        return _name_script("".join(letters))
    english, most, language = _count_words(_WORD.findall(text.lower()))
    if english > most:
        return ""
    # "Critères d'inclusion" has equally many words in both languages
    is_certain = most >= _ENOUGH and most > english
    is_likely = most > 0 and language in record_languages
    if is_certain or is_likely:
        return language
    return None


def _name_script(letters: str) -> str:
    """Return the language of letters in a non-Latin script. If the script is used by several
    languages, return a description that includes the name of the script.
    """
    scripts = [unicodedata.name(letter, "other").split()[0] for letter in letters]
    for script, language in read_table("languages")["scripts"].items():
        if script in scripts:
            return str(language)
    return f"a language in {scripts[-1].title()} letters"


def _read_lines(
    section: str, text: str, marked: Sequence[ForeignText]
) -> Iterator[_Text]:
    """Yield the lines of a section that contain words, each split into pieces."""
    for written in _LINE.finditer(text):
        start, end = written.span()
        mark = _MARK.match(text, start, end)
        first = start
        if mark:
            first = mark.end()
        words = text[first:end].strip()
        if not _WORD.search(words):
            continue
        line = _Text(section, start, end, words, None)
        line.pieces = list(_split(section, text, first, end))
        # a mark of the source takes precedence over the words
        for place in marked:
            if place.section == section and place.start <= start and end <= place.end:
                line.pieces = [_Text(section, start, end, "", place.language)]
        yield line


def _split(section: str, text: str, start: int, end: int) -> Iterator[_Text]:
    """Yield the pieces of a line, with their languages if known."""
    edges = [start]
    for edge in _EDGE.finditer(text, start, end):
        edges += edge.span()
    for first, last in pairwise([*edges, end]):
        words = text[first:last]
        if any(map(str.isalnum, words)):
            yield _Text(section, first, last, words, _find_language(words))


def _set_language(line: _Text, languages: Sequence[str]) -> None:
    """Set the language of a line and of its pieces. ``languages`` are the record's languages, most
    frequent first.

    The line is treated as English if any piece is in English; otherwise, it has the language of its
    first piece. A piece that repeats the previous piece is treated as a translation whose words are
    the same in both languages. A piece between two pieces in English, or between two pieces in
    other languages, is assigned the language of the piece before it.
    """
    pieces = line.pieces
    for piece in pieces:
        if piece.language is None:
            piece.language = _find_language(piece.words, languages)
    for before, piece in pairwise(pieces):
        if piece.words.strip() == before.words.strip():
            piece.language = languages[0]
    for before, piece, after in zip(pieces, pieces[1:], pieces[2:], strict=False):
        # as in "body mass index (身高体重指数) above 18"
        is_phrase = len(_LATIN_WORD.findall(piece.words)) >= _LATIN_PHRASE
        if is_phrase and _is_in_script(before):
            piece.language = ""
        elif bool(before.language) == bool(after.language):
            piece.language = before.language
    is_english = any(piece.language == "" for piece in pieces)
    if is_english:
        line.language = ""
    else:
        line.language = pieces[0].language


def _follow_neighbours(lines: Sequence[_Text], language: str) -> None:
    """Set the language of lines whose language is unknown. Such a line is assigned the language of
    the line above, unless an English item follows. If two successive lines are identical, the
    second is treated as the translation of the first into ``language``, the most frequent one of
    the record.
    """
    for line, below in pairwise(lines):
        if line.language is not None:
            continue
        if line.words != below.words:
            continue
        line.language = ""
        below.language = language
    # for each line, whether the next line in a known language is an English item
    before_english: list[bool] = []
    is_english = False
    for line in reversed(lines):
        before_english.append(is_english)
        if line.language is not None:
            is_english = _is_english_item(line)
    before_english.reverse()
    # the first line has no line above
    for (above, line), is_before_english in zip(
        pairwise(lines), before_english[1:], strict=True
    ):
        if line.language is not None:
            continue
        if not above.language:
            continue
        if is_before_english:
            continue
        line.language = above.language
        # the English items of a list whose heading is in another script
        if _is_in_script(above) and _LATIN_WORD.search(line.words):
            line.language = ""


def _is_in_script(text: _Text) -> bool:
    """Return whether a text is written in the letters of another script."""
    return _OTHER_SCRIPT.search(text.words) is not None


def _list_texts(line: _Text) -> Iterator[ForeignText]:
    """Yield the whole line if it is in another language; otherwise, yield its pieces in another
    language together with the adjacent separators.
    """
    if line.language:
        yield ForeignText(line.section, line.start, line.end, line.language)
        return
    # a separator belongs to the piece in another language on either side of it
    start = line.pieces[0].start
    ends = [*(piece.start for piece in line.pieces[1:]), line.end]
    for piece, end in zip(line.pieces, ends, strict=True):
        if piece.language:
            yield ForeignText(line.section, start, end, piece.language)
        start = piece.end
        if piece.language:
            start = end
