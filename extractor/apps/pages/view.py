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
from extractor.language.shown import show_line, show_text
from extractor.schemas import (
    Endpoint,
    ExtractedItem,
    FieldRef,
    Finding,
    RegistryFields,
    TrialRecord,
)
from extractor.schemas.values import Value, list_values

Json = dict[str, Any]
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
        """Return the raw offsets of characters of the page; at most the text's end."""
        before = self.text.encode("utf-16-le", "surrogatepass")
        places = (
            len(before[: 2 * units].decode("utf-16-le", "ignore"))
            for units in (start, end)
        )
        return self._clean.raw_span(*places)


class _Quotes(ShownText):
    """The quotes from a section whose text is not known, in text order, with dots where text is
    left out.
    """

    def __init__(self, quotes: Iterable[tuple[int, str]]) -> None:
        text = ""
        self._pieces = list[tuple[int, int]]()
        end = -1  # where each piece starts in the raw text, and here
        for start, quote in sorted(quotes, key=lambda pair: (pair[0], -len(pair[1]))):
            if start > end:  # quotes that overlap or touch become one piece
                text += _GAP if self._pieces else ""
                self._pieces.append((start, len(text)))
                end = start
            text = text + quote[end - start :]
            end = max(end, start + len(quote))
        super().__init__(text)

    def place(self, offset: int) -> int:
        raw, here = self._pieces[
            bisect_right(self._pieces, offset, key=itemgetter(0)) - 1
        ]
        return super().place(here + offset - raw)


def show_texts(record: TrialRecord) -> dict[str, ShownText]:
    """Return all sections of a record, and the structured registry fields that have a value."""
    texts = {section.name: section.text for section in record.sections}
    fields = {
        f"registry.{name}": record.registry.text(name)
        for name in RegistryFields.model_fields
    }
    texts |= {name: text for name, text in fields.items() if text}
    return {name: ShownText(text) for name, text in texts.items()}


def view(
    record: TrialRecord | None,
    items: Iterable[tuple[str, ExtractedItem]] = (),
    marks: Iterable[TextPlace] = (),
    *,
    sections: Collection[str] | None = None,
) -> Json:
    """Return the data of a record's page.

    - ``sections``: the texts, each with its ``name``, its ``title`` and, if it differs, the
      ``raw`` text. Without a record they consist of the quotes.
    - ``spans``: the marked places: number of the section, start and end in UTF-16 units, start
      and end in the raw text.
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
    """
    listed = list(items)
    groups = _list_groups(listed)
    valued = [
        (path, item, list(_show_values(path, item, groups))) for path, item in listed
    ]
    more = list(marks)
    texts: Mapping[str, ShownText]
    if record is None:
        evidence = [proof for _, item, _ in valued for proof in item.evidence]
        texts = _join_quotes([*evidence, *more])
    else:
        texts = show_texts(record)
        if sections is not None:
            texts = {name: text for name, text in texts.items() if name in sections}
    spans = _Spans(texts)
    shown_items = []
    for path, item, values in valued:
        marked = [
            (value, [spans.number(proof) for proof in value.evidence])
            for value in values
        ]
        shown = _show_item(path, item, marked)
        shown["groups"] = [group.path for group in _list_chain(item, groups)]
        shown_items.append(shown)
    return {
        "items": shown_items,
        "marks": [spans.number(place) for place in more],
        "sections": [_show_section(name, text) for name, text in texts.items()],
        "spans": spans.export(),
    }


def _join_quotes(places: Iterable[TextPlace]) -> dict[str, ShownText]:
    """Return what is known of a record's sections by the quotes from them."""
    quotes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place in places:
        quotes[place.section].append((place.start, getattr(place, "quote", "")))
    return {name: _Quotes(pieces) for name, pieces in quotes.items()}


class _Spans:
    """The marked places of texts, numbered in the order in which they are first named."""

    def __init__(self, texts: Mapping[str, ShownText]) -> None:
        self._texts = texts
        self._sections = {name: number for number, name in enumerate(texts)}
        self._numbers: dict[tuple[int, ...], int] = {}

    def number(self, place: TextPlace) -> int | None:
        """Return the number of a place; None if it is not in the text, or empty there."""
        text = self._texts.get(place.section)
        if text is None:
            return None
        start = text.place(place.start)
        end = text.place(place.end)
        if start >= end:
            return None
        section = self._sections[place.section]
        span = (section, start, end, place.start, place.end)
        return self._numbers.setdefault(span, len(self._numbers))

    def export(self) -> list[tuple[int, ...]]:
        """Return the places by number, each as ``view`` describes it."""
        return list(self._numbers)


