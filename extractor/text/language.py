"""Lines in another language than English: which they are, and which language it is.

Letters of another alphabet, words, letters and endings decide (``rulebook/languages/``). A line is English until it is
shown otherwise: "Diabetes mellitus", "ECOG 0-1" and names say nothing of a language. Beside lines that surely are in
another language, such a line belongs to the list around it, and a word or ending of that language is enough.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, pairwise

from .book import read_table, word_set

_LINE = re.compile(r"[^\r\n]+")
_SIGNS = "\u0900-\u0903\u093a-\u094d\u0951-\u0957\u0962\u0963\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
"""Vowel signs of Devanagari and Thai, which are no letters to ``re``."""
_LETTERS = re.compile(rf"(?:[^\W\d_]|[{_SIGNS}])+")
_WORD = re.compile(rf"{_LETTERS.pattern}(?:['’ʼ-]{_LETTERS.pattern})*")
_PIECES = re.compile(r"['’ʼ-]")
_MARK = re.compile(
    r"[\s>|]*(?:[(\[]?(?:\d{1,2}(?:\.\d{1,2})?|[A-Za-z])[.)\]、．）]+(?!\d)|\d{1,2}(?=\s)|[-*•·‣▪◦–—]+)?[\s*_]*"
)
"""What stands before the words of a line: its list mark."""
_BORDER = re.compile(r"\s/\s|[|\t／]|(?<=[.;:!?。；：])\s+|\s[–—-]\s|(?=[(（])|(?<=[)）])|/(?=[^\W\d_]{4})")
"""What may stand between the same words in two languages, and between sentences."""
_BEFORE_PART = re.compile(r"[/|(（\[][\s\d.,<>≥≤=%~±+-]*\Z|[\s/|(（\[:–—-]+\Z")
"""Signs and numbers that end before words in another script, and belong to them."""
_BEHIND_PART = re.compile(r"[\s\d.,;:<>≥≤=%~±+/|)）\]、。，；：！？–—-]*")
_SLASH = re.compile(r"\s/\s|[|／\t]")
_OPENING, _CLOSING = " (（[", " .;:。；：)）]"
_BETWEEN, _BRACKETS = " \t/|／–—-", "(（"
_TWICE = re.compile(r"[\s>|]*(?:\d{1,2}[.)]|[-*•])?\s*(?P<said>(?P<words>\S.{2,60}?))\s+(?:[/|／]\s*)?(?P=words)\s*")
_GLUED = re.compile(r"[A-Za-z0-9%]+\Z")
_SAYS = re.compile(r"[^\W\d_]{2}")
_DESCRIPTIONS = ("title", "official_title", "brief_summary", "detailed_description", "conditions", "keywords")
"""Sections that may hold the other half of a text in two languages."""
_RUNNING = ("eligibility", "brief_summary", "detailed_description", "text")
"""Sections with lines that belong together. In others, a line that says nothing of a language is a name."""
_LATIN = re.compile(r"[A-Za-z]")
_LIST = re.compile(r"\bcriteri(?:a|on)\b", re.IGNORECASE)

_SURE, _ALONE = 1.5, 1.0
"""The evidence of a line in another language; and of one of few words, of which half are evidence."""
_FEW_WORDS = 3
_ENGLISH_COUNTS = 2
"""How much more evidence a line needs for each English word in it."""
_LONGEST_TITLE = 6
_HALF = 0.5
_ACCENTED, _ENDED = 1.5, 1.0
"""The most that letters, and endings, count for in one line."""
_LONG_WORD, _FOLDED_WORD, _LONGEST_ABBREVIATION = 7, 5, 4
_FEWEST = 2
"""How many lines in another language show that the record has more of them."""
_CASED = ("Greek", "Cyrillic", "Armenian")
_FEW_LETTERS = 3
_FEWEST_LETTERS = {"Chinese": 2, "Japanese": 2, "Korean": 2}
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

    ``texts`` are in reading order. ``untranslated`` are the sections that say something in another language while, but for
    headings, nothing stands in English: in their list, or for descriptions in the whole record.
    """

    texts: tuple[ForeignText, ...] = ()
    untranslated: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Line:
    """A line, or a part of one, and the evidence in it. ``language`` is None for English, and if nothing tells."""

    section: str
    start: int
    end: int
    words: str
    scores: Mapping[str, float]
    english: float
    language: str | None = None
    neutral: bool = False
    mixed: bool = False
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The words of ``rulebook/languages/``: by word, the languages that have it and what it counts for."""

    english: frozenset[str]
    words: Mapping[str, tuple[tuple[str, float], ...]]
    telling: frozenset[str]
    shared: Mapping[str, frozenset[str]]
    letters: Mapping[str, tuple[str, ...]]
    endings: tuple[tuple[str, tuple[str, ...]], ...]
    scripts: Mapping[str, re.Pattern[str]]
    script_of: Mapping[str, str]
    other_script: re.Pattern[str]


@cache
def _load() -> _Lexicon:
    table, languages = read_table("language_signs"), read_table("languages").items()
    english, doubtful = word_set(table["english"]["words"]), word_set(table["doubtful"]["words"])
    accented = english | word_set(table["english"]["unfolded"])
    words: dict[str, dict[str, float]] = {}
    letters: dict[str, list[str]] = {}
    for name, given in languages:
        listed = word_set(given["words"])
        folded = {plain for word in listed if len(word) >= _FOLDED_WORD and (plain := _fold(word)).isascii()}
        for word in chain(listed, folded - accented - word_set(given.get("shared", ""))):
            words.setdefault(word, {})[name] = _HALF if word in doubtful else 1.0
        for letter in given.get("letters", ""):
            letters.setdefault(letter, []).append(name)
    scripts = {name: re.compile(f"[{ranges}]") for name, ranges in table["scripts"].items()}
    return _Lexicon(
        english=english,
        telling=frozenset(words.keys() - doubtful),
        words={word: tuple(known.items()) for word, known in words.items()},
        shared={name: word_set(given.get("shared", "")) for name, given in languages},
        letters={letter: tuple(names) for letter, names in letters.items()},
        endings=tuple((name, tuple(given["endings"].split())) for name, given in languages if "endings" in given),
        scripts=scripts,
        script_of={name: given["script"] for name, given in languages if "script" in given},
        other_script=re.compile(f"[{''.join(table['scripts'].values())}]"),
    )


def _fold(word: str) -> str:
    """Return a word without its accents.

    >>> _fold("años"), _fold("größe")
    ('anos', 'große')
    """
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


def may_be_foreign(text: str) -> bool:
    """Return whether a text has any word or letter of another language. Most records have none, and need no second look.

    >>> may_be_foreign("Adults with asthma, ECOG 0-1"), may_be_foreign("Alter über 18 Jahre")
    (False, True)
    """
    lexicon = _load()
    if not text.isascii() and lexicon.other_script.search(text):
        return True
    return not lexicon.telling.isdisjoint(_LETTERS.findall(text.lower()))


def find_foreign(sections: Sequence[tuple[str, str]]) -> ForeignLines:
    r"""Return what of a record is in another language. ``sections`` are names and texts.

    >>> text = "Einschlusskriterien\n- Alter über 18 Jahre\n- ECOG 0-1\nInclusion criteria\n- Age over 18 years\n- ECOG 0-1"
    >>> found = find_foreign([("eligibility", text)])
    >>> [(text[one.start:one.end], one.language) for one in found.texts]
    [('Einschlusskriterien', 'German'), ('- Alter über 18 Jahre', 'German'), ('- ECOG 0-1', 'German')]
    >>> find_foreign([("eligibility", "Diabetes mellitus\nAdults with asthma")]).texts
    ()
    """
    if not any(may_be_foreign(text) for _, text in sections):
        return ForeignLines()
    lines = [line for name, text in sections for line in _read_lines(name, text)]
    hints = sum(bool(line.language) or line.mixed for line in lines)
    if not hints:
        return ForeignLines()
    if hints >= _FEWEST or any(line.language and line.mixed for line in lines):
        lines = [part for line in lines for part in (_divide(line) if line.mixed else [line])]
        language = next((line.language for line in lines if line.language), None)
        if language:
            lines += [half for line in lines if not line.language for half in _find_repeated(line, language)]
    if len([line for line in lines if line.language]) >= _FEWEST or not any(line.english for line in lines):
        _spread(lines)
    _unify(lines)
    return _collect([name for name, _ in sections], lines)


def blank_ranges(text: str, ranges: Sequence[tuple[int, int]]) -> str:
    r"""Return a text of the same length with blanks in the place of ranges, which are in order.

    Between words of one line they are line breaks, so that no sentence goes on over them.

    >>> blank_ranges("Pain / Schmerz", [(4, 14)]), blank_ranges("Pain. Schmerz. Sleep", [(6, 15)])
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
        pieces.append(f"\n{' ' * (end - start - 2)}\n" if is_inner else " " * (end - start))
        done = end
    return "".join([*pieces, text[done:]])


