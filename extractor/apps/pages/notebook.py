"""An extraction in a notebook: its values with their quotes and, with ``show``, its text with
the evidence marked. A run: its records, and what failed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from extractor.apps.pages import read_assets, render_template
from extractor.apps.pages.view import Json, is_free_text, name_record, view
from extractor.errors import ArgumentError
from extractor.schemas import FieldRef, TrialExtraction, TrialRecord

__all__ = ["ShownExtraction", "TrialExtraction", "show"]

_SHOWN = 20
"""Most records, and most failures, that a run shows in a notebook."""


@dataclass(frozen=True, slots=True, repr=False)
class ShownExtraction:
    """What ``show`` returns. A notebook displays it."""

    extraction: TrialExtraction
    record: TrialRecord | None = None

    def __repr__(self) -> str:
        return f"<ShownExtraction of {self.extraction.record_id}>"

    def _repr_html_(self) -> str:
        """Return the card that a notebook displays: the values with their quotes, findings, and
        with a record its title and its sections with the evidence marked.
        """
        extraction = self.extraction
        record = self.record
        items = list(extraction.list_items())
        shown = view(record, items, as_given=is_free_text(record))
        # The view counts in UTF-16 units, each of two bytes here.
        texts = [
            section["text"].encode("utf-16-le", "surrogatepass")
            for section in shown["sections"]
        ]
        for item in shown["items"]:
            for value in item["values"]:
                quotes = []
                for number in value["spans"]:
                    section, start, end, *_ = shown["spans"][number]
                    quotes.append(_cut(texts[section], start, end))
                value["quotes"] = dict.fromkeys(quotes)
        title = ""
        sections: list[tuple[str, list[tuple[str, str, str]]]] = []
        if record:
            title = name_record(record)
            sections = list(_mark(shown, texts))
        counts = Counter(FieldRef(path).path for path, _ in items)
        reasons = [absence.reason.value for absence in extraction.absences]
        card = {
            "id": extraction.record_id,
            "title": title,
            "counts": {
                "criterion": counts["eligibility.criteria"],
                "regimen": counts["dosing"],
                "endpoint": counts["endpoints"],
            },
            "sections": sections,
            "items": shown["items"],
            "findings": [finding.message for finding in extraction.findings],
            "absences": Counter(reasons),
            "style": read_assets("extractor.apps.pages", "card.css"),
        }
        return render_template("card.html", card)


def show_results(
    extractions: Sequence[TrialExtraction],
    failures: Sequence[Mapping[str, Any]],
    summary: str,
) -> str:
    """Return what a notebook displays of a run: its ``summary``, a row a record, and what failed;
    of many the first 20, and how many are left out.
    """
    rows = []
    for extraction in extractions[:_SHOWN]:
        row = {
            "id": extraction.record_id,
            "criteria": len(extraction.eligibility.criteria),
            "regimens": len(extraction.dosing),
            "endpoints": len(extraction.endpoints),
            "findings": len(extraction.findings),
        }
        rows.append(row)
    values = {
        "summary": summary,
        "rows": rows,
        "left": len(extractions) - len(rows),
        "failures": [str(failure["message"]) for failure in failures[:_SHOWN]],
        "failures_left": max(len(failures) - _SHOWN, 0),
        "style": read_assets("extractor.apps.pages", "card.css"),
    }
    return render_template("results.html", values)


def _cut(text: bytes, start: int, end: int) -> str:
    """Return the characters from ``start`` to ``end``, in UTF-16 units, of a text in UTF-16."""
    return text[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")


def _mark(
    shown: Json, texts: list[bytes]
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield each section that holds evidence: its title, and its text cut into pieces at the ends
    of all spans. A piece has its characters, the task of the values that they support, and the
    words of these values; both are "" for characters that support nothing.

    Where spans overlap, the task is that of the shortest span: it tells the most exactly what its
    characters support. ``texts`` are the sections in UTF-16, ``shown`` is the data of ``view``.
    """
    owners = _list_owners(shown)
    for section_number, section in enumerate(shown["sections"]):
        text = texts[section_number]
        cuts = {0, len(text) // 2}
        spans = []
        for span_number, span in enumerate(shown["spans"]):
            in_section, start, end, *_ = span
            if in_section != section_number:
                continue
            spans.append((end - start, start, end, span_number))
            cuts.update((start, end))
        # nothing in it supports a value
        if not spans:
            continue
        spans.sort()
        pieces = []
        for start, end in pairwise(sorted(cuts)):
            supported: list[tuple[str, str]] = []
            for _, span_start, span_end, span_number in spans:
                if span_start < end and span_end > start:
                    supported += owners[span_number]
            task = supported[0][0] if supported else ""
            words = dict.fromkeys(words for _, words in supported)
            pieces.append((_cut(text, start, end), task, "\n".join(words)))
        yield section["title"], pieces


def _list_owners(shown: Json) -> dict[int, list[tuple[str, str]]]:
    """Return for each span, by its number, the values that it supports: their task, such as
    "dosing", and their words, such as "route: oral".
    """
    owners: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for item in shown["items"]:
        # An own field belongs to the task of its item.
        task = FieldRef(item["of"] or item["path"]).names[0]
        for value in item["values"]:
            words = f"{value['label']}: {value['said']}"
            for span in value["spans"]:
                owners[span].append((task, words))
    return owners


def show(
    extraction: TrialExtraction, record: TrialRecord | None = None
) -> ShownExtraction:
    """Return what a notebook displays as values, quotes and, with ``record``, the text with the
    evidence marked.

    Args:
        extraction: The extraction to display.
        record: The record that it was extracted from; an extraction does not hold its text.

    Raises:
        ArgumentError: ``record`` is not the extraction's record, or its text has changed since.

    >>> from extractor import Extractor, read_records
    >>> record = next(read_records("seeds/records"))
    >>> "<mark" in show(Extractor().extract(record), record)._repr_html_()
    True
    """
    if record and record.record_id != extraction.record_id:
        raise ArgumentError(
            f"the extraction is of {extraction.record_id}, the record is {record.record_id}"
        )
    if record:
        _check_text(extraction, record)
    return ShownExtraction(extraction, record)


def _check_text(extraction: TrialExtraction, record: TrialRecord) -> None:
    """Raise ``ArgumentError`` if evidence is not in the text of a record."""
    for _, item in extraction.list_items():
        for proof in item.evidence:
            text = record.raw_text(proof.section) or ""
            if text[proof.start : proof.end] == proof.quote:
                continue
            place = f"{proof.section}[{proof.start}:{proof.end}]"
            raise ArgumentError(
                f"the text of {record.record_id} has changed at {place}; extract the record again"
            )


TrialExtraction.display = show
