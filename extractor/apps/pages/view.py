"""The data of a record on every page: its text as readers see it, its values in words, and the
marks of both.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

from extractor.apps.pages import name_label, to_utf16
from extractor.apps.pages.words import say
from extractor.language.line_ends import unify_line_ends
from extractor.language.shown import show_line, show_text
from extractor.schemas import (
    Endpoint,
    ExtractedItem,
    FieldRef,
    Finding,
    RegistryFields,
    Section,
    TrialRecord,
)
from extractor.schemas.values import Value, list_values

Json = dict[str, Any]
GIVEN = "given"
"""Name of the section that is a whole text, as it was given."""
_GIVEN_TITLE = "Text as it was given"
_GAP = " … "
_ORIGINS = {"rule": "by rules", "model": "by a model", "both": "by rules and a model"}


class TextPlace(Protocol):
    """Characters of a section's raw text, such as evidence, a citation or a span."""

    @property
    def section(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class ShownText:
    r"""A text as readers see it: without the escapes, damage and wrapping of the registry's file.

    Pages count its characters as JavaScript does, in UTF-16 units. ``place`` maps a raw offset to
    them, ``read`` back.

    >>> shown = ShownText("\N{GRINNING FACE} \\> 95 %")
    >>> shown.text, shown.place(5), shown.read(3, 7)
    ('😀 > 95 %', 5, (2, 7))
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._clean = show_text(raw)
        self.text = self._clean.text
        self._units = to_utf16(self.text)

    def place(self, offset: int) -> int:
        """Return the place of a raw offset."""
        return self._units(self._clean.clean_position(offset))

    def read(self, start: int, end: int) -> tuple[int, int]:
        """Return the raw offsets of characters of the page, which are in UTF-16 units; at most the
        text's end. Half of a pair of units counts as none.
        """
        units = self.text.encode("utf-16-le", "surrogatepass")
        before_start = units[: 2 * start].decode("utf-16-le", "ignore")
        before_end = units[: 2 * end].decode("utf-16-le", "ignore")
        return self._clean.raw_span(len(before_start), len(before_end))


class _GivenText(ShownText):
    r"""A text as it was given, character by character. Only its line ends are all shown as such.

    >>> _GivenText("  CD19 \\> 95 %\r").text
    '  CD19 \\> 95 %\n'
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.text = unify_line_ends(raw)
        self._units = to_utf16(self.text)

    def place(self, offset: int) -> int:
        """Return the place of an offset into the text."""
        return self._units(offset)


class _Quotes(ShownText):
    """The quotes from a section whose text is not known, in text order, with dots where text is
    left out.
    """

    def __init__(self, quotes: Iterable[tuple[int, str]]) -> None:
        """Join quotes, each with its start in the raw text. Quotes that overlap or touch become one
        piece.
        """
        text = ""
        # the start of each piece in the raw text, and in the joined text
        self._pieces = list[tuple[int, int]]()
        end = -1
        in_order = sorted(quotes, key=lambda pair: (pair[0], -len(pair[1])))
        for start, quote in in_order:
            is_apart = start > end
            if is_apart and self._pieces:
                text += _GAP
            if is_apart:
                self._pieces.append((start, len(text)))
                end = start
            # the characters that no quote before has
            text += quote[end - start :]
            end = max(end, start + len(quote))
        super().__init__(text)

    def place(self, offset: int) -> int:
        """Return the place of a raw offset that a quote holds."""
        number = bisect_right(self._pieces, offset, key=itemgetter(0)) - 1
        raw_start, joined_start = self._pieces[number]
        return super().place(joined_start + offset - raw_start)


def is_free_text(record: TrialRecord | None) -> bool:
    """Return whether a record is a free text or a document, whose labels and indents belong to it.
    The lines of a flattened record are fields, as those of other formats are.
    """
    if record is None:
        return False
    return record.source.format == "text" or record.document is not None


def show_texts(record: TrialRecord) -> dict[str, ShownText]:
    """Return all sections of a record, and the structured registry fields that have a value."""
    texts = {section.name: section.text for section in record.sections}
    for name in RegistryFields.model_fields:
        text = record.registry.text(name)
        if text:
            texts[f"registry.{name}"] = text
    return {name: ShownText(text) for name, text in texts.items()}


def view(
    record: TrialRecord | None,
    items: Iterable[tuple[str, ExtractedItem]] = (),
    marks: Iterable[TextPlace] = (),
    *,
    sections: Collection[str] | None = None,
    as_given: bool = False,
) -> Json:
    """Return the data of a record's page.

    - ``sections``: the texts, each with its ``name``, its ``title`` and, if it differs, the
      ``raw`` text. Without a record they consist of the quotes.
    - ``spans``: the marked places: number of the section, start and end in UTF-16 units, start
      and end in the raw text, and the name of the section to which these belong.
    - ``items``: each with its path, its name, and its values in words, which refer to spans by
      number. A criterion has the paths of its ``groups``, the outermost first, and the words of
      the innermost as a value.
    - ``marks``: for each of ``marks`` the number of its span, None if it is not in the text.

    Args:
        record: The record; None if its text is not known.
        items: Items with their paths.
        marks: More places to mark, such as the citations of findings; with a quote if there is no
            record.
        sections: The names of the sections to show; by default all.
        as_given: Whether a text is shown whole, character by character, in place of its
            sections. The section ``given`` then has ``parts``: for each of its sections the place
            where it begins, and its title.
    """
    items = list(items)
    marks = list(marks)
    texts: dict[str, ShownText]
    if record is None:
        quoted: list[TextPlace] = []
        for _, item in items:
            quoted += item.evidence
        # such as a version of a diff whose text is not at hand
        texts = _join_quotes([*quoted, *marks])
    else:
        texts = show_texts(record)
    if record is not None and sections is not None:
        texts = {name: text for name, text in texts.items() if name in sections}
    given = _find_given(record) if as_given else None
    if given:
        texts = given.list_texts(texts)
    spans = _Spans(texts, given)
    groups = _list_groups(items)
    shown_items = []
    for path, item in items:
        shown = _show_item(path, item, _show_values(path, item, groups), spans)
        shown["groups"] = [group.path for group in _list_chain(item, groups)]
        shown_items.append(shown)
    return {
        "items": shown_items,
        "marks": [next(iter(spans.list_numbers(place)), None) for place in marks],
        "sections": [_show_section(name, text, given) for name, text in texts.items()],
        "spans": spans.export(),
    }


def _join_quotes(places: Iterable[TextPlace]) -> dict[str, ShownText]:
    """Return what is known of a record's sections, by name, from the quotes of these places. A
    place without a quote adds nothing.
    """
    quotes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place in places:
        quote = getattr(place, "quote", "")
        quotes[place.section].append((place.start, quote))
    return {section: _Quotes(pieces) for section, pieces in quotes.items()}


class _Given:
    """A free text that is shown as it was given, with the sections that stand in it."""

    def __init__(self, record: TrialRecord, text: str) -> None:
        self.text = _GivenText(text)
        self._sections: dict[str, Section] = {}
        for section in record.sections:
            if section.pieces:
                self._sections[section.name] = section

    def list_texts(self, texts: Mapping[str, ShownText]) -> dict[str, ShownText]:
        """Return texts by their names, with the given text in place of the sections in it. A title
        that was given beside the text stays before it.
        """
        others = {
            name: text for name, text in texts.items() if name not in self._sections
        }
        return {**others, GIVEN: self.text}

    def list_parts(self) -> list[tuple[int, str]]:
        """Return where each section begins in the given text, and its title, in text order."""
        parts: list[tuple[int, str]] = []
        for name, section in self._sections.items():
            start = min(piece.at for piece in section.pieces)
            parts.append((self.text.place(start), name_section(name)))
        return sorted(parts)

    def list_places(self, place: TextPlace) -> list[tuple[int, int]] | None:
        """Return where the characters of a place stand in the given text; None if its section is
        not in it.
        """
        section = self._sections.get(place.section)
        if section is None:
            return None
        return section.list_places(place.start, place.end)


def _find_given(record: TrialRecord | None) -> _Given | None:
    """Return the whole text of a record, or of the document that it is; None if it has fields."""
    if record is None:
        return None
    if record.document:
        return _Given(record, record.document.text)
    return None if record.given is None else _Given(record, record.given)


class _Spans:
    """The marked places of texts, numbered in the order in which they are first named.

    Places of sections that stand in a text that is shown as ``given`` are marked there.
    """

    def __init__(
        self, texts: Mapping[str, ShownText], given: _Given | None = None
    ) -> None:
        self._texts = texts
        self._given = given
        self._sections = {name: number for number, name in enumerate(texts)}
        self._numbers: dict[tuple[int | str, ...], int] = {}

    def list_numbers(self, place: TextPlace) -> list[int]:
        """Return the numbers of a place; several if other text stands between its characters in a
        given text, none if it is not in the text, or empty there.
        """
        name = place.section
        within = [(place.start, place.end)]
        places = self._given.list_places(place) if self._given else None
        if places is not None:
            name = GIVEN
            within = places
        text = self._texts.get(name)
        if text is None:
            return []
        numbers: list[int] = []
        for raw_start, raw_end in within:
            start = text.place(raw_start)
            end = text.place(raw_end)
            # signs that readers do not see, such as the backslash of "\>"
            if start >= end:
                continue
            number = self._sections[name]
            span = (number, start, end, place.start, place.end, place.section)
            numbers.append(self._numbers.setdefault(span, len(self._numbers)))
        return numbers

    def export(self) -> list[tuple[int | str, ...]]:
        """Return the places by number, each as ``view`` describes it."""
        return list(self._numbers)


def _show_section(name: str, text: ShownText, given: _Given | None) -> Json:
    """Return the page's data of a section: its name, title and text, and the raw text if it
    differs; of the ``given`` text its parts.
    """
    section: Json = {"name": name, "title": name_section(name), "text": text.text}
    if given and text is given.text:
        return section | {"title": _GIVEN_TITLE, "parts": given.list_parts()}
    # the escapes and the wrapping of the registry are not shown
    if text.raw != text.text:
        section["raw"] = text.raw
    return section


def _list_groups(items: Iterable[tuple[str, ExtractedItem]]) -> dict[str, Value]:
    """Return the groups of criteria by their ids, from the item "eligibility". A group without an
    id, as a reviewer may leave it, is skipped.
    """
    groups = {}
    for path, item in items:
        if path != "eligibility":
            continue
        for value in list_values(path, item):
            if value.name != "groups":
                continue
            group_id = _read_part(value, "id")
            if group_id:
                groups[group_id] = value
    return groups


def _read_part(group: Value, name: str) -> str:
    """Return a part of a group, or of its JSON under review; "" if it is empty."""
    parts = group.value
    if not isinstance(parts, dict):
        parts = getattr(parts, "__dict__", {})
    return str(parts.get(name) or "")


def _list_chain(item: ExtractedItem, groups: Mapping[str, Value]) -> list[Value]:
    """Return the groups in which a criterion is an item, the outermost first. A group that a
    reviewer names and that is not there ends the chain, and so does one that is its own parent.
    """
    chain: list[Value] = []
    group_id = str(getattr(item, "group", None))
    while group_id in groups and groups[group_id] not in chain:
        chain.insert(0, groups[group_id])
        group_id = _read_part(groups[group_id], "parent")
    return chain


def _show_values(
    path: str, item: ExtractedItem, groups: Mapping[str, Value]
) -> Iterator[Value]:
    """Yield the values of an item. In the place of a group's id stands the group itself.
    ``time_window`` is left out if there are ``time_windows``: it is the first of them.
    """
    has_windows = bool(getattr(item, "time_windows", ()))
    for value in list_values(path, item):
        is_group_id = value.path == f"{path}.group"
        # "g1" says nothing to a reader
        if is_group_id and str(value.value) in groups:
            group = groups[str(value.value)]
            yield value._replace(value=group.value, evidence=group.evidence)
            continue
        if value.name == "time_window" and has_windows:
            continue
        yield value


def _show_item(
    path: str, item: ExtractedItem, values: Iterable[Value], spans: _Spans
) -> Json:
    """Return the page's data of an item with its values. Places of evidence are numbered in
    ``spans``.
    """
    own_words = []
    for name in ("quote", "time_frame", "measure"):
        words = getattr(item, name, None)
        if isinstance(words, str):
            own_words.append(words)
    return {
        "path": path,
        "name": name_item(path, item),
        "of": getattr(item, "of", None),
        "origin": _ORIGINS.get(str(item.origin)),
        "confidence": item.confidence,
        "values": [
            _show_value(path, item, value, own_words, spans) for value in values
        ],
    }


def _show_value(
    path: str,
    item: ExtractedItem,
    value: Value,
    own_words: Sequence[str],
    spans: _Spans,
) -> Json:
    """Return the page's data of a value of an item: its label, its words, and the spans of its
    evidence that are in the text.

    Numbers are written as the evidence or the item's ``own_words`` write them. The one value of a
    user's own field has the name of the field as its label.
    """
    label = name_label(value.name)
    # the one value of custom.assay is "assay" to a reader, not "value"
    if value.name == "value":
        label = name_item(path, item)
    quotes = [proof.quote for proof in value.evidence]
    numbers: list[int] = []
    for proof in value.evidence:
        numbers += spans.list_numbers(proof)
    return {
        "path": value.path,
        "name": value.name,
        "label": label,
        "said": say(value.value, [*quotes, *own_words]),
        "support": value.evidence[0].support if value.evidence else None,
        "spans": numbers,
    }


def show_findings(
    findings: Iterable[Finding], marks: Iterator[int | None]
) -> list[Json]:
    """Return findings with their quotes as readers see them, each with its section and its span.

    ``marks`` are the numbers of the spans of all citations of the findings, in order.
    """
    listed = []
    for finding in findings:
        quotes = []
        for citation in finding.citations:
            quote = say(citation.quote)
            quotes.append([citation.section, quote, next(marks)])
        shown = finding.model_dump(mode="json", exclude={"citations"})
        shown["quotes"] = quotes
        listed.append(shown)
    return listed


def name_item(path: str, item: ExtractedItem) -> str:
    """Return the name of an item for readers, with its number from 1, such as "regimen 2". A value
    of a user's own field has the label of the field. An item that a reviewer added has a path such
    as ``dosing[+7]``, and is an "added regimen".

    >>> from extractor.schemas import Criterion
    >>> name_item(
    ...     "eligibility.criteria[2]",
    ...     Criterion(kind="exclusion", section="eligibility", quote="Fever"),
    ... )
    'exclusion criterion 3'
    """
    ref = FieldRef(path)
    group = ref.path
    if group.startswith("custom."):
        return name_label(group.removeprefix("custom."))
    if isinstance(item, Endpoint):
        number = item.index
        if isinstance(number, int):
            number += 1
        return f"{item.rank} endpoint {number}"
    if group == "eligibility":
        return "who may take part"
    if group == "dosing":
        kind = "regimen"
    else:
        kind = f"{getattr(item, 'kind', None) or ''} criterion".strip()
    if ref.position is None:
        return f"added {kind}"
    return f"{kind} {ref.position + 1}"


def name_record(record: TrialRecord) -> str:
    """Return the title of a record on one line, else its official title; empty if it has none."""
    title = record.raw_text("title") or record.raw_text("official_title")
    return show_line(title or "")


def list_arm_labels(record: TrialRecord) -> list[str]:
    """Return the labels of the arms as the record writes them, each once. Arms without one are
    skipped.
    """
    labels: list[str] = []
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = (section.part("label") or "").strip()
        if label and label not in labels:
            labels.append(label)
    return labels


def name_section(name: str) -> str:
    """Return the name of a section for readers, with its number from 1 if there are several of its
    kind.

    >>> (
    ...     name_section("primary_outcomes[0]"),
    ...     name_section("brief_summary"),
    ...     name_section("registry.sex"),
    ... )
    ('Primary outcome 1', 'Brief summary', 'Registry: sex')
    """
    ref = FieldRef(name)
    words = ref.path
    if ref.position is not None:
        words = f"{ref.path.removesuffix('s')} {ref.position + 1}"
    words = name_label(words).replace("registry.", "registry: ")
    return words[:1].upper() + words[1:]