def hide_foreign(text: str) -> str:
    r"""Return a text of the same length with blanks in the place of what is in another language.

    >>> hide_foreign("纳入标准 Inclusion criteria").strip()
    'Inclusion criteria'
    """
    found = find_foreign([("text", text)]).texts
    return blank_ranges(text, [(one.start, one.end) for one in found]) if found else text


def _read_lines(section: str, text: str) -> Iterator[_Line]:
    for found in _LINE.finditer(text):
        if not found.group().strip():
            continue
        line = _read(section, found.start(), found.group())
        yield from _split_scripts(line)


def _read(section: str, start: int, words: str) -> _Line:
    """Read the evidence in a line, and its language if it is sure."""
    line = _Line(section, start, start + len(words), words, {}, 0)
    scores, english, count = _score(words)
    line.scores, line.english = scores, english
    line.neutral = not english and not scores
    best = max(scores, key=lambda name: scores[name], default=None)
    if not best:
        return line
    against = _count_english(words, best)
    alone = count <= _FEW_WORDS and not against and scores[best] >= max(_ALONE, count * _HALF)
    if alone or (scores[best] >= _SURE and scores[best] > _ENGLISH_COUNTS * against):
        line.language = best
    line.mixed = scores[best] >= _ALONE and against > 0
    return line


