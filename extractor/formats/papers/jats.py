"""Read an article in JATS XML, the format of PubMed Central and of many publishers."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from extractor.formats.found import RecordContent
from extractor.formats.papers.inline import name_of, read_inline
from extractor.formats.papers.paper import (
    Paper,
    PaperPassage,
    build_paper,
    list_passages,
)

ELEMENT = "article"

_METHODS = re.compile(
    r"\b(?:methods?|methodology|materials|protocol|(?:study|trial) population|patients|participants"
    r"|subjects|eligib\w+|(?:in|ex)clusion|interventions?|treatments?|outcomes? measures?"
    r"|end ?points?|experimental (?:section|procedures?)|design)\b",
    re.IGNORECASE,
)
"""Headings of the chapters that describe a trial."""
_METHOD_TYPES = re.compile(r"methods|materials|subjects", re.IGNORECASE)
_OTHER = re.compile(
    r"\b(?:introduction|background|rationale|results?|findings|discussion|conclusions?|comments?"
    r"|limitations?|strengths|acknowledge?ments?|references|abbreviations|funding|competing"
    r"|conflicts?|contributions?|ethic\w*|consent|availability|supplement\w*|supporting information"
    r"|appendix|disclosures?|publication history)\b",
    re.IGNORECASE,
)
"""Headings of chapters that describe no plan."""
_LATER = re.compile(r"^\W*+(?:\d++\W*+)?results\b", re.IGNORECASE)
"""A heading such as "Results: participants", which describes no plan."""
_BLOCKS = frozenset(
    {"list", "def-list", "table-wrap", "boxed-text", "disp-quote", "p", "sec"}
)
_TITLE_LEVEL = 2
_DEEPEST_INDENT = 12
_MOST_NAMED = 12
_FIRST_CELLS = frozenset({"th", "td"})
_NUMBER = re.compile(r"NCT\d{8}", re.ASCII | re.IGNORECASE)
_BLANK_LINE = "\n\n"


class _Chapter(NamedTuple):
    """A chapter of the body on the highest level, and whether it is read."""

    title: str
    element: Element
    is_read: bool


def build_jats(article: Element) -> RecordContent:
    """Return the content of an ``article``. Raises ``UnreadableSource`` if it is too long."""
    meta = _find(article, "front", "article-meta")
    body = _find(article, "body")
    chapters = _list_chapters(body)
    title = _read_title(meta)
    abstract = list(_list_abstract(meta))
    notes: list[str] = []
    left_out = [chapter.title for chapter in chapters if not chapter.is_read]
    if left_out:
        read = [chapter.title for chapter in chapters if chapter.is_read]
        notes.append(
            f"of the paper's chapters, only these were read: {_name(read)}. Not read: "
            f"{_name(left_out)}"
        )
    passages: list[PaperPassage] = []
    for chapter in chapters:
        if chapter.is_read:
            passages += _list_passages(chapter.element, _TITLE_LEVEL)
    paper = Paper(
        title=title,
        abstract=abstract,
        body=passages,
        ids=_read_ids(meta),
        listed_numbers=list(_list_numbers(meta)),
        number_text=f"{title}{_BLANK_LINE}{_read_number_text(article, abstract)}",
        notes=notes,
    )
    return build_paper(paper, "jats_xml")


def _find(element: Element | None, *names: str) -> Element | None:
    """Return the element at a path of names, whatever its namespace, or None."""
    for name in names:
        if element is None:
            return None
        element = next((child for child in element if name_of(child) == name), None)
    return element


def _find_all(element: Element | None, name: str) -> Iterator[Element]:
    """Yield the descendants with a name, whatever their namespace."""
    if element is None:
        return
    for child in element.iter():
        if isinstance(child.tag, str) and name_of(child) == name:
            yield child


def _list_outermost(element: Element | None, name: str) -> Iterator[Element]:
    """Yield the descendants with a name that are not in another one of this name."""
    if element is None:
        return
    for child in element:
        if not isinstance(child.tag, str):
            continue
        if name_of(child) == name:
            yield child
        else:
            yield from _list_outermost(child, name)


def _name(titles: Iterable[str]) -> str:
    named = [title for title in titles if title]
    return ", ".join(named[:_MOST_NAMED]) or "the text without headings"


def _read_title(meta: Element | None) -> str:
    group = _find(meta, "title-group")
    titles = [read_inline(_find(group, name)) for name in ("article-title", "subtitle")]
    return ": ".join(filter(None, titles))


def _read_ids(meta: Element | None) -> dict[str, str]:
    ids: dict[str, str] = {}
    if meta is None:
        return ids
    for entry in meta:
        if name_of(entry) != "article-id":
            continue
        kind = entry.get("pub-id-type", "")
        written = read_inline(entry)
        if kind in ("pmc", "pmcid"):
            number = written.upper().removeprefix("PMC")
            ids["pmcid"] = ""
            # older files have only digits; a version may follow
            if number:
                ids["pmcid"] = f"PMC{number.partition('.')[0]}"
        elif kind in ("pmid", "doi"):
            ids.setdefault(kind, written)
    return ids


def _list_numbers(meta: Element | None) -> Iterator[str]:
    """Yield the registry numbers in elements that name the registration of the paper's trial."""
    for name in ("related-object", "custom-meta"):
        for entry in _find_all(meta, name):
            written = " ".join([*entry.attrib.values(), read_inline(entry)])
            yield from (number.upper() for number in _NUMBER.findall(written))


