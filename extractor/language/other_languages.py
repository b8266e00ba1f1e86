"""Lines in another language than English: which they are, and which language it is.

Letters of another alphabet, words, letters and endings decide (``rules/languages/``). A line is
English until it is shown otherwise: "Diabetes mellitus", "ECOG 0-1" and names say nothing of a
language. Beside lines that surely are in another language, such a line belongs to the list around
it, and a word or ending of that language is enough.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.language.language_evidence import (
    WORD,
    LanguageSigns,
    count_english,
    find_scripts,
    has_other_script,
    is_english,
    list_other_letters,
    may_be_foreign,
    name_language,
    weigh,
)

_LINE = re.compile(r"[^\r\n]+")
_MARK = re.compile(
    r"[\s>|]*(?:[(\[]?(?:\d{1,2}(?:\.\d{1,2})?|[A-Za-z])[.)\]、．）]+(?!\d)|\d{1,2}(?=\s)"
    r"|[-*•·‣▪◦–—]+)?[\s*_]*"
)
"""What stands before the words of a line: its list mark."""
_BORDER = re.compile(
    r"\s/\s|[|\t／]|(?<=[.;:!?。；：])\s+|\s[–—-]\s|(?=[(（])|(?<=[)）])|/(?=[^\W\d_]{4})"
)
"""What may stand between the same words in two languages, and between sentences."""
_BEFORE_PART = re.compile(r"[/|(（\[][\s\d.,<>≥≤=%~±+-]*\Z|[\s/|(（\[:–—-]+\Z")
"""Signs and numbers that end before words in another script, and belong to them."""
_BEHIND_PART = re.compile(r"[\s\d.,;:<>≥≤=%~±+/|)）\]、。，；：！？–—-]*")
_SLASH = re.compile(r"\s/\s|[|／\t]")
_OPENING = " (（["
_CLOSING = " .;:。；：)）]"
_BETWEEN = " \t/|／–—-"
_BRACKETS = "(（"
_TWICE = re.compile(
    r"[\s>|]{0,9}(?:\d{1,2}[.)]|[-*•])?\s?(?P<said>(?P<words>\S.{2,60}?))\s{1,9}(?:[/"
    r"|／]\s{0,9})?(?P=words)\s{0,9}"
)
_GLUED = re.compile(r"[A-Za-z0-9%]+\Z")
_SAYS = re.compile(r"[^\W\d_]{2}")
_LIST = re.compile(r"\bcriteri(?:a|on)\b", re.IGNORECASE)
_RUNNING = ("eligibility", "brief_summary", "detailed_description", "text")
"""Sections with lines that belong together. In others, a line that says nothing of a language is
a name.
"""
_DESCRIPTIONS = (
    "title",
    "official_title",
    "brief_summary",
    "detailed_description",
    "conditions",
    "keywords",
)
"""Sections that may hold the other half of a text in two languages."""

_SURE = 1.5
_ALONE = 1.0
_HINT = 0.5
"""The evidence that decides a line; one of few words, half of which are evidence; one beside
others of its language.
"""
_FEW_WORDS = 3
_HALF = 0.5
_ENGLISH_COUNTS = 2
"""How much more evidence a line needs for each English word in it."""
_LONGEST_TITLE = 6
_FEWEST = 2
"""How many lines in another language show that the record has more of them."""
_PAIRED = 0.6
"""The share of neighbouring lines in different languages that shows a text with each line twice."""


@dataclass(frozen=True, slots=True)
class ForeignText:
    """``text[start:end]`` of a section is in ``language``: a whole line, or a part of it."""

    section: str
    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class ForeignLines:
    """What of a record is in another language.

    ``texts`` are in reading order. ``untranslated`` are the sections that say something in another
    language while, but for headings, nothing stands in English: in their list, or for descriptions
    in the whole record.
    """

    texts: tuple[ForeignText, ...] = ()
    untranslated: frozenset[str] = frozenset()


NOTHING_FOREIGN = ForeignLines()


@dataclass(slots=True)
class _Line:
    """A line, or a part of one, and the evidence in it. ``language`` is None for English, and if
    nothing tells.

    A ``mixed`` line has words of both. The ``is_part`` is the other half of an English line.
    """

    section: str
    start: int
    words: str
    evidence: LanguageSigns
    language: str | None = None
    mixed: bool = False
    is_part: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.words)

    @property
    def english(self) -> int:
        """The number of English words."""
        return self.evidence.english


def find_foreign(
    sections: Sequence[tuple[str, str]], marked: Sequence[ForeignText] = ()
) -> ForeignLines:
    r"""Return what of a record is in another language. ``sections`` are names and texts.

    Lines within a text that is ``marked`` by its source are in the language of the mark.

    >>> text = (
    ...     "Kriterien\n- Alter über 18 Jahre\n- ECOG 0-1\nCriteria\n- Age over 18 years\n"
    ...     "- ECOG 0-1"
    ... )
    >>> found = find_foreign([("eligibility", text)])
    >>> [(text[one.start : one.end], one.language) for one in found.texts]
    [('Kriterien', 'German'), ('- Alter über 18 Jahre', 'German'), ('- ECOG 0-1', 'German')]
    >>> find_foreign([("eligibility", "Diabetes mellitus\nAdults with asthma")]).texts
    ()
    """
    if not marked and not any(may_be_foreign(text) for _, text in sections):
        return ForeignLines()
    lines = [line for name, text in sections for line in _read_lines(name, text)]
    lines = [_mark(line, marked) for line in lines] if marked else lines
    hints = sum(bool(line.language) or line.mixed for line in lines)
    if not hints:
        return ForeignLines()
    if hints >= _FEWEST or any(line.language and line.mixed for line in lines):
        lines = [
            part for line in lines for part in (_divide(line) if line.mixed else [line])
        ]
        language = next((line.language for line in lines if line.language), None)
        if language:
            lines += [
                half
                for line in lines
                if not line.language
                for half in _find_repeated(line, language)
            ]
    if len([line for line in lines if line.language]) >= _FEWEST or not any(
        line.english for line in lines
    ):
        _spread(lines)
    _unify(lines)
    return _collect([name for name, _ in sections], lines)


def blank_ranges(text: str, ranges: Sequence[tuple[int, int]]) -> str:
    r"""Return a text of the same length with blanks in the place of ranges, which are in order.

    Between words of one line they are line breaks, so that no sentence goes on over them.

    >>> (
    ...     blank_ranges("Pain / Schmerz", [(4, 14)]),
    ...     blank_ranges("Pain. Schmerz. Sleep", [(6, 15)]),
    ... )
    ('Pain          ', 'Pain. \n       \nSleep')
    """
    pieces: list[str] = []
    done = 0
    for start, end in ranges:
        pieces.append(text[done:start])
        line = text[max(done, text.rfind("\n", 0, start) + 1) : start]
        stop = text.find("\n", end)
        behind = text[end : stop if stop >= 0 else len(text)]
        is_inner = _SAYS.search(line) and _SAYS.search(behind) and end - start > 1
        pieces.append(
            f"\n{' ' * (end - start - 2)}\n" if is_inner else " " * (end - start)
        )
        done = end
    return "".join([*pieces, text[done:]])


def hide_foreign(text: str) -> str:
    r"""Return a text of the same length with blanks in the place of what is in another language.

    >>> hide_foreign("纳入标准 Inclusion criteria").strip()
    'Inclusion criteria'
    """
    found = find_foreign([("text", text)]).texts
    return (
        blank_ranges(text, [(one.start, one.end) for one in found]) if found else text
    )


def _read_lines(section: str, text: str) -> Iterator[_Line]:
    for found in _LINE.finditer(text):
        if not found.group().strip():
            continue
        line = _read(section, found.start(), found.group())
        yield from _split_scripts(line)


def _mark(line: _Line, marked: Sequence[ForeignText]) -> _Line:
    """Return a line with the language of the mark that covers it."""
    for text in marked:
        if (
            text.section == line.section
            and text.start <= line.start
            and line.end <= text.end
        ):
            return replace(
                line,
                language=text.language,
                mixed=False,
                evidence=replace(line.evidence, scores={}),
            )
    return line


def _read(section: str, start: int, words: str) -> _Line:
    """Read the evidence in a line, and its language if it is sure."""
    evidence = weigh(words)
    line = _Line(section, start, words, evidence)
    best = _find_best(evidence)
    if not best:
        return line
    score = evidence.scores[best]
    against = count_english(words, best)
    few = (
        evidence.words <= _FEW_WORDS
        and not against
        and score >= max(_ALONE, evidence.words * _HALF)
    )
    if few or (score >= _SURE and score > _ENGLISH_COUNTS * against):
        line.language = best
    line.mixed = against > 0 and score >= _ALONE
    return line


def _find_best(evidence: LanguageSigns) -> str | None:
    return max(evidence.scores, key=lambda name: evidence.scores[name], default=None)


def _split_scripts(line: _Line) -> Iterator[_Line]:
    """Yield the English part and the other part of a line that says the same in two scripts,
    else the line.
    """
    text = line.words
    if not find_scripts(text):
        yield line
        return
    letters = list_other_letters(text)
    first = letters[0]
    last = letters[-1] + 1
    mark = _MARK.match(text)
    opening = mark.end() if mark else 0
    front = text[opening:first]
    behind = text[last:]
    parts = _SLASH.split(text)
    apart = len(parts) > 1 and not all(map(has_other_script, parts))
    in_front = _says_something(front) or (
        apart and front.strip() and not behind.strip(_CLOSING)
    )
    in_back = _says_something(behind) or (
        apart and behind.strip() and not front.strip(_OPENING)
    )
    is_inner = behind.lstrip()[:1] in (")", "）", "]") and any(map(str.isalnum, behind))
    if in_front and (is_inner or in_back):  # "Body mass index (身高体重指数) >= 18.5"
        yield replace(
            line, language=None, mixed=False, evidence=replace(line.evidence, scores={})
        )
    elif in_front:
        cut = _find_start(text, opening, first)
        yield replace(_read(line.section, line.start, text[:cut]), mixed=False)
        yield _take_part(line, cut, len(text))
    elif in_back:
        edge = _BEHIND_PART.match(text, last)
        cut = edge.end() if edge else last
        yield _take_part(line, opening, cut)
        yield replace(_read(line.section, line.start + cut, text[cut:]), mixed=False)
    else:
        yield line


def _says_something(words: str) -> bool:
    """Return whether Latin letters are words of their own ("Body mass index"), not an
    abbreviation beside others.
    """
    found = WORD.findall(words)
    if len(found) == 1:  # "妊娠 Pregnancy", not "pembrolizumab 过敏"
        return is_english(found[0])
    return len(found) > 1 and any(
        len(word) > 2 and not word.isupper() for word in found
    )


def _find_start(text: str, opening: int, first: int) -> int:
    """Return where the part in another script starts, of which ``first`` is the first letter:
    "FEV1低于80%".
    """
    glued = _GLUED.search(text, opening, first)
    start = glued.start() if glued and glued.start() > opening else first
    edge = _BEFORE_PART.search(text, opening, start)
    return edge.start() if edge and edge.start() > opening else start


def _take_part(line: _Line, start: int, end: int) -> _Line:
    """Return the part of a line that is in another script."""
    part = _read(line.section, line.start + start, line.words[start:end])
    return replace(
        part, language=part.language or _find_best(part.evidence), is_part=True
    )


def _divide(line: _Line) -> list[_Line]:
    """Return the parts of a line that says the same in two languages, or has sentences of both,
    else the line.

    A list mark stands for the English part. Signs between two parts go with the part in the other
    language.
    """
    text = line.words
    mark = _MARK.match(text)
    opening = mark.end() if mark else 0
    borders = [found.end() for found in _BORDER.finditer(text, opening)]
    starts = [opening, *borders, len(text)]
    places = [
        (start, end) for start, end in pairwise(starts) if text[start:end].strip()
    ]
    parts = [
        _read(line.section, line.start + start, text[start:end])
        for start, end in places
    ]
    has_english = any(part.english and not part.language for part in parts)
    if not has_english or not any(part.language for part in parts):
        return [line]
    for part, (start, end) in zip(parts, places, strict=True):
        part.mixed = False
        part.is_part = True
        aside = text[start] in _BRACKETS
        goes_on = _SAYS.search(text, end)
        if (
            aside
            and part.language
            and (goes_on or part.evidence.scores[part.language] < _SURE)
        ):
            part.language = None  # "(Big Sur)", "(CES-D)"
        if line.language and not part.english:
            part.language = line.language
    for part, following in pairwise(parts):
        is_label = part.words.rstrip().endswith((":", "："))
        if is_label and not part.english:
            part.language = part.language or following.language
    for part, following in pairwise(parts):
        said = part.words.rstrip(_BETWEEN)
        if following.language and not part.language and said:
            following.words = part.words[len(said) :] + following.words
            following.start = part.start + len(said)
            part.words = said
    return parts


def _find_repeated(line: _Line, language: str) -> Iterator[_Line]:
    """Yield the second half of a line that says the same twice ("ECOG 0-1 / ECOG 0-1"), as in
    two languages.
    """
    twice = _TWICE.fullmatch(line.words)
    if twice:
        end = twice.end("said")
        yield replace(
            line,
            start=line.start + end,
            words=line.words[end:],
            language=language,
            is_part=True,
        )


def _spread(lines: Sequence[_Line]) -> None:
    """Decide the lines that are not sure by the record's other language and by the lines around
    them.
    """
    others = {line.language for line in lines if line.language}
    for line in lines:
        if not line.language:
            line.language = _take_hint(line, others)
    for section in dict.fromkeys(line.section for line in lines):
        if section in _RUNNING:
            _fill([line for line in lines if line.section == section])


def _take_hint(line: _Line, others: Collection[str]) -> str | None:
    """Return the language of the record that a line without English words has some evidence of."""
    scores = {
        name: score
        for name, score in line.evidence.scores.items()
        if name in others and score >= _HINT
    }
    hint = max(scores, key=lambda name: scores[name], default=None)
    return hint if hint and not count_english(line.words, hint) else None


def _fill(lines: Sequence[_Line]) -> None:
    """Decide neutral lines of a section ("ECOG 0-1") by the lines around them."""
    lines = [line for line in lines if not (line.is_part and line.language)]
    decided = [line for line in lines if line.language or _states_in_english(line)]
    if not any(line.language for line in decided):
        return
    if all(line.language for line in decided):
        language = next(line.language for line in decided if line.language)
        for line in lines:
            line.language = line.language or (None if line.english else language)
        return
    # headings take turns, too
    decided = [line for line in lines if line.language or line.english]
    turns = sum(
        bool(one.language) != bool(other.language) for one, other in pairwise(decided)
    )
    if turns > _PAIRED * max(1, len(decided) - 1) and len(decided) > _FEWEST:
        _fill_pairs(lines)
    else:
        _fill_blocks(lines)


def _fill_pairs(lines: Sequence[_Line]) -> None:
    """Decide neutral lines of a text in which each line is followed by its translation, or the
    other way round.

    Between two decided lines they take turns. Where that does not lead from one to the other, as
    with an "ECOG 0-1" that is written once, they are English.
    """
    name = next(line.language for line in lines if line.language)
    decided = [
        place for place, line in enumerate(lines) if line.language or line.english
    ]
    for one, other in pairwise(decided):
        between = lines[one + 1 : other]
        is_foreign = bool(lines[one].language)
        ends_foreign = bool(lines[other].language)
        fits = (len(between) + 1) % 2 == (is_foreign != ends_foreign)
        for line in between if fits else ():
            is_foreign = not is_foreign
            line.language = name if is_foreign else None
    rest = lines[decided[-1] + 1 :]
    is_foreign, foreign_first = (
        bool(lines[place].language) for place in (decided[-1], decided[0])
    )
    # the last decided line still lacks its other half
    fits = len(rest) % 2 == (is_foreign == foreign_first)
    for line in rest if fits else ():
        is_foreign = not is_foreign
        line.language = name if is_foreign else None


def _fill_blocks(lines: Sequence[_Line]) -> None:
    """Let neutral lines follow the decided line above, if a block of several lines is in its
    language.
    """
    language: str | None = None
    run = 0
    waiting: list[_Line] = []
    for line in lines:
        if line.language or line.english:
            # before the first decided line, or between two of one language
            if line.language and (run == 0 or language):
                for one in waiting:
                    one.language = line.language
            waiting = []
            goes_on = run > 0 and bool(line.language) == bool(language)
            run = run + 1 if goes_on else 1
            language = line.language
        elif language and run >= _FEWEST:
            line.language = language
        elif language or run == 0:
            waiting.append(line)


def _unify(lines: Sequence[_Line]) -> None:
    """Give the few lines that were taken for a similar language the name of the one that most
    lines have.
    """
    counted = Counter(line.language for line in lines if line.language)
    for line in lines:
        scores = line.evidence.scores
        if not line.language or line.language not in scores:
            continue
        likely = max(scores, key=lambda name: (counted[name], scores[name]))
        if scores[likely] >= _HALF * scores[line.language]:
            line.language = likely


def _group_of(section: str) -> str:
    """Return the name that a section shares with those beside it: "arms[1]" is one of the
    "arms".
    """
    return section.partition("[")[0]


def _collect(names: Sequence[str], lines: Sequence[_Line]) -> ForeignLines:
    by_section: dict[str, list[_Line]] = {name: [] for name in names}
    for line in lines:
        if line.language:
            by_section[line.section].append(line)
    texts: list[ForeignText] = []
    for name, foreign in by_section.items():
        for line in sorted(foreign, key=lambda line: line.start):
            text = ForeignText(
                name,
                line.start,
                line.end,
                name_language(line.language or "", line.evidence.scores),
            )
            before = texts[-1] if texts else None
            # parts of one line
            if before and before.section == name and before.end >= text.start:
                texts[-1] = replace(before, end=max(before.end, text.end))
            else:
                texts.append(text)
    in_english = {_group_of(line.section) for line in lines if _states_in_english(line)}
    translated = (
        in_english | set(_DESCRIPTIONS)
        if in_english - set(_DESCRIPTIONS)
        else in_english
    )
    untranslated = {
        name
        for name, foreign in by_section.items()
        if foreign and _group_of(name) not in translated
    }
    return ForeignLines(tuple(texts), frozenset(untranslated))


def _states_in_english(line: _Line) -> bool:
    """Return whether a line says something in English and is no heading."""
    title = len(WORD.findall(line.words)) <= _LONGEST_TITLE and bool(
        _LIST.search(line.words)
    )
    heading = line.words.rstrip(" \t*_").endswith((":", "：")) or title
    return not line.language and bool(line.english) and not heading