def _score(text: str) -> tuple[dict[str, float], int, int]:
    """Return what speaks for each language in a text, the number of its English words, and that of all words."""
    lexicon = _load()
    scores: Counter[str] = Counter()
    accents: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    seen: set[str] = set()
    english = count = 0
    for found in _WORD.finditer(unicodedata.normalize("NFC", text)):
        whole, is_lower = found.group().lower(), found.group()[0].islower()
        abbreviation = len(whole) <= _LONGEST_ABBREVIATION and found.group().isupper() and whole.isascii()
        if abbreviation:
            continue  # "OLE", "IMA-638"
        pieces = [whole] if whole in lexicon.words else _PIECES.split(whole)
        for word in pieces:
            count += len(word) > 1
            if word in lexicon.english:
                english += 1
            if word in seen:
                continue
            seen.add(word)
            if known := lexicon.words.get(word):
                for name, weight in known:
                    scores[name] += weight
                continue
            if not word.isascii():
                weight = _HALF if is_lower else _HALF / 2  # a capital begins a name: "Sjögren"
                for name in {name for letter in word for name in lexicon.letters.get(letter, ())}:
                    accents[name] += weight
            if len(word) >= _LONG_WORD and word not in lexicon.english:
                for name, endings in lexicon.endings:
                    if word.endswith(endings):
                        ended[name] += _HALF / 2
    for name, weight in accents.items():
        scores[name] += min(weight, _ACCENTED)
    for name, weight in ended.items():
        if name in scores:
            scores[name] += min(weight, _ENDED)
    for name, letters in _find_scripts(text).items():
        for language in _list_languages(name):
            scores[language] += letters
    return dict(scores), english, count


def _count_english(text: str, language: str) -> int:
    """Return how many words of a text are English and not words of a language, too."""
    lexicon = _load()
    words = set(_WORD.findall(text.lower())) & lexicon.english
    return len(words - lexicon.shared.get(language, frozenset()))


def _find_scripts(text: str) -> dict[str, float]:
    """Return the other scripts of a text with the number of their letters. A sign such as β or µ is none."""
    lexicon = _load()
    if text.isascii() or not lexicon.other_script.search(text):
        return {}
    counted: Counter[str] = Counter()
    for found in _WORD.finditer(unicodedata.normalize("NFC", text)):
        counted.update(_count_letters(found.group()))
    if counted["Japanese"]:
        counted["Japanese"] += counted.pop("Chinese", 0)
    fewest = _FEWEST_LETTERS if _LATIN.search(text) else dict.fromkeys(_FEWEST_LETTERS, 1)  # "2年"
    return {name: float(count) for name, count in counted.items() if count >= fewest.get(name, _FEW_LETTERS)}


def _count_letters(word: str) -> dict[str, int]:
    """Return the letters of other scripts in a word. "(ΒΜΙ)", and look-alikes within a Latin word, are a name."""
    if word.isascii():
        return {}
    found = {name: len(hits) for name, letters in _load().scripts.items() if (hits := letters.findall(word))}
    is_name = word.isupper() and len(word) < _LONG_WORD
    if is_name or len(word) < _FEW_LETTERS or any("a" <= sign <= "z" for sign in word.lower()):
        return {name: count for name, count in found.items() if name not in _CASED}
    return found


def _list_languages(script: str) -> list[str]:
    """Return the languages of a script that have words of their own, or the script's name."""
    return [name for name, of in _load().script_of.items() if of == script] or [script]