def _show_section(name: str, text: ShownText) -> Json:
    section = {"name": name, "title": name_section(name), "text": text.text}
    if text.raw != text.text:
        section["raw"] = text.raw
    return section


def _list_groups(items: Iterable[tuple[str, ExtractedItem]]) -> dict[str, Value]:
    """Return the groups of criteria by their ids."""
    groups = {}
    for path, item in items:
        if path != "eligibility":
            continue
        for value in list_values(path, item):
            name = _read_part(value, "id") if value.name == "groups" else ""
            if name:
                groups[name] = value
    return groups


def _read_part(group: Value, name: str) -> str:
    """Return a part of a group, or of its JSON under review; "" if it is empty."""
    parts = (
        group.value
        if isinstance(group.value, dict)
        else getattr(group.value, "__dict__", {})
    )
    return str(parts.get(name) or "")


def _list_chain(item: ExtractedItem, groups: Mapping[str, Value]) -> list[Value]:
    """Return the groups in which a criterion is an item, the outermost first; a reviewer may
    name some that are not.
    """
    chain: list[Value] = []
    name = str(getattr(item, "group", None))
    while name in groups and groups[name] not in chain:
        chain.insert(0, groups[name])
        name = _read_part(groups[name], "parent")
    return chain


def _show_values(
    path: str, item: ExtractedItem, groups: Mapping[str, Value]
) -> Iterator[Value]:
    """Yield the values of an item; for the name of a group the group, without the first of
    several time windows.
    """
    for one in list_values(path, item):
        if one.path == f"{path}.group" and str(one.value) in groups:
            group = groups[str(one.value)]
            yield one._replace(value=group.value, evidence=group.evidence)
        elif one.name != "time_window" or not getattr(item, "time_windows", ()):
            yield one


def _show_item(
    path: str, item: ExtractedItem, values: Sequence[tuple[Value, Sequence[int | None]]]
) -> Json:
    own = [
        words
        for name in ("quote", "time_frame", "measure")
        if isinstance(words := getattr(item, name, None), str)
    ]
    return {
        "path": path,
        "name": name_item(path, item),
        "of": getattr(item, "of", None),
        "origin": _ORIGINS.get(str(item.origin)),
        "confidence": item.confidence,
        "values": [
            {
                "path": one.path,
                "name": one.name,
                "label": name_item(path, item)
                if one.name == "value"
                else name_label(one.name),
                "said": say(
                    one.value, [*(proof.quote for proof in one.evidence), *own]
                ),
                "support": one.evidence[0].support if one.evidence else None,
                "spans": [span for span in spans if span is not None],
            }
            for one, spans in values
        ],
    }


def show_findings(
    findings: Iterable[Finding], marks: Iterator[int | None]
) -> list[Json]:
    """Return findings with their quotes as readers see them, each with its section and its span
    of ``marks``.
    """
    return [
        finding.model_dump(mode="json", exclude={"citations"})
        | {
            "quotes": [
                [one.section, say(one.quote), next(marks)] for one in finding.citations
            ]
        }
        for finding in findings
    ]


def name_item(path: str, item: ExtractedItem) -> str:
    """Return the name of an item for readers. An item that a reviewer added has a path such as
    ``dosing[+7]``.

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
        return (
            f"{item.rank} endpoint "
            f"{item.index + 1 if isinstance(item.index, int) else item.index}"
        )
    if group == "eligibility":
        return "who may take part"
    if group == "dosing":
        kind = "regimen"
    else:
        kind = f"{getattr(item, 'kind', None) or ''} criterion".strip()
    return f"added {kind}" if ref.position is None else f"{kind} {ref.position + 1}"


def name_record(record: TrialRecord) -> str:
    """Return the title of a record on one line, empty if it has none."""
    titles = (record.raw_text(name) for name in ("title", "official_title"))
    return show_line(next(filter(None, titles), ""))


def list_arm_labels(record: TrialRecord) -> list[str]:
    """Return the labels of the arms as the record writes them, each once."""
    labels = (
        one.part("label") or ""
        for one in record.sections
        if one.name.startswith("arms[")
    )
    return list(dict.fromkeys(filter(None, map(str.strip, labels))))


def name_section(name: str) -> str:
    """Return the name of a section for readers.

    >>> (
    ...     name_section("primary_outcomes[0]"),
    ...     name_section("brief_summary"),
    ...     name_section("registry.sex"),
    ... )
    ('Primary outcome 1', 'Brief summary', 'Registry: sex')
    """
    ref = FieldRef(name)
    words = (
        ref.path
        if ref.position is None
        else f"{ref.path.removesuffix('s')} {ref.position + 1}"
    )
    words = name_label(words).replace("registry.", "registry: ")
    return words[:1].upper() + words[1:]
