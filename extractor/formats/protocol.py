"""The sections of a long document that say what a trial is: its synopsis, eligibility, treatment
and outcomes.

A protocol has 60 to 300 pages, of which these sections are a tenth. They are found by their
headings: those of the template of ICH M11 and the usual ones. What is not read is told.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.formats.documents import DocumentContent
from extractor.formats.headings import ELIGIBILITY, ITEMS, OUTCOMES, find_headings
from extractor.formats.listed import LINE, Place
from extractor.language.passage import read_section

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
_KIND_OF = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _KINDS)
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

    ``level`` counts the parts of its number, or is the rank of its letters if no heading has a
    number; else 0. ``kind`` is what it is about. ``is_label`` means that it divides a list, such as
    "Age" among inclusion criteria.
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

    ``chapters`` are those of the places whose kind is known.
    """

    places: tuple[Place, ...]
    chapters: tuple[Chapter, ...]
    notes: tuple[str, ...]
    is_readable: bool = True


def select_sections(content: DocumentContent) -> ReadPlaces:
    r"""Return what is read of a document.

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
    hidden = [
        (start, min(end + 1, len(text))) for start, end in (*content.edges, *contents)
    ]
    chapters = _find_chapters(content, hidden, titles)
    if not _list_wanted(chapters):
        # The document shows its headings otherwise than by number or words.
        chapters = _find_chapters(
            replace(content, headings=(), ranks=()), hidden, set()
        )
    is_long = len(text) > _LONG or len(content.pages) > _MANY_PAGES
    wanted = _list_wanted(chapters)
    empty = tuple(_tell_empty(content))
    if not wanted:
        unknown = (_tell_unknown(content),) if is_long else ()
        is_readable = len(text) <= _LONGEST_WHOLE
        return ReadPlaces(
            _subtract((0, len(text)), hidden), (), empty + unknown, is_readable
        )
    if is_long:
        return _select_of_long(content, chapters, hidden, empty)
    doubles, notes = _find_doubles(content, chapters)
    places = _subtract(
        (0, len(text)), [*hidden, *((one.start, one.end) for one in doubles)]
    )
    known = [
        one for one in chapters if one.start >= wanted[0].start and one not in doubles
    ]
    return ReadPlaces(places, tuple(known), empty + notes)


def _select_of_long(
    content: DocumentContent,
    chapters: Sequence[Chapter],
    hidden: Sequence[Place],
    empty: tuple[str, ...],
) -> ReadPlaces:
    """Return what is read of a long document: its first page and the chapters that say what the
    trial is.
    """
    doubles, notes = _find_doubles(content, chapters)
    kinds = (SYNOPSIS, DESIGN, *_WANTED)
    read = [one for one in chapters if one.kind in kinds and one not in doubles]
    left = [one for one in chapters if one not in read and one not in doubles]
    front = (0, min(_find_front(content, chapters), _LONGEST_FRONT))
    kept = _merge([front, *((one.start, one.end) for one in read)])
    places = [place for one in kept for place in _subtract(one, hidden)]
    told = (*empty, _tell_read(content, read, left), *notes)
    return ReadPlaces(tuple(places), tuple(read), told)


def _list_wanted(chapters: Sequence[Chapter]) -> list[Chapter]:
    return [one for one in chapters if one.kind in _WANTED]


def _find_contents(content: DocumentContent) -> tuple[list[Place], set[str]]:
    """Return the places of tables of contents, and the words of their entries."""
    text = content.text
    lines = [one.span() for one in LINE.finditer(text) if one.group().strip()]
    edges = set(content.edges)
    lines = [line for line in lines if line not in edges]
    found: list[Place] = [*content.contents]
    entries = [text[start:end] for start, end in content.contents]
    at = 0
    while at < len(lines):
        line = text[slice(*lines[at])]
        if _LEADER.search(line):
            found.append(lines[at])
            entries.append(line)
        elif _CONTENTS.fullmatch(line):
            end = _find_last_entry(text, lines, at)
            if end > at:
                found += lines[at : end + 1]
                entries += [text[slice(*one)] for one in lines[at + 1 : end + 1]]
                at = end
        at += 1
    titles = {
        _normalise(entry["words"]) for one in entries if (entry := _ENTRY.match(one))
    }
    return found, titles


def _find_last_entry(text: str, lines: Sequence[Place], start: int) -> int:
    """Return the number of the last entry of the table of contents that a line announces;
    ``start`` if none follows.
    """
    last = start
    count = 0
    for at in range(start + 1, len(lines)):
        line = text[slice(*lines[at])]
        if (
            _ENTRY.match(line)
            and len(line) <= _LONGEST_HEADING + 100
            and not _PROSE_END.search(line)
        ):
            last = at
            count = count + 1
        elif at - last > _MOST_BROKEN_ENTRIES:
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
    """Return the headings of a document in order, each up to the next one."""
    text = content.text
    shown = dict(zip(content.headings, content.ranks, strict=True))
    covered = {start for start, _ in hidden}
    is_marked = bool(shown) or bool(titles)
    found: list[tuple[int, str, int]] = []
    for line in LINE.finditer(text):
        if line.start() in covered or line.end() - line.start() > _LONGEST_HEADING:
            continue
        words = line.group()
        start = line.start()
        numbered = _NUMBERED.fullmatch(words)
        named = numbered or _PLAIN.fullmatch(words)
        if named is None or "\t" in words.strip() or _PROSE_END.search(words):
            continue
        title = named["title"].strip()
        level = numbered["number"].count(".") + 1 if numbered else 0
        is_listed = len(title) > 3 and _normalise(words) in titles
        stands_out = start in shown or (is_listed and (numbered or title[0].isupper()))
        is_likely = (
            numbered is not None and level > 1 and title[0].isupper() and not is_marked
        )
        if stands_out or is_likely:
            found.append((start, words.strip(), level))
    ends = [*(start for start, _, _ in found), len(text)][1:]
    if not any(level for _, _, level in found):
        found = [(start, words, shown.get(start, 0)) for start, words, _ in found]
    return list(
        _sort_chapters([(*one, end) for one, end in zip(found, ends, strict=True)])
    )


def _sort_chapters(found: Sequence[tuple[int, str, int, int]]) -> Iterator[Chapter]:
    """Yield the chapters with their kinds: one without a kind of its own has that of the chapter
    above it.
    """
    above: dict[int, tuple[str, str]] = {}
    in_synopsis = False
    for start, words, level, end in found:
        title = _name_title(words)
        own = _read_kind(title)
        higher = max((one for one in above if one < level), default=None)
        kind_above, title_above = (
            above[higher] if level and higher is not None else ("", "")
        )
        is_barred = bool(_BARRED.search(title_above))
        kind = OTHER if is_barred else own or kind_above or OTHER
        if in_synopsis and not level and not _ENDS_SYNOPSIS.search(title):
            kind = SYNOPSIS  # one of its labels
        elif not level and above:  # a label within a numbered section
            kind = above[max(above)][0]
        in_synopsis = kind == SYNOPSIS
        is_label = (
            not own
            and kind in _WANTED
            and (not level or LIST_NAME.search(title_above) is not None)
        )
        if level:
            above = {one: known for one, known in above.items() if one < level}
            above[level] = (
                kind,
                f"{title_above} {title}" if is_barred or is_label else title,
            )
        yield Chapter(start, end, words, level, kind, is_label)


def _name_title(words: str) -> str:
    """Return a heading without its number."""
    return re.sub(r"^[\d. ]+", "", words).strip()


def _read_kind(title: str) -> str:
    """Return what a heading is about; empty if its words are unknown.

    >>> [
    ...     _read_kind(one)
    ...     for one in (
    ...         "Trial Population",
    ...         "Study Intervention(s) Administered",
    ...         "Screen Failures",
    ...     )
    ... ]
    ['eligibility', 'treatment', 'other']
    """
    words = re.sub(r"\([a-z]{1,3}\)", "", title).strip(" .:")
    for kind, names in _KIND_OF[1:3]:
        if names.search(words) and (
            kind == SYNOPSIS or re.search(r"(?i)\b(?:in|ex)clusion\b", words)
        ):
            return kind
    is_main = re.match(
        r"(?i)(?:trial|study|investigational)\b.{0,40}\band concomitant therap", words
    )
    if is_main:
        return TREATMENT
    return next((kind for kind, names in _KIND_OF if names.search(words)), "")


def _find_front(content: DocumentContent, chapters: Sequence[Chapter]) -> int:
    """Return where the first page ends."""
    first = next(
        (
            one.start
            for one in chapters
            if one.start and _read_kind(_name_title(one.title))
        ),
        len(content.text),
    )
    return min(first, content.pages[1]) if len(content.pages) > 1 else first


def _find_doubles(
    content: DocumentContent, chapters: Sequence[Chapter]
) -> tuple[list[Chapter], tuple[str, ...]]:
    """Return the chapters whose content the synopsis states too, and a note that names them."""
    stated = set[str]()
    for one in chapters:
        if one.kind == SYNOPSIS:
            stated |= _list_stated(content.text[one.start : one.end])
    doubles = [one for one in _list_wanted(chapters) if one.kind in stated]
    if not doubles:
        return [], ()
    kinds = [kind for kind in _WANTED if any(one.kind == kind for one in doubles)]
    told = f"the synopsis states {' and '.join(kinds)}, so these were not read: "
    return doubles, (told + _name(content, doubles),)


def _list_stated(synopsis: str) -> set[str]:
    """Return the kinds of chapters whose content a synopsis states."""
    names = {
        heading.section for heading in find_headings(read_section("synopsis", synopsis))
    }
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
    """Return what is left of a place without the others."""
    start, stop = place
    inside = [
        (max(start, first), min(stop, last))
        for first, last in _merge(others)
        if first < stop and last > start
    ]
    bounds = [(start, start), *inside, (stop, stop)]
    return tuple(
        (left[1], right[0]) for left, right in pairwise(bounds) if left[1] < right[0]
    )


def find_page(content: DocumentContent, at: int) -> int | None:
    """Return the number of the page with a character, from 1; None without pages."""
    return sum(start <= at for start in content.pages) or None


def _name(content: DocumentContent, chapters: Sequence[Chapter]) -> str:
    """Name chapters with their pages, the first ones of many."""
    shown = [f"{one.title}{_name_page(content, one)}" for one in chapters[:_MOST_NAMED]]
    more = len(chapters) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _name_page(content: DocumentContent, chapter: Chapter) -> str:
    page = find_page(content, chapter.start)
    return f" (page {page})" if page else ""


def _tell_read(
    content: DocumentContent, read: Sequence[Chapter], left: Sequence[Chapter]
) -> str:
    """Say which sections were read and which chapters were not."""
    pages = (
        f"{len(content.pages)} pages"
        if content.pages
        else f"{len(content.text):,} characters"
    )
    highest = [one for one in left if one.level <= 1]
    told = f"of {pages}, these sections were read by their headings: {_name(content, read)}"
    return f"{told}. Not read: {_name(content, highest)}" if highest else told


def _tell_unknown(content: DocumentContent) -> str:
    pages = (
        f"{len(content.pages)} pages"
        if content.pages
        else f"{len(content.text):,} characters"
    )
    return (
        f"no heading of eligibility, treatment or outcomes was found among {pages}: all was read "
        "as one text"
    )


def _tell_empty(content: DocumentContent) -> Iterator[str]:
    """Say which pages have no text."""
    pages = content.empty_pages
    if pages:
        shown = ", ".join(map(str, pages[:_MOST_NAMED]))
        more = ", ..." if len(pages) > _MOST_NAMED else ""
        yield f"page {shown}{more} without a text, blank or scanned: not read"