def _split_scripts(line: _Line) -> Iterator[_Line]:
    """Yield the English part and the other part of a line that says the same in two scripts, else the line."""
    lexicon = _load()
    text = line.words
    if text.isascii() or not _find_scripts(text):
        yield line
        return
    letters = list(lexicon.other_script.finditer(text))
    first, last = letters[0].start(), letters[-1].end()
    mark = _MARK.match(text)
    opening = mark.end() if mark else 0
    front, behind = text[opening:first], text[last:]
    parts = _SLASH.split(text)
    apart = len(parts) > 1 and any(not lexicon.other_script.search(part) for part in parts)
    in_front = _says_something(front) or (apart and front.strip() and not behind.strip(_CLOSING))
    in_back = _says_something(behind) or (apart and behind.strip() and not front.strip(_OPENING))
    closes = behind.lstrip()[:1] in (")", "）", "]") and any(map(str.isalnum, behind))
    if in_front and (closes or in_back):  # "Body mass index (身高体重指数) >= 18.5"
        yield replace(line, language=None, mixed=False, scores={})
    elif in_front:
        cut = _find_start(text, opening, first)
        yield replace(_read(line.section, line.start, text[:cut]), mixed=False)
        yield _part_of(line, cut, len(text))
    elif in_back:
        edge = _BEHIND_PART.match(text, last)
        cut = edge.end() if edge else last
        yield _part_of(line, opening, cut)
        yield replace(_read(line.section, line.start + cut, text[cut:]), mixed=False)
    else:
        yield line


def _says_something(words: str) -> bool:
    """Return whether Latin letters are words of their own ("Body mass index"), not an abbreviation beside others."""
    found = _WORD.findall(words)
    if len(found) == 1:  # "妊娠 Pregnancy", not "pembrolizumab 过敏"
        return found[0].lower() in _load().english
    return len(found) > 1 and any(len(word) > 2 and not word.isupper() for word in found)


def _find_start(text: str, opening: int, first: int) -> int:
    """Return where the part in another script starts, of which ``first`` is the first letter: "FEV1低于80%"."""
    glued = _GLUED.search(text, opening, first)
    start = glued.start() if glued and glued.start() > opening else first
    edge = _BEFORE_PART.search(text, opening, start)
    return edge.start() if edge and edge.start() > opening else start


def _part_of(line: _Line, start: int, end: int) -> _Line:
    """Return the part of a line that is in another script."""
    part = _read(line.section, line.start + start, line.words[start:end])
    part.language = part.language or max(part.scores, key=lambda name: part.scores[name], default=None)
    part.is_part = True
    return part


def _divide(line: _Line) -> list[_Line]:
    """Return the parts of a line that says the same in two languages, or has sentences of both, else the line.

    A list mark stands for the English part. Signs between two parts go with the part in the other language.
    """
    text = line.words
    mark = _MARK.match(text)
    opening = mark.end() if mark else 0
    borders = [found.end() for found in _BORDER.finditer(text, opening)]
    starts = [opening, *borders, len(text)]
    places = [(start, end) for start, end in zip(starts, starts[1:], strict=False) if text[start:end].strip()]
    parts = [_read(line.section, line.start + start, text[start:end]) for start, end in places]
    is_english = [bool(part.english) and not part.language for part in parts]
    if not any(part.language for part in parts) or not any(is_english):
        return [line]
    for part, (start, end) in zip(parts, places, strict=True):
        part.mixed = False
        part.is_part = True
        aside = text[start] in _BRACKETS
        goes_on = _SAYS.search(text, end)
        if aside and part.language and (goes_on or part.scores[part.language] < _SURE):
            part.language = None  # "(Big Sur)", "(CES-D)"
        if line.language and not part.english:
            part.language = line.language
    for part, following in pairwise(parts):
        said = part.words.rstrip(_BETWEEN)
        if following.language and not part.language and said:
            following.start -= len(part.words) - len(said)
            part.words = said
            part.end = part.start + len(said)
    return parts


def _find_repeated(line: _Line, language: str) -> Iterator[_Line]:
    """Yield the second half of a line that says the same twice ("ECOG 0-1 / ECOG 0-1"), as in two languages."""
    if twice := _TWICE.fullmatch(line.words):
        start, end = line.start + twice.end("said"), line.start + len(line.words)
        yield replace(line, start=start, end=end, words=line.words[twice.end("said") :], language=language)