def _read_number_text(article: Element, abstract: Iterable[PaperPassage]) -> str:
    """Return the text in which to look for the trial's number: the abstract or, if it states none,
    the whole article without its references.
    """
    summary = _BLANK_LINE.join(part.text for part in abstract)
    if _NUMBER.search(summary):
        return summary
    paragraphs: list[str] = []
    for name in ("front", "body", "back"):
        part = _find(article, name)
        paragraphs += map(read_inline, _list_outermost(part, "p"))
    return _BLANK_LINE.join(paragraphs)


def _list_abstract(meta: Element | None) -> Iterator[PaperPassage]:
    """Yield the parts of the abstract. Summaries for other readers are used only if there is no
    other abstract.
    """
    if meta is None:
        return
    abstracts = [child for child in meta if name_of(child) == "abstract"]
    if not abstracts:
        return
    chosen = abstracts[0]
    for abstract in abstracts:
        if not abstract.get("abstract-type"):
            chosen = abstract
            break
    passages = list(_list_passages(chosen, _TITLE_LEVEL - 1, in_abstract=True))
    # its labels, if any, stand in its text
    if len(passages) == 1 and not passages[0].label:
        passages = list_passages(passages[0].text)
    yield from passages


def _list_chapters(body: Element | None) -> list[_Chapter]:
    """Return the chapters of a body, with those to be read marked: the chapters about methods or,
    if there are none, all except those that describe something else than a plan.
    """
    if body is None:
        return []
    sections = [child for child in body if name_of(child) == "sec"]
    if not sections:
        return [_Chapter("", body, is_read=True)]
    has_methods = False
    chapters: list[_Chapter] = []
    for section in sections:
        title = read_inline(_find(section, "title"))
        is_methods = _is_methods(section, title)
        chapters.append(_Chapter(title, section, is_methods))
        has_methods = has_methods or is_methods
    if has_methods:
        return chapters
    return [
        chapter._replace(is_read=_OTHER.search(chapter.title) is None)
        for chapter in chapters
    ]


def _is_methods(section: Element, title: str) -> bool:
    if _METHOD_TYPES.search(section.get("sec-type") or ""):
        return True
    if _LATER.search(title):
        return False
    if _METHODS.search(title) is None:
        return False
    return not _OTHER.search(title)


def _list_passages(
    element: Element, level: int, *, in_abstract: bool = False
) -> Iterator[PaperPassage]:
    """Yield a chapter, then its subchapters, which are one level lower."""
    label = "" if name_of(element) == "body" else read_inline(_find(element, "title"))
    # an abstract may have a title of its own, "Abstract"
    if in_abstract and name_of(element) == "abstract":
        label = ""
    blocks: list[str] = []
    subchapters: list[Element] = []
    for child in element:
        if name_of(child) == "sec":
            subchapters.append(child)
        else:
            blocks += _list_blocks(child, "")
    if label or blocks:
        yield PaperPassage(label, _BLANK_LINE.join(blocks), level)
    for child in subchapters:
        yield from _list_passages(child, level + 1, in_abstract=in_abstract)


def _list_blocks(element: Element, indent: str) -> Iterator[str]:
    """Yield the paragraphs, lists and tables of an element as text."""
    name = name_of(element)
    if name in ("title", "label"):
        return
    if name in ("list", "def-list"):
        yield "\n".join(_list_items(element, indent))
    elif name == "table-wrap":
        yield from _write_table(element)
    elif name in ("boxed-text", "disp-quote", "sec"):
        heading = read_inline(_find(element, "title"))
        if heading:
            yield heading
        for child in element:
            yield from _list_blocks(child, indent)
    elif name == "p":
        words = read_inline(element, skips=_is_block)
        if words:
            yield words
        for child in element:
            if _is_block(child):
                yield from _list_blocks(child, indent)


def _is_block(element: Element) -> bool:
    return name_of(element) in _BLOCKS


def _list_items(listed: Element, indent: str) -> Iterator[str]:
    """Yield the items of a list as lines with their marks, and those of lists in them, indented."""
    for number, item in enumerate(_find_items(listed), 1):
        label = read_inline(_find(item, "label"))
        mark = label or (f"{number}." if listed.get("list-type") == "order" else "-")
        first = True
        for child in item:
            name = name_of(child)
            if name in ("label", "title"):
                continue
            if name in ("list", "def-list"):
                yield from _list_items(child, f"{indent}  "[:_DEEPEST_INDENT])
                continue
            words = read_inline(child, skips=_is_block)
            if words:
                yield f"{indent}{mark if first else ' '} {words}"
                first = False
            for inner in child:
                if name_of(inner) in ("list", "def-list"):
                    yield from _list_items(inner, f"{indent}  "[:_DEEPEST_INDENT])


def _find_items(listed: Element) -> list[Element]:
    return [child for child in listed if name_of(child) in ("list-item", "def-item")]


def _write_table(wrap: Element) -> Iterator[str]:
    """Yield a table as lines: its caption, which introduces it, then its rows, whose cells are
    separated by bars.
    """
    caption = read_inline(_find(wrap, "caption")).rstrip(".:")
    rows: list[str] = []
    if caption:
        rows.append(f"{caption}:")
    for row in _list_outermost(wrap, "tr"):
        cells = [read_inline(cell) for cell in row if name_of(cell) in _FIRST_CELLS]
        if any(cells):
            rows.append(f"| {' | '.join(cells)} |")
    if rows:
        yield "\n".join(rows)
