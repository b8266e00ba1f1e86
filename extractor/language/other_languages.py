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
"""The evidence that decides a line."""
_ALONE = 1.0
"""The evidence that decides a line of few words, if half of the words are evidence."""
_HINT = 0.5
"""The evidence that decides a line beside others of its language."""
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

    @property
    def is_decided(self) -> bool:
        """Whether something says in which language the line is. "ECOG 0-1" says nothing."""
        return self.language is not None or self.english > 0

    def without_evidence(self) -> "_Line":
        """Return the line as one in which nothing speaks for another language."""
        nothing = replace(self.evidence, scores={})
        return replace(self, language=None, mixed=False, evidence=nothing)


def find_foreign(
    sections: Sequence[tuple[str, str]], marked: Sequence[ForeignText] = ()
) -> ForeignLines:
    r"""Return what of a record is in another language. ``sections`` are names and texts.

    Lines within a text that is ``marked`` by its source are in the language of the mark.

    >>> text = (
    ...     "Kriterien\n- Alter über 18 Jahre\n- ECOG 0-1\nCriteria\n- Age over 18 years\n"
    ...     "- ECOG 0-1"
    ... )
    >>> texts = find_foreign([("eligibility", text)]).texts
    >>> [(text[german.start : german.end], german.language) for german in texts]
    [('Kriterien', 'German'), ('- Alter über 18 Jahre', 'German'), ('- ECOG 0-1', 'German')]
    >>> find_foreign([("eligibility", "Diabetes mellitus\nAdults with asthma")]).texts
    ()
    """
    if not marked and not any(may_be_foreign(text) for _, text in sections):
        return NOTHING_FOREIGN
    lines: list[_Line] = []
    for name, text in sections:
        lines += [_mark(line, marked) for line in _read_lines(name, text)]
    if not any(line.language or line.mixed for line in lines):
        return NOTHING_FOREIGN
    if _may_have_two_languages(lines):
        lines = _divide_all(lines)
    foreign = [line for line in lines if line.language]
    has_english = any(line.english for line in lines)
    if len(foreign) >= _FEWEST or not has_english:
        _spread(lines)
    _unify(lines)
    return _collect([name for name, _ in sections], lines)


def _may_have_two_languages(lines: Sequence[_Line]) -> bool:
    """Return whether enough speaks for another language that lines may say things twice: two such
    lines, or one in another language that is mixed itself.
    """
    hints = [line for line in lines if line.language or line.mixed]
    if len(hints) >= _FEWEST:
        return True
    return any(line.language and line.mixed for line in hints)


def _divide_all(lines: Sequence[_Line]) -> list[_Line]:
    """Return the parts of the lines that say the same in two languages, and the other lines.

    The second half of a line that says the same words twice is added, in the first other language
    of the text.
    """
    parts: list[_Line] = []
    for line in lines:
        parts += _divide(line) if line.mixed else [line]
    foreign = [part for part in parts if part.language]
    if not foreign:
        return parts
    halves: list[_Line] = []
    for part in parts:
        half = _find_repeated(part)
        if half and not part.language:
            half.language = foreign[0].language
            halves.append(half)
    return parts + halves


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
        line_start = max(done, text.rfind("\n", 0, start) + 1)
        line_end = text.find("\n", end)
        if line_end < 0:
            line_end = len(text)
        has_words_before = _SAYS.search(text[line_start:start])
        has_words_behind = _SAYS.search(text[end:line_end])
        length = end - start
        if has_words_before and has_words_behind and length > 1:
            pieces.append("\n" + " " * (length - 2) + "\n")
        else:
            pieces.append(" " * length)
        done = end
    return "".join([*pieces, text[done:]])


def hide_foreign(text: str) -> str:
    r"""Return a text of the same length with blanks in the place of what is in another language.

    >>> hide_foreign("纳入标准 Inclusion criteria").strip()
    'Inclusion criteria'
    """
    foreign = find_foreign([("text", text)]).texts
    return blank_ranges(text, [(part.start, part.end) for part in foreign])


def _read_lines(section: str, text: str) -> Iterator[_Line]:
    """Yield the lines of a section with words, cut where they change from one script to another."""
    for line in _LINE.finditer(text):
        if line[0].strip():
            yield from _split_scripts(_read(section, line.start(), line[0]))


