"""The data of a record for every page: its text, its values in words, and the marks in the text."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from pydantic import BaseModel

from extractor.apps.pages import name_label
from extractor.apps.pages.texts import GivenText, QuotedText, ShownText, show_texts
from extractor.apps.pages.words import say_value
from extractor.apps.values import doubt_item, weigh_evidence
from extractor.face import group_pairs, show_line
from extractor.schemas import (
    Eligibility,
    Evidence,
    ExtractedItem,
    FieldRef,
    Finding,
    Section,
    TrialRecord,
)
from extractor.schemas.base import JsonObject
from extractor.schemas.paths import read_path
from extractor.schemas.values import Value, list_item_values

__all__ = [
    "GIVEN",
    "JsonObject",
    "ShownText",
    "is_free_text",
    "list_arm_labels",
    "name_item",
    "name_record",
    "name_shown_section",
    "show_findings",
    "show_texts",
    "view",
]


GIVEN = "given"
"""Name of the section that contains a whole text as it was provided."""
_ORIGINS = {"rule": "by rules", "model": "by a model", "both": "by rules and a model"}
_ITEM_WORDS = ("quote", "time_frame", "measure")
"""Fields that contain the words of an item, including its numbers as written."""


NameLimits = Callable[[Iterable[tuple[object, Iterable[Evidence]]]], str]


class TextPlace(Protocol):
    """A range in the raw text of a section, such as evidence, a citation or a span."""

    @property
    def section(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def view(
    record: TrialRecord | None,
    items: Iterable[tuple[str, ExtractedItem]] = (),
    marks: Iterable[TextPlace] = (),
    *,
    sections: Collection[str] | None = None,
    as_given: bool = False,
    name_limits: NameLimits | None = None,
) -> JsonObject:
    """Return the data of a record's page.

    - ``sections``: the texts, each with its ``name``, its ``title`` and, if it differs, the
      ``raw`` text. If there is no record, the texts consist of the quotes.
    - ``spans``: the marked places: number of the section, start and end in UTF-16 code units,
      start and end in the raw text, and the name of the section to which these offsets belong.
    - ``items``: each with its path, its name, the paths of its ``groups`` (the outermost first),
      and its values in words, which refer to spans by number.
    - ``marks``: for each of ``marks``, the number of its span, or None if it is not in the text.

    Args:
        record: The record; None if its text is not known.
        items: Items with their paths.
        marks: More places to mark, such as the citations of findings, each with a quote if there is
            no record.
        sections: The names of the sections to show; by default, all sections are shown.
        as_given: Whether to show a record that was given as free text or as a document exactly as
            it was given, character by character, instead of showing its sections. The section
            ``given`` then has ``parts``: the start and title of each section within it.
        name_limits: Returns the canonical names to show after limits, given with their evidence.
    """
    items = list(items)
    marks = list(marks)
    if record is None:
        evidence = [place for _, item in items for place in item.evidence]
        page = _MarkedTexts(_join_quotes([*evidence, *marks]))
    else:
        texts = show_texts(record)
        if sections is not None:
            texts = {name: texts[name] for name in texts if name in sections}
        page = _MarkedTexts(texts)
        if as_given:
            page.show_as_given(record)
    page.name_limits = name_limits
    groups = _list_groups(items)
    return {
        "items": [_show_item(path, item, groups, page) for path, item in items],
        "marks": [page.mark_first(place) for place in marks],
        "sections": page.show_sections(),
        "spans": list(page.spans),
    }


def _join_quotes(places: Iterable[TextPlace]) -> dict[str, ShownText]:
    """Return the quoted parts of each section."""
    quotes = group_pairs(
        (place.section, (place.start, getattr(place, "quote", ""))) for place in places
    )
    return {section: QuotedText(pieces) for section, pieces in quotes.items()}


class _Group(NamedTuple):
    """A group of criteria, and the id of its parent group."""

    value: Value
    parent: str


class _MarkedTexts:
    """The texts of a page, and the places marked in them, numbered in order of first use.

    If the record is ``given``, its whole text is shown as it was provided, and the sections
    ``inside`` it are shown as parts of this text.
    """

    def __init__(self, texts: dict[str, ShownText]) -> None:
        self.texts = texts
        self.inside: dict[str, Section] = {}
        self.spans: dict[tuple[int | str, ...], int] = {}
        self.name_limits: NameLimits | None = None

    def show_as_given(self, record: TrialRecord) -> None:
        """Show the whole text of a record, if it was given as one."""
        text = record.given
        if record.document:
            text = record.document.text
        if text is None:
            return
        for section in record.sections:
            if section.pieces:
                self.inside[section.name] = section
                del self.texts[section.name]
        self.texts[GIVEN] = GivenText(text)

    def mark_first(self, place: TextPlace) -> int | None:
        """Return the number of the first span for a place, or None if it is not in the text."""
        numbers = self.mark(place)
        if numbers:
            return numbers[0]
        return None

    def mark(self, place: TextPlace) -> list[int]:
        """Return the numbers of the spans for a place: several numbers if the provided text has
        other words between the characters of the place, and an empty list if the place is not in
        the text.
        """
        name = place.section
        ranges = [(place.start, place.end)]
        if name in self.inside:
            ranges = self.inside[name].list_places(place.start, place.end)
            name = GIVEN
        if name not in self.texts:
            return []
        text = self.texts[name]
        section = list(self.texts).index(name)
        numbers: list[int] = []
        for raw_start, raw_end in ranges:
            start = text.place(raw_start)
            end = text.place(raw_end)
            # invisible characters, such as the backslash of "\>"
            if start >= end:
                continue
            span = (section, start, end, place.start, place.end, place.section)
            numbers.append(self.spans.setdefault(span, len(self.spans)))
        return numbers

    def show_sections(self) -> list[JsonObject]:
        """Return the data of all sections for the page."""
        shown = []
        for name, text in self.texts.items():
            section: JsonObject = {
                "name": name,
                "title": name_shown_section(name),
                "text": text.text,
            }
            if name == GIVEN:
                section["title"] = "Original text"
                section["parts"] = self._list_parts(text)
            elif text.raw != text.text:
                section["raw"] = text.raw
            shown.append(section)
        return shown

    def _list_parts(self, given: ShownText) -> list[tuple[int, str]]:
        """Return a (start, title) pair for each section in the provided text, in text order."""
        parts = []
        for name, section in self.inside.items():
            start = min(piece.at for piece in section.pieces)
            parts.append((given.place(start), name_shown_section(name)))
        return sorted(parts)


def _list_groups(items: Iterable[tuple[str, ExtractedItem]]) -> dict[str, _Group]:
    """Return the groups of criteria, keyed by id. Groups from a review may be arbitrary JSON."""
    groups = {}
    for value in list_item_values(
        "eligibility", dict(items).get("eligibility", Eligibility())
    ):
        if value.name != "groups":
            continue
        if not isinstance(value.value, BaseModel | dict):
            continue
        parts = dict(value.value)
        groups[str(parts.get("id"))] = _Group(value, str(parts.get("parent")))
    return groups


def _list_chain(item: ExtractedItem, groups: Mapping[str, _Group]) -> list[Value]:
    """Return the groups that contain a criterion, starting with the outermost group. In a review, a
    criterion may refer to a group that does not exist, or that contains itself.
    """
    chain: list[Value] = []
    name = str(getattr(item, "group", None) or "")
    while name in groups and groups[name].value not in chain:
        chain.insert(0, groups[name].value)
        name = groups[name].parent
    return chain


def _show_item(
    path: str, item: ExtractedItem, groups: Mapping[str, _Group], page: _MarkedTexts
) -> JsonObject:
    """Return the data of an item and its values for the page."""
    chain = _list_chain(item, groups)
    values = []
    for value in list_item_values(path, item):
        shown_value = value
        # an id such as "g1" is meaningless to a reader, so the group itself is shown
        if chain and value.path == f"{path}.group":
            group = chain[-1]
            shown_value = value._replace(value=group.value, evidence=group.evidence)
        values.append(_show_value(path, item, shown_value, page))
    return {
        "path": path,
        "name": name_item(path, item),
        "of": getattr(item, "of", None),
        "origin": _ORIGINS.get(str(item.origin)),
        "confidence": item.confidence,
        "doubt": doubt_item(item),
        "groups": [group.path for group in chain],
        "values": values,
    }


def _show_value(
    path: str, item: ExtractedItem, value: Value, page: _MarkedTexts
) -> JsonObject:
    """Return the data of a value for the page: its label, its words, and the spans of its evidence.
    Numbers are written as in the evidence or as in the words of the item.
    """
    label = name_path(value.name)
    # the only value of custom.assay is labelled "assay"
    if value.name == "value":
        label = name_item(path, item)
    quotes = [evidence.quote for evidence in value.evidence]
    for name in _ITEM_WORDS:
        words = getattr(item, name, None)
        if isinstance(words, str):
            quotes.append(words)
    spans: list[int] = []
    for evidence in value.evidence:
        spans += page.mark(evidence)
    support = None
    if value.evidence:
        support = value.evidence[0].support
    said = say_value(value.value, quotes)
    if value.name == "constraints" and page.name_limits:
        said += page.name_limits([(value.value, value.evidence)])
    return {
        "path": value.path,
        "name": value.name,
        "label": label,
        "said": said,
        "support": support,
        **weigh_evidence(value.evidence),
        "spans": spans,
    }


def name_path(path: str) -> str:
    """Return the label of a field, or of a value in a nested object.

    >>> name_path("time_window"), name_path("methods[1].free_for")
    ('time window', 'methods 2 free for')
    """
    words = []
    for step in read_path(path):
        if isinstance(step, int):
            words.append(str(step + 1))
        else:
            words.append(name_label(step))
    return " ".join(words)


def show_findings(
    findings: Iterable[Finding], marks: Iterator[int | None]
) -> list[JsonObject]:
    """Return findings for display. Each quote has its section and span. ``marks`` contains the span
    numbers of all citations of the findings, in order.
    """
    listed = []
    for finding in findings:
        shown = finding.model_dump(mode="json", exclude={"citations"})
        shown["quotes"] = [
            [citation.section, say_value(citation.quote), next(marks)]
            for citation in finding.citations
        ]
        listed.append(shown)
    return listed


def is_free_text(record: TrialRecord | None) -> bool:
    """Return whether a record was given as free text or as a document, in which case its labels
    and indentation are part of the text. The lines of a flattened record, by contrast, are fields.
    """
    if record is None:
        return False
    return record.source.format == "text" or record.document is not None


def name_item(path: str, item: object) -> str:
    """Return the name of an item for display, with its number, starting from 1. The number of an
    endpoint is its index in the registry. The name of a custom value is the label of its field.

    >>> from extractor.schemas import Criterion, CustomItem
    >>> item = Criterion(kind="exclusion", section="eligibility", quote="Fever")
    >>> name_item("eligibility.criteria[2]", item)
    'exclusion criterion 3'
    >>> name_item("dosing[+7]", item), name_item("custom.site_count[1]", item)
    ('added regimen', 'site count')
    """
    ref = FieldRef(path)
    if ref.names[0] == "custom":
        return name_label(ref.names[-1])
    if ref == "eligibility":
        return "who can take part"
    if ref.names[0] == "endpoints":
        number = getattr(item, "index", None)
        # a reviewer may have typed anything
        shown = "?"
        if isinstance(number, int):
            shown = str(number + 1)
        return f"{getattr(item, 'rank', None) or ''} endpoint {shown}".strip()
    kind = "regimen"
    if ref.names[0] == "eligibility":
        kind = f"{getattr(item, 'kind', None) or ''} criterion".strip()
    # an item added by a reviewer has a path such as "dosing[+7]"
    if ref.position is None:
        return f"added {kind}"
    return f"{kind} {ref.position + 1}"


def name_record(record: TrialRecord) -> str:
    """Return the title of a record on one line, or else its official title, or else an empty
    string.
    """
    title = record.raw_text("title") or record.raw_text("official_title")
    return show_line(title or "")


def list_arm_labels(record: TrialRecord) -> list[str]:
    """Return the labels of the arms as written in the record, without duplicates."""
    labels = [
        (section.part("label") or "").strip()
        for section in record.sections
        if section.name.startswith("arms[")
    ]
    return list(dict.fromkeys(filter(None, labels)))


def name_shown_section(name: str) -> str:
    """Return the name of a section for display. If several sections have this name, the displayed
    name includes a number, starting from 1.

    >>> name_shown_section("primary_outcomes[0]"), name_shown_section("registry.sex")
    ('Primary outcome 1', 'Registry: sex')
    """
    ref = FieldRef(name)
    words = ref.path
    if ref.position is not None:
        words = f"{ref.path.removesuffix('s')} {ref.position + 1}"
    words = name_label(words).replace("registry.", "registry: ")
    return words[:1].upper() + words[1:]
