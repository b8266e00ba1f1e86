"""Records in XML: the legacy XML of ClinicalTrials.gov, the XML of ISRCTN, and the WHO's export from the ICTRP.

A document is one record, or wraps many. Entities and external references, which no record needs, are refused
(defusedxml), as are text and elements in places where they would not be read.
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError  # types only; defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from .drafts import Draft, Found, Unreadable, build_draft
from .ictrp import build_ictrp
from .streams import MAX_NESTING, CappedStream, peek_block
from .study import StudyPaths, list_paths, read_study

_UTF16 = re.compile(rb"\s*<\?xml[^>]{0,80}utf-?16", re.IGNORECASE)
_CORRECT = "correct it or download the record again"


def read_xml(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one document, in order."""
    capped, number = CappedStream(stream), 0
    # The declaration still says UTF-16 after the stream was converted to UTF-8.
    parser = DefusedXMLParser(encoding="utf-8") if _UTF16.match(peek_block(stream)) else None
    try:
        for record in _iterate_records(capped, parser):
            number += 1
            yield build_draft(_BUILDERS[record.tag], record, f"record {number}")
            capped.start_record()
    except ParseError as problem:
        line, column = problem.position
        reason = str(problem).partition(":")[0]
        raise Unreadable(
            f"broken XML ({reason})", "check or download the file again", place=f"line {line}, column {column}"
        ) from problem
    except (DefusedXmlException, LookupError, ValueError) as problem:
        reason = type(problem).__name__ if isinstance(problem, DefusedXmlException) else str(problem)
        raise Unreadable(
            f"XML that declares entities, refers to other files or has an unknown encoding ({reason})",
            "remove the declaration",
        ) from problem


def _iterate_records(stream: CappedStream, parser: DefusedXMLParser | None) -> Iterator[Element]:
    """Yield each record without namespaces when it is complete, and drop everything before it from the tree."""
    open_elements: list[Element] = []
    inside = 0
    for event, element in iterparse(stream, events=("start", "end"), parser=parser):
        is_record = _drop_namespace(element.tag) in _BUILDERS
        if event == "start":
            open_elements.append(element)
            inside += is_record
            if len(open_elements) > MAX_NESTING:
                raise Unreadable(f"XML nested more than {MAX_NESTING} deep", _CORRECT)
            continue
        open_elements.pop()
        inside -= is_record
        if is_record:
            for each in element.iter():
                each.tag = _drop_namespace(each.tag)
            yield element
        if not inside and open_elements:
            open_elements[-1].remove(element)


def _drop_namespace(tag: str) -> str:
    return tag.rpartition("}")[2]


def _read_texts(element: Element, path: str) -> list[str]:
    path, _, attribute = path.partition("/@")
    found = element.findall(path)
    return [one.get(attribute, "") if attribute else "".join(one.itertext()) for one in found]


def _make_builder(paths: StudyPaths) -> Callable[[Element], Draft]:
    """Return the function that checks a record's element and builds its draft."""
    read = {paths.trial_id, paths.phases, *paths.texts.values(), *paths.registry.values()}
    read |= {*paths.criteria, *paths.lists.values()}
    read |= {
        f"{parts['path']}/{tag}" for parts in paths.items.values() for part, tag in parts.items() if part != "path"
    }
    if paths.labels:
        read.add(f"{paths.items['interventions']['path']}/{paths.labels}")
    elements = {path for path in read if "@" not in path}
    inside = {"/".join(path.split("/")[:depth]) for path in elements for depth in range(1, path.count("/") + 1)}
    tags = {tag for path in read for tag in path.split("/")}

    def check(element: Element, path: str, place: str) -> None:
        """Refuse content that would be lost: text or a known element in a wrong place, or elements inside a text."""
        if path and path not in inside:
            if len(element):
                raise Unreadable("elements where text is expected", _CORRECT, place=place)
            return
        texts = (element.text, *(child.tail for child in element))
        if any(text and not text.isspace() for text in texts):
            raise Unreadable("text where elements are expected", _CORRECT, place=place)
        for child in element:
            below = f"{path}/{child.tag}".lstrip("/")
            if below in elements or below in inside:
                check(child, below, f"{place}/{child.tag}")
            elif child.tag in tags:
                raise Unreadable(f"a {child.tag} that does not belong here", _CORRECT, place=place)

    def build(record: Element) -> Draft:
        check(record, "", record.tag)
        return read_study(record, paths, Element.findall, _read_texts)

    return build


def _build_ictrp(record: Element) -> Draft:
    for child in record:
        if len(child):
            raise Unreadable("elements where text is expected", _CORRECT, place=f"{record.tag}/{child.tag}")
    return build_ictrp({child.tag: child.text or "" for child in record}, "ictrp_xml")


_BUILDERS = {
    "clinical_study": _make_builder(list_paths("ctgov_xml")),
    "fullTrial": _make_builder(list_paths("isrctn_xml")),
    "Trial": _build_ictrp,
}
"""The elements that hold a record, each with the function that builds its draft."""