def _spread(lines: Sequence[_Line]) -> None:
    """Decide the lines that are not sure by the record's other language and by the lines around them."""
    others = {line.language for line in lines if line.language}
    for line in lines:
        hint = max((name for name in line.scores if name in others), key=lambda name: line.scores[name], default=None)
        if hint and not line.language and line.scores[hint] >= _HALF and not _count_english(line.words, hint):
            line.language = hint
    for section in dict.fromkeys(line.section for line in lines):
        if section in _RUNNING:
            _fill([line for line in lines if line.section == section])


def _group_of(section: str) -> str:
    """Return the name that a section shares with those beside it: "arms[1]" is one of the "arms"."""
    return section.partition("[")[0]


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
    decided = [line for line in lines if line.language or line.english]  # headings take turns, too
    turns = sum(bool(one.language) != bool(other.language) for one, other in pairwise(decided))
    if turns > _PAIRED * max(1, len(decided) - 1) and len(decided) > _FEWEST:
        _fill_pairs(lines)
    else:
        _fill_blocks(lines)


def _fill_pairs(lines: Sequence[_Line]) -> None:
    """Decide neutral lines of a text in which each line is followed by its translation, or the other way round.

    Between two decided lines they take turns. Where that does not lead from one to the other, as with an "ECOG 0-1" that
    is written once, they are English.
    """
    name = next(line.language for line in lines if line.language)
    decided = [place for place, line in enumerate(lines) if line.language or line.english]
    for one, other in pairwise(decided):
        between = lines[one + 1 : other]
        is_foreign, ends_foreign = bool(lines[one].language), bool(lines[other].language)
        fits = (len(between) + 1) % 2 == (is_foreign != ends_foreign)
        for line in between if fits else ():
            is_foreign = not is_foreign
            line.language = name if is_foreign else None
    rest = lines[decided[-1] + 1 :]
    is_foreign, foreign_first = (bool(lines[place].language) for place in (decided[-1], decided[0]))
    fits = len(rest) % 2 == (is_foreign == foreign_first)  # the last decided line still lacks its other half
    for line in rest if fits else ():
        is_foreign = not is_foreign
        line.language = name if is_foreign else None


def _fill_blocks(lines: Sequence[_Line]) -> None:
    """Let neutral lines follow the decided line above, if a block of several lines is in its language."""
    language: str | None = None
    run = 0
    waiting: list[_Line] = []
    for line in lines:
        if line.language or line.english:
            if line.language and (
                run == 0 or language
            ):  # before the first decided line, or between two of one language
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
    """Give the few lines that were taken for a similar language the name of the one that most lines have."""
    counted = Counter(line.language for line in lines if line.language)
    for line in lines:
        if line.language and len(line.scores) > 1:
            likely = max(line.scores, key=lambda name: (counted[name], line.scores[name]))
            line.language = likely if line.scores[likely] * 2 >= line.scores.get(line.language, 0) else line.language
        elif line.language and not line.scores:
            line.language = counted.most_common(1)[0][0]


def _collect(names: Sequence[str], lines: Sequence[_Line]) -> ForeignLines:
    by_section: dict[str, list[_Line]] = {name: [] for name in names}
    for line in lines:
        if line.language:
            by_section[line.section].append(line)
    texts: list[ForeignText] = []
    for name, foreign in by_section.items():
        for line in sorted(foreign, key=lambda line: line.start):
            text = ForeignText(name, line.start, line.end, _name(line))
            before = texts[-1] if texts else None
            if before and before.section == name and before.end >= text.start:  # parts of one line
                texts[-1] = replace(before, end=max(before.end, text.end))
            else:
                texts.append(text)
    in_english = {_group_of(line.section) for line in lines if _states_in_english(line)}
    translated = in_english | set(_DESCRIPTIONS) if in_english - set(_DESCRIPTIONS) else in_english
    untranslated = {name for name, foreign in by_section.items() if foreign and _group_of(name) not in translated}
    return ForeignLines(tuple(texts), frozenset(untranslated))


def _name(line: _Line) -> str:
    """Return the language of a line; that of its script, if several languages share it and none is more likely."""
    language = line.language or ""
    script = _load().script_of.get(language)
    tied = script and [name for name, score in line.scores.items() if score == line.scores[language]][1:]
    return read_table("language_signs")["shared"].get(script, language) if tied else language


def _states_in_english(line: _Line) -> bool:
    """Return whether a line says something in English and is no heading."""
    title = len(_WORD.findall(line.words)) <= _LONGEST_TITLE and bool(_LIST.search(line.words))
    heading = line.words.rstrip(" \t*_").endswith((":", "：")) or title
    return not line.language and bool(line.english) and not heading