def _mark(line: _Line, marked: Sequence[ForeignText]) -> _Line:
    """Return a line with the language of the mark that covers it."""
    for text in marked:
        if text.section != line.section:
            continue
        if text.start <= line.start and line.end <= text.end:
            return replace(line.without_evidence(), language=text.language)
    return line


def _read(section: str, start: int, words: str) -> _Line:
    """Return a line with the evidence in it, and with its language if that is sure.

    It is sure by much evidence, more than speaks for English, or in a line of at most three words
    if half of them are evidence and none is English. A line with evidence for both is mixed.
    """
    evidence = weigh(words)
    line = _Line(section, start, words, evidence)
    best = _find_best(evidence)
    if not best:
        return line
    score = evidence.scores[best]
    against = count_english(words, best)
    is_sure = score >= _SURE and score > _ENGLISH_COUNTS * against
    is_short = evidence.words <= _FEW_WORDS and not against
    enough_if_short = max(_ALONE, evidence.words * _HALF)
    if is_sure or (is_short and score >= enough_if_short):
        line.language = best
    line.mixed = against > 0 and score >= _ALONE
    return line


def _find_best(evidence: LanguageSigns) -> str | None:
    """Return the language with the most evidence; None if there is none for any."""
    scores = evidence.scores
    return max(scores, key=lambda name: scores[name], default=None)


def _split_scripts(line: _Line) -> Iterator[_Line]:
    """Yield the English part and the other part of a line that says the same in two scripts,
    else the line. An English line with an aside in another script is English as a whole.
    """
    text = line.words
    if not find_scripts(text):
        yield line
        return
    letters = list_other_letters(text)
    first = letters[0]
    end = letters[-1] + 1
    mark = _MARK.match(text)
    opening = mark.end() if mark else 0
    front = text[opening:first]
    behind = text[end:]
    says_in_front = _says_something(front)
    says_behind = _says_something(behind)
    # "妊娠 / ECOG 0-1": what stands alone beside a slash is a part, too.
    parts = _SLASH.split(text)
    if len(parts) > 1 and not all(map(has_other_script, parts)):
        if front.strip() and not behind.strip(_CLOSING):
            says_in_front = True
        if behind.strip() and not front.strip(_OPENING):
            says_behind = True
    closes_bracket = behind.lstrip()[:1] in (")", "）", "]")
    in_brackets = closes_bracket and any(map(str.isalnum, behind))
    if says_in_front and (in_brackets or says_behind):
        # "Body mass index (身高体重指数) >= 18.5": an English line with an aside
        yield line.without_evidence()
    elif says_in_front:
        cut = _find_start(text, opening, first)
        english = _read(line.section, line.start, text[:cut])
        yield replace(english, mixed=False)
        yield _take_part(line, cut, len(text))
    elif says_behind:
        edge = _BEHIND_PART.match(text, end)
        cut = edge.end() if edge else end
        yield _take_part(line, opening, cut)
        english = _read(line.section, line.start + cut, text[cut:])
        yield replace(english, mixed=False)
    else:
        yield line


def _says_something(text: str) -> bool:
    """Return whether Latin letters are words of their own ("Body mass index"), not an
    abbreviation beside others.
    """
    words = WORD.findall(text)
    if len(words) == 1:  # "妊娠 Pregnancy", not "pembrolizumab 过敏"
        return is_english(words[0])
    return any(len(word) > 2 and not word.isupper() for word in words)


def _find_start(text: str, opening: int, first: int) -> int:
    """Return where the part in another script starts, of which ``first`` is the first letter:
    "FEV1低于80%".
    """
    start = first
    glued = _GLUED.search(text, opening, first)
    if glued and glued.start() > opening:
        start = glued.start()
    edge = _BEFORE_PART.search(text, opening, start)
    if edge and edge.start() > opening:
        start = edge.start()
    return start


def _take_part(line: _Line, start: int, end: int) -> _Line:
    """Return the part of a line that is in another script: ``line.words[start:end]``."""
    words = line.words[start:end]
    part = _read(line.section, line.start + start, words)
    part.language = part.language or _find_best(part.evidence)
    part.is_part = True
    return part


def _divide(line: _Line) -> list[_Line]:
    """Return the parts of a line that says the same in two languages, or has sentences of both,
    else the line.

    A list mark stands for the English part. Signs between two parts go with the part in the other
    language.
    """
    parts = _cut_at_borders(line)
    foreign = [part for part in parts if part.language]
    english = [part for part in parts if part.english and not part.language]
    if not foreign or not english:
        return [line]
    for part in parts:
        part.mixed = False
        part.is_part = True
        if _is_name_aside(part, line):
            part.language = None
        if line.language and not part.english:
            part.language = line.language
    _fit_neighbours(parts)
    return parts


