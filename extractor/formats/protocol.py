"""The sections of a long document that say what a trial is: its synopsis, eligibility, treatment
and outcomes.

A protocol has 60 to 300 pages, of which these sections are a tenth. They are found by their
headings: those of the template of ICH M11 and the usual ones. What is not read is told.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractor.formats.documents import DocumentContent
from extractor.formats.headings import ELIGIBILITY, ITEMS, OUTCOMES, find_headings
from extractor.formats.listed import LINE, Place
from extractor.language.passage import read_section
from extractor.plurals import counted

SYNOPSIS = "synopsis"
CRITERIA = "eligibility"
TREATMENT = "treatment"
OUTCOME = "outcomes"
DESIGN = "design"
OTHER = "other"
_WANTED = (CRITERIA, TREATMENT, OUTCOME)
_LONGEST_HEADING = 160
_LONG = 40_000
_MANY_PAGES = 12
"""Characters and pages of a document of which only the sections that are known are read."""
_LONGEST_WHOLE = 300_000
"""Characters of a document without known headings that is read as a whole."""
_LONGEST_FRONT = 3_000
_MOST_NAMED = 12

_NUMBERED = re.compile(
    r"[ \t]*(?:(?:section|chapter)[ \t]+)?(?P<number>\d{1,2}(?:\.\d{1,2}){0,5})\.?[ "
    r"\t]+(?P<title>[^\W\d_].*)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[ \t]*(?P<title>[^\W\d_].*)")
_PROSE_END = re.compile(r"[.;,!?][\W]{0,3}$")
_CONTENTS = re.compile(
    r"(?i)[ \t]*(?:\d{1,2}\.?[ \t]+)?"
    r"(?:table of contents|contents|list of (?:tables|figures)(?: and figures)?)[ \t:]*"
)
_LEADER = re.compile(
    r"(?:[ \t]?[.…·_]){3}[ \t.…·_]{0,200}(?:\d{1,4}|[ivxl]{1,6})[ \t]{0,9}$"
)
_ENTRY = re.compile(
    r"[ \t]{0,40}(?P<words>\S.{0,300}?[^\d \t.…·_])(?:[ \t.…·_]{0,200}\d{1,4}|[ "
    r"\t.…·_]{1,200}[ivxl]{1,6})[ \t]{0,9}$"
)
_MOST_BROKEN_ENTRIES = 2
_FEWEST_ENTRIES = 3

_KINDS = (
    (
        OTHER,
        r"\b(?:discontinu|withdraw|accountab|storage|handling|packag|label+ing|complian|adheren"
        r"|blinding|masking|unblind"
        r"|bias|overdos|rationale|justif|suppl(?:y|ies)\b|preparation|concomitant "
        r"(?:therap|medic|treat)|prohibited"
        r"|permitted|prior (?:and|therap|treat|medic)|rescue|lifestyle|contracepti|screen(?:ing)? "
        r"fail|re-?screening"
        r"|recruitment|retention|statistic|analys[ie]s|sample size|amendment|summary of "
        r"changes|history|appendix"
        r"|abbreviation|glossary|reference|schedule|schema|assessment|monitoring|adverse|safety "
        r"(?:report|data)|ethic"
        r"|randomi[sz]ation|dose modif|dose reduc|dose adjust|modification|after the "
        r"(?:end|trial|study)|post-?trial"
        r"|continued access|risk|benefit|background|introduction|pharmacokinetic|discuss|sponsor"
        r"|meals|restriction)",
    ),
    (SYNOPSIS, r"\bsynops[ie]s\b|^(?:protocol|study|trial|executive)? ?summary$"),
    (
        CRITERIA,
        r"\b(?:inclusion|exclusion|eligib\w+|selection criteria|entry criteria)\b"
        r"|\bselection (?:of|and \w+ of) (?:the )?(?:trial |study "
        r")?(?:population|participants?|patients?|subjects?)\b"
        r"|\b(?:trial|study|patient|target|subject|participant)s? "
        r"(?:population|selection|participants)\b"
        r"|^(?:trial |study )?(?:population|participants|patients|subjects)$",
    ),
    (
        OUTCOME,
        r"\b(?:objectives?|end ?-?points?|estimands?|outcomes?|outcome measures?)\b",
    ),
    (
        TREATMENT,
        r"\b(?:trial|study|investigational|protocol|medicinal|experimental|comparator|control"
        r"|test|reference)\b.*"
        r"\b(?:interventions?|treatments?|drugs?|products?|medications?|therap(?:y|ies)|agents?"
        r"|devices?)\b"
        r"|^(?:treatments?|interventions?|regimens?)(?: "
        r"(?:plan|regimens?|schedule|arms?|groups?|administered))?$"
        r"|\btreatments? (?:of|for) (?:patients|subjects|participants)\b"
        r"|\b(?:dosing|dosage|doses?|posology|administration)\b|\b(?:trial|study|treatment) "
        r"arms?\b|^arms\b"
        r"|\btreatments? (?:plan|arms?|groups?|regimens?)\b",
    ),
    (
        DESIGN,
        r"\b(?:trial|study|overall) design\b|^design\b|\bdesign (?:overview|of the "
        r"(?:trial|study))\b",
    ),
)
_PATTERNS = {kind: re.compile(words, re.IGNORECASE) for kind, words in _KINDS}
"""The words of each kind of chapter. Of several that a heading names, the first kind counts."""
_ENDS_SYNOPSIS = re.compile(
    r"(?i)\b(?:introduction|background|abbreviations|contents|schema|schedule of|flow "
    r"?chart|signature)\b"
)
LIST_NAME = re.compile(r"(?i)\b(?:in|ex)clusion\b|\beligib")
"""What a heading says that begins a list of criteria."""
_BARRED = re.compile(
    r"(?i)\b(?:statistic|analys[ie]s|appendi|reference|glossar|abbreviation|introduction"
    r"|background|amendment"
    r"|adverse event|safety report|oversight|ethic)"
)
"""Chapters below which no section is what its heading says: "Analysis of the primary endpoint"."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading of a document, with what stands below it up to the next heading.

    Attributes:
        start: Where the heading begins in the text.
        end: Where the next heading begins.
        title: The words of the heading, with its number.
        level: How many parts its number has: 2 for "5.1". If no heading of the document has a
            number, the rank that the layout gives it; else 0.
        kind: What it is about, such as ``CRITERIA``; ``OTHER`` if that is unknown.
        is_label: Whether it divides a list, such as "Age" among inclusion criteria.
    """

    start: int
    end: int
    title: str
    level: int
    kind: str
    is_label: bool = False


@dataclass(frozen=True, slots=True)
class ReadPlaces:
    """The places of a document that are read, in order, and what a reader of the result should
    know.

    Attributes:
        places: The places.
        chapters: The chapters in these places, as far as headings are known.
        notes: What was read and what was not, in sentences.
        is_readable: Whether it can be read at all: not a very long document without known headings.
    """

    places: tuple[Place, ...]
    chapters: tuple[Chapter, ...]
    notes: tuple[str, ...]
    is_readable: bool = True


def select_sections(content: DocumentContent) -> ReadPlaces:
    r"""Return what is read of a document.

    Of a long document these are the first page and the chapters that say what the trial is, of a
    short one all. Tables of contents, edges of pages, and chapters whose content the synopsis
    states too are left out. A document without known headings is read as one text, unless it is
    very long.

    >>> text = (
    ...     "Contents\n1 Aims .... 2\n2 Design .... 3\n3 People .... 4\nA trial\n"
    ...     "Inclusion criteria\nAdults\n"
    ... )
    >>> [
    ...     (text[start:end])
    ...     for start, end in select_sections(DocumentContent(text)).places
    ... ]
    ['A trial\nInclusion criteria\nAdults\n']
    """
    text = content.text
    contents, titles = _find_contents(content)
    # An edge of a page and an entry are left out with the break of their line.
    hidden: list[Place] = []
    for start, end in (*content.edges, *contents):
        hidden.append((start, min(end + 1, len(text))))
    chapters = _find_chapters(content, hidden, titles)
    if not _list_wanted(chapters):
        # The headings that layout and contents show are not those that are looked for: numbers and
        # words alone may show them.
        without_layout = replace(content, headings=())
        chapters = _find_chapters(without_layout, hidden, titles=set())
    is_long = len(text) > _LONG or len(content.pages) > _MANY_PAGES
    wanted = _list_wanted(chapters)
    empty = tuple(_tell_empty(content))
    if not wanted:
        notes = empty
        if is_long:
            notes = (*empty, _tell_unknown(content))
        all_text = _subtract((0, len(text)), hidden)
        is_readable = len(text) <= _LONGEST_WHOLE
        return ReadPlaces(all_text, (), notes, is_readable)
    if is_long:
        return _select_of_long(content, chapters, hidden, empty)
    doubles, notes = _find_doubles(content, chapters)
    left_out = [*hidden, *((chapter.start, chapter.end) for chapter in doubles)]
    places = _subtract((0, len(text)), left_out)
    known: list[Chapter] = []
    for chapter in chapters:
        if chapter.start < wanted[0].start:
            continue
        if chapter not in doubles:
            known.append(chapter)
    return ReadPlaces(places, tuple(known), empty + notes)


def _select_of_long(
    content: DocumentContent,
    chapters: Sequence[Chapter],
    hidden: Sequence[Place],
    empty: tuple[str, ...],
) -> ReadPlaces:
    """Return what is read of a long document: its first page and the chapters that say what the
    trial is, without those whose content the synopsis states too.

    Args:
        content: The document.
        chapters: All of its chapters.
        hidden: Edges of pages and tables of contents, which are not read.
        empty: The notes on pages without a text.
    """
    doubles, notes = _find_doubles(content, chapters)
    read: list[Chapter] = []
    left: list[Chapter] = []
    for chapter in chapters:
        if chapter in doubles:
            continue
        if chapter.kind in (SYNOPSIS, DESIGN, *_WANTED):
            read.append(chapter)
        else:
            left.append(chapter)
    front = (0, min(_find_front(content, chapters), _LONGEST_FRONT))
    places: list[Place] = []
    for place in _merge([front, *((chapter.start, chapter.end) for chapter in read)]):
        places += _subtract(place, hidden)
    all_notes = (*empty, _tell_read(content, read, left), *notes)
    return ReadPlaces(tuple(places), tuple(read), all_notes)


def _list_wanted(chapters: Sequence[Chapter]) -> list[Chapter]:
    return [chapter for chapter in chapters if chapter.kind in _WANTED]


def _find_contents(content: DocumentContent) -> tuple[list[Place], set[str]]:
    """Return the places of tables of contents, and the words of their entries as ``_normalise``
    writes them.

    A table is a line with leaders and a page number, or "Contents" with the entries below it, or
    what the layout of the document shows.
    """
    text = content.text
    edges = set(content.edges)
    lines: list[Place] = []
    for line in LINE.finditer(text):
        if not line.group().strip():
            continue
        if line.span() not in edges:
            lines.append(line.span())
    places: list[Place] = [*content.contents]
    entries: list[Place] = [*content.contents]
    number = 0
    while number < len(lines):
        words = text[slice(*lines[number])]
        if _LEADER.search(words):
            places.append(lines[number])
            entries.append(lines[number])
        elif _CONTENTS.fullmatch(words):
            last = _find_last_entry(text, lines, number)
            if last > number:
                places += lines[number : last + 1]
                entries += lines[number + 1 : last + 1]
                number = last
        number += 1
    titles: set[str] = set()
    for start, end in entries:
        entry = _ENTRY.match(text[start:end])
        if entry:
            titles.add(_normalise(entry["words"]))
    return places, titles


def _find_last_entry(text: str, lines: Sequence[Place], start: int) -> int:
    """Return the number of the last entry of the table of contents that the line ``start``
    announces; ``start`` if less than ``_FEWEST_ENTRIES`` follow.

    Up to ``_MOST_BROKEN_ENTRIES`` lines without a page may stand between two entries: the first
    lines of long entries.
    """
    last = start
    count = 0
    for number in range(start + 1, len(lines)):
        line = text[slice(*lines[number])]
        # an entry has a heading, leaders and a page
        is_short = len(line) <= _LONGEST_HEADING + 100
        if is_short and _ENTRY.match(line) and not _PROSE_END.search(line):
            last = number
            count += 1
        elif number - last > _MOST_BROKEN_ENTRIES:
            break
    return last if count >= _FEWEST_ENTRIES else start


def _normalise(words: str) -> str:
    """Return the letters of a heading, behind a sign for its number if it has one.

    >>> _normalise("5.1 Inclusion criteria"), _normalise("Synopsis")
    ('#inclusioncriteria', 'synopsis')
    """
    letters = "".join(sign for sign in words.casefold() if sign.isalpha())
    return f"#{letters}" if _NUMBERED.match(words) else letters


def _find_chapters(
    content: DocumentContent, hidden: Sequence[Place], titles: set[str]
) -> list[Chapter]:
    """Return the headings of a document in order, each up to the next one.

    Args:
        content: The document, with the headings that its layout shows and their ranks.
        hidden: Places in which no heading begins.
        titles: The entries of its table of contents, as ``_normalise`` writes them.
    """
    text = content.text
    ranks = dict(content.headings)
    covered = {start for start, _ in hidden}
    headings: list[_TitleLine] = []
    for line in LINE.finditer(text):
        if line.start() in covered:
            continue
        if line.end() - line.start() > _LONGEST_HEADING:
            continue
        heading = _read_title(line, ranks, titles)
        if heading:
            headings.append(heading)
    # Without any numbers, the size and weight of the letters say which heading is above which.
    if not any(heading.level for heading in headings):
        headings = [
            heading._replace(level=ranks.get(heading.start, 0)) for heading in headings
        ]
    return list(_sort_chapters(headings, len(text)))


class _TitleLine(NamedTuple):
    """A line that is a heading: where it begins, its words, and how many parts its number has."""

    start: int
    words: str
    level: int


def _read_title(
    line: re.Match[str], ranks: Mapping[int, int], titles: set[str]
) -> _TitleLine | None:
    """Return the heading that a line is; None for other lines.

    A line is a heading if the layout shows it, or if the table of contents has its words; without
    both, if it has a number of at least two parts ("5.1 Patients"). A line that ends as prose does,
    or is a row with tabs, is none.

    Args:
        line: The line.
        ranks: The ranks of the headings that the layout shows, by where they begin.
        titles: The entries of the table of contents.
    """
    words = line.group()
    numbered = _NUMBERED.fullmatch(words)
    named = numbered or _PLAIN.fullmatch(words)
    if named is None:
        return None
    if "\t" in words.strip() or _PROSE_END.search(words):
        return None
    title = named["title"].strip()
    is_capital = title[0].isupper()
    level = numbered["number"].count(".") + 1 if numbered else 0
    heading = _TitleLine(line.start(), words.strip(), level)
    if line.start() in ranks:
        return heading
    is_listed = len(title) > 3 and _normalise(words) in titles
    if is_listed and (numbered or is_capital):
        return heading
    # "5 Patients" may begin a sentence
    is_bare = not ranks and not titles
    if is_bare and level > 1 and is_capital:
        return heading
    return None


def _sort_chapters(headings: Sequence[_TitleLine], end: int) -> Iterator[Chapter]:
    """Yield the chapters with their kinds.

    A chapter without a kind of its own has the kind of the chapter above it. Below a barred
    chapter, such as one of statistics, all are ``OTHER``. A heading without a level has its kind by
    ``_find_kind_of_label``.

    Args:
        headings: The headings, in order.
        end: Where the document ends.
    """
    # the chapters that the next one may stand below, by level: the kind and the title of each
    above: dict[int, tuple[str, str]] = {}
    in_synopsis = False
    starts = [*(heading.start for heading in headings), end]
    for (start, words, level), stop in zip(headings, starts[1:], strict=True):
        title = _name_title(words)
        own = _read_kind(title)
        kind_above, title_above = _find_above(above, level)
        is_barred = bool(_BARRED.search(title_above))
        if not level:
            kind = _find_kind_of_label(title, own, above, in_synopsis=in_synopsis)
        elif is_barred:
            kind = OTHER
        else:
            kind = own or kind_above or OTHER
        in_synopsis = kind == SYNOPSIS
        divides_list = not level or LIST_NAME.search(title_above) is not None
        is_label = divides_list and not own and kind in _WANTED
        if level:
            above = {rank: named for rank, named in above.items() if rank < level}
            # Chapters below a barred one or a label see the title above that, too.
            if is_barred or is_label:
                title = f"{title_above} {title}"
            above[level] = (kind, title)
        yield Chapter(start, stop, words, level, kind, is_label)


def _find_kind_of_label(
    title: str, own: str, above: Mapping[int, tuple[str, str]], *, in_synopsis: bool
) -> str:
    """Return the kind of a heading without a level, whose words alone say ``own``.

    A synopsis has labels of its own up to the next chapter; elsewhere, a label is part of the
    numbered section that it stands in.
    """
    if in_synopsis and not _ENDS_SYNOPSIS.search(title):
        return SYNOPSIS
    if above:
        return above[max(above)][0]
    return own or OTHER


def _find_above(above: Mapping[int, tuple[str, str]], level: int) -> tuple[str, str]:
    """Return kind and title of the lowest chapter above a level; empty texts without one."""
    higher = [rank for rank in above if rank < level]
    return above[max(higher)] if higher else ("", "")


def _name_title(words: str) -> str:
    """Return a heading without its number."""
    return re.sub(r"^[\d. ]+", "", words).strip()


def _read_kind(title: str) -> str:
    """Return what a heading is about; "" if its words are unknown. Of several kinds that its words
    name, a synopsis counts first, then a list of criteria, then the order of ``_KINDS``.

    >>> [
    ...     _read_kind(title)
    ...     for title in (
    ...         "Trial Population",
    ...         "Study Intervention(s) Administered",
    ...         "Screen Failures",
    ...     )
    ... ]
    ['eligibility', 'treatment', 'other']
    """
    words = re.sub(r"\([a-z]{1,3}\)", "", title).strip(" .:")
    # "Synopsis" and "Inclusion" count before the words of other chapters beside them.
    if _PATTERNS[SYNOPSIS].search(words):
        return SYNOPSIS
    names_list = re.search(r"(?i)\b(?:in|ex)clusion\b", words)
    if names_list and _PATTERNS[CRITERIA].search(words):
        return CRITERIA
    # ICH M11 names a chapter "Trial Intervention and Concomitant Therapy".
    is_main = re.match(
        r"(?i)(?:trial|study|investigational)\b.{0,40}\band concomitant therap", words
    )
    if is_main:
        return TREATMENT
    for kind, pattern in _PATTERNS.items():
        if pattern.search(words):
            return kind
    return ""


def _find_front(content: DocumentContent, chapters: Sequence[Chapter]) -> int:
    """Return where the first page ends: at the first heading with a known kind that does not begin
    the document, or where the second page begins, whichever is first.
    """
    end = len(content.text)
    for chapter in chapters:
        if chapter.start and _read_kind(_name_title(chapter.title)):
            end = chapter.start
            break
    if len(content.pages) > 1:
        return min(end, content.pages[1])
    return end


def _find_doubles(
    content: DocumentContent, chapters: Sequence[Chapter]
) -> tuple[list[Chapter], tuple[str, ...]]:
    """Return the chapters whose content the synopsis states too, and a note that names them;
    nothing without such a chapter.
    """
    stated = set[str]()
    for chapter in chapters:
        if chapter.kind == SYNOPSIS:
            stated |= _list_stated(content.text[chapter.start : chapter.end])
    doubles = [chapter for chapter in _list_wanted(chapters) if chapter.kind in stated]
    if not doubles:
        return [], ()
    double_kinds = {chapter.kind for chapter in doubles}
    kinds = " and ".join(kind for kind in _WANTED if kind in double_kinds)
    note = f"the synopsis states {kinds}, so these were not read: "
    return doubles, (note + _name(content, doubles),)


def _list_stated(synopsis: str) -> set[str]:
    """Return the kinds of chapters whose content a synopsis states, by the headings in it. Criteria
    are stated only if it speaks of exclusions.
    """
    headings = find_headings(read_section("synopsis", synopsis))
    names = {heading.section for heading in headings}
    stated = set[str]()
    # Many synopses name the key inclusions alone.
    if ELIGIBILITY in names and re.search(r"(?i)\bexclu(?:sion|ded)\b", synopsis):
        stated.add(CRITERIA)
    if names & set(OUTCOMES):
        stated.add(OUTCOME)
    if names & (set(ITEMS) - set(OUTCOMES)):
        stated.add(TREATMENT)
    return stated


def _merge(places: Sequence[Place]) -> list[Place]:
    """Join places that overlap or follow each other."""
    merged: list[Place] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _subtract(place: Place, others: Sequence[Place]) -> tuple[Place, ...]:
    """Return what is left of a place without the others, in order; empty if nothing is."""
    start, stop = place
    left: list[Place] = []
    for first, last in _merge(others):
        if first >= stop or last <= start:
            continue
        if first > start:
            left.append((start, first))
        start = min(stop, last)
    if start < stop:
        left.append((start, stop))
    return tuple(left)


def find_page(content: DocumentContent, at: int) -> int | None:
    """Return the number of the page with a character, from 1; None without pages."""
    return sum(start <= at for start in content.pages) or None


def _name(content: DocumentContent, chapters: Sequence[Chapter]) -> str:
    """Name chapters with their pages, the first ``_MOST_NAMED`` of many and how many more."""
    shown: list[str] = []
    for chapter in chapters[:_MOST_NAMED]:
        page = find_page(content, chapter.start)
        shown.append(f"{chapter.title} (page {page})" if page else chapter.title)
    more = len(chapters) - len(shown)
    if more:
        shown.append(f"and {more} more")
    return "; ".join(shown)


def _tell_read(
    content: DocumentContent, read: Sequence[Chapter], left: Sequence[Chapter]
) -> str:
    """Say which sections were read and which chapters were not."""
    note = (
        f"of {_tell_size(content)}, these sections were read by their headings: "
        f"{_name(content, read)}"
    )
    highest = [chapter for chapter in left if chapter.level <= 1]
    if not highest:
        return note
    return f"{note}. Not read: {_name(content, highest)}"


def _tell_size(content: DocumentContent) -> str:
    """Say how large a document is: in pages, or in characters if its file has no pages."""
    if content.pages:
        return counted(len(content.pages), "page")
    return counted(len(content.text), "character")


def _tell_unknown(content: DocumentContent) -> str:
    return (
        "no heading of eligibility, treatment or outcomes was found among "
        f"{_tell_size(content)}: all was read as one text"
    )


def _tell_empty(content: DocumentContent) -> Iterator[str]:
    """Say which pages have no text."""
    pages = content.empty_pages
    if pages:
        shown = ", ".join(map(str, pages[:_MOST_NAMED]))
        more = ", ..." if len(pages) > _MOST_NAMED else ""
        yield f"page {shown}{more} without a text, blank or scanned: not read"