def _fit_neighbours(parts: Sequence[_Line]) -> None:
    """Give a label the language of what it introduces, and the signs between two parts to the part
    in the other language.
    """
    for part, following in pairwise(parts):
        is_label = part.words.rstrip().endswith((":", "："))
        if is_label and not part.is_decided:
            part.language = following.language
    for part, following in pairwise(parts):
        if following.language and not part.language:
            _move_signs(part, following)


def _cut_at_borders(line: _Line) -> list[_Line]:
    """Return the parts of a line between its borders, without its list mark."""
    text = line.words
    mark = _MARK.match(text)
    opening = mark.end() if mark else 0
    borders = [border.end() for border in _BORDER.finditer(text, opening)]
    parts: list[_Line] = []
    for start, end in pairwise([opening, *borders, len(text)]):
        words = text[start:end]
        if words.strip():
            parts.append(_read(line.section, line.start + start, words))
    return parts


def _is_name_aside(part: _Line, line: _Line) -> bool:
    """Return whether a part in brackets that looks foreign is a name within an English line:
    "(Big Sur)", "(CES-D)".
    """
    if part.words[0] not in _BRACKETS or not part.language:
        return False
    behind = part.end - line.start
    goes_on = _SAYS.search(line.words, behind) is not None
    return goes_on or part.evidence.scores[part.language] < _SURE


def _move_signs(part: _Line, following: _Line) -> None:
    """Move the signs at the end of a part to the front of the following one."""
    words = part.words.rstrip(_BETWEEN)
    if not words:
        return
    following.words = part.words[len(words) :] + following.words
    following.start = part.start + len(words)
    part.words = words


def _find_repeated(line: _Line) -> _Line | None:
    """Return the second half of a line that says the same twice ("ECOG 0-1 / ECOG 0-1"), as in
    two languages; None for another line.
    """
    twice = _TWICE.fullmatch(line.words)
    if not twice:
        return None
    end = twice.end("said")
    words = line.words[end:]
    return replace(line, start=line.start + end, words=words, is_part=True)


def _spread(lines: Sequence[_Line]) -> None:
    """Set the language of the lines that are not sure, by the record's other languages and by the
    lines around them.
    """
    others: set[str] = set()
    for line in lines:
        if line.language:
            others.add(line.language)
    for line in lines:
        if not line.language:
            line.language = _take_hint(line, others)
    for section in _RUNNING:
        _fill([line for line in lines if line.section == section])


def _take_hint(line: _Line, others: Collection[str]) -> str | None:
    """Return the language, one of ``others``, for which a line without English words has the most
    evidence; None if it has too little, or has English words.
    """
    hint: str | None = None
    most = 0.0
    for name, score in line.evidence.scores.items():
        if name not in others or score < _HINT:
            continue
        if score > most:
            hint = name
            most = score
    if hint is None or count_english(line.words, hint):
        return None
    return hint


def _fill(lines: Sequence[_Line]) -> None:
    """Set the language of the neutral lines of a section ("ECOG 0-1") by the lines around them.

    Without a statement in English, all are in the other language. Else they follow the lines beside
    them, if each line stands twice, or the lines above.
    """
    lines = [line for line in lines if not (line.is_part and line.language)]
    foreign = [line for line in lines if line.language]
    if not foreign:
        return
    decided = [line for line in lines if line.is_decided]
    if not any(_states_in_english(line) for line in lines):
        for line in lines:
            if not line.is_decided:
                line.language = foreign[0].language
    elif _has_each_line_twice(decided):
        _fill_pairs(lines)
    else:
        _fill_blocks(lines)


def _has_each_line_twice(decided: Sequence[_Line]) -> bool:
    """Return whether most lines have their translation beside them. Headings take turns, too."""
    turns = 0
    for line, following in pairwise(decided):
        if bool(line.language) != bool(following.language):
            turns += 1
    most_turns = max(1, len(decided) - 1)
    return turns > _PAIRED * most_turns and len(decided) > _FEWEST


def _fill_pairs(lines: Sequence[_Line]) -> None:
    """Set the language of the neutral lines of a text in which each line is followed by its
    translation, or the other way round.

    Between two decided lines they take turns. Where that does not lead from one to the other, as
    with an "ECOG 0-1" that is written once, they are English.
    """
    foreign = [line for line in lines if line.language]
    name = foreign[0].language
    decided = [index for index, line in enumerate(lines) if line.is_decided]
    for index, following in pairwise(decided):
        between = lines[index + 1 : following]
        is_foreign = bool(lines[index].language)
        ends_foreign = bool(lines[following].language)
        has_odd_steps = len(between) % 2 == 0
        if has_odd_steps == (is_foreign != ends_foreign):
            _alternate(between, name, is_foreign=not is_foreign)
    first_is_foreign = bool(lines[decided[0]].language)
    last_is_foreign = bool(lines[decided[-1]].language)
    rest = lines[decided[-1] + 1 :]
    lacks_other_half = last_is_foreign == first_is_foreign
    has_odd_rest = len(rest) % 2 == 1
    if has_odd_rest == lacks_other_half:
        _alternate(rest, name, is_foreign=not last_is_foreign)


def _alternate(lines: Sequence[_Line], name: str | None, *, is_foreign: bool) -> None:
    """Set the language of every second line to this name, beginning with the first one if that
    ``is_foreign``, and that of the others to English (None).
    """
    for line in lines:
        line.language = name if is_foreign else None
        is_foreign = not is_foreign


def _fill_blocks(lines: Sequence[_Line]) -> None:
    """Set the language of neutral lines to that of the decided line above, if a block of at least
    two decided lines is in it.

    Neutral lines before the first decided line, or between two in another language, follow the next
    decided one. All others stay English.
    """
    language: str | None = None
    run = 0
    waiting: list[_Line] = []
    for line in lines:
        if not line.is_decided:
            if language and run >= _FEWEST:
                line.language = language
            elif language or run == 0:
                waiting.append(line)
            continue
        if line.language and (run == 0 or language):
            for neutral in waiting:
                neutral.language = line.language
        waiting = []
        goes_on = run > 0 and bool(line.language) == bool(language)
        run = run + 1 if goes_on else 1
        language = line.language


def _unify(lines: Sequence[_Line]) -> None:
    """Set the language of the few lines that were taken for a similar language to the one that most
    lines have, if they have at least half as much evidence for it.
    """
    counts = Counter(line.language for line in lines if line.language)
    for line in lines:
        scores = line.evidence.scores
        if not line.language or line.language not in scores:
            continue
        likely = max(scores, key=lambda name: (counts[name], scores[name]))
        if scores[likely] >= _HALF * scores[line.language]:
            line.language = likely


def _group_of(section: str) -> str:
    """Return the name that a section shares with those beside it: "arms[1]" is one of the
    "arms".
    """
    return section.partition("[")[0]


def _collect(names: Sequence[str], lines: Sequence[_Line]) -> ForeignLines:
    """Return the lines in another language in the order of the sections (``names``), and the
    sections that state nothing in English beside them.
    """
    foreign: dict[str, list[_Line]] = {name: [] for name in names}
    in_english: set[str] = set()
    for line in lines:
        if line.language:
            foreign[line.section].append(line)
        if _states_in_english(line):
            in_english.add(_group_of(line.section))
    texts: list[ForeignText] = []
    for lines_of_section in foreign.values():
        texts += _join_parts(sorted(lines_of_section, key=lambda line: line.start))
    # Where any list is in English, the descriptions lack nothing.
    if in_english.difference(_DESCRIPTIONS):
        in_english.update(_DESCRIPTIONS)
    untranslated = {
        text.section for text in texts if _group_of(text.section) not in in_english
    }
    return ForeignLines(tuple(texts), frozenset(untranslated))


def _join_parts(lines: Sequence[_Line]) -> list[ForeignText]:
    """Return the texts of lines in another language; parts of one line that touch are one."""
    texts: list[ForeignText] = []
    for line in lines:
        before = texts[-1] if texts else None
        if before and before.end >= line.start:
            texts[-1] = replace(before, end=max(before.end, line.end))
            continue
        language = name_language(line.language or "", line.evidence.scores)
        texts.append(ForeignText(line.section, line.start, line.end, language))
    return texts


def _states_in_english(line: _Line) -> bool:
    """Return whether a line says something in English and is no heading."""
    if line.language or not line.english:
        return False
    if line.words.rstrip(" \t*_").endswith((":", "：")):
        return False
    is_short = len(WORD.findall(line.words)) <= _LONGEST_TITLE
    is_title = is_short and _LIST.search(line.words) is not None
    return not is_title
