"""An extraction in a notebook: its values with their quotes and, with ``show``, its text with
the evidence marked. A run: its records, and what failed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from extractor.apps.pages import read_assets, render_template
from extractor.apps.pages.view import Json, name_record, view
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
        one = self.extraction
        record = self.record
        shown = view(record, one.list_items())
        texts = [
            section["text"].encode("utf-16-le", "surrogatepass")
            for section in shown["sections"]
        ]
        for item in shown["items"]:
            for value in item["values"]:
                spans = [shown["spans"][number] for number in value["spans"]]
                value["quotes"] = dict.fromkeys(
                    _cut(texts[section], start, end)
                    for section, start, end, *_ in spans
                )
        counts = Counter(FieldRef(path).path for path, _ in one.list_items())
        card = {
            "id": one.record_id,
            "title": name_record(record) if record else "",
            "counts": {
                "criterion": counts["eligibility.criteria"],
                "regimen": counts["dosing"],
                "endpoint": counts["endpoints"],
            },
            "sections": list(_mark(shown, texts)) if record else [],
            "items": shown["items"],
            "findings": [finding.message for finding in one.findings],
            "absences": Counter(absence.reason.value for absence in one.absences),
            "style": read_assets("extractor.apps.pages", "card.css"),
        }
        return render_template("card.html", card)


def show_results(
    extractions: Sequence[TrialExtraction],
    failures: Sequence[Mapping[str, Any]],
    summary: str,
) -> str:
    """Return what a notebook displays of a run: its ``summary``, a row a record, and what failed;
    of many the first.
    """
    rows = [
        {
            "id": one.record_id,
            "criteria": len(one.eligibility.criteria),
            "regimens": len(one.dosing),
            "endpoints": len(one.endpoints),
            "findings": len(one.findings),
        }
        for one in extractions[:_SHOWN]
    ]
    values = {
        "summary": summary,
        "rows": rows,
        "left": len(extractions) - len(rows),
        "failures": [str(one["message"]) for one in failures[:_SHOWN]],
        "failures_left": max(len(failures) - _SHOWN, 0),
        "style": read_assets("extractor.apps.pages", "card.css"),
    }
    return render_template("results.html", values)


def _cut(text: bytes, start: int, end: int) -> str:
    return text[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")


def _mark(
    shown: Json, texts: list[bytes]
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield each section that holds evidence as pieces: characters, the task of their value, and
    what they support.
    """
    owners = _list_owners(shown)
    for number, section in enumerate(shown["sections"]):
        # The shortest first: it tells the most exactly what its characters support.
        spans = sorted(
            (end - start, start, end, place)
            for place, (of, start, end, *_) in enumerate(shown["spans"])
            if of == number
        )
        if not spans:
            continue
        cuts = {0, len(texts[number]) // 2}
        for _, start, end, _ in spans:
            cuts.update((start, end))
        pieces = []
        for start, end in pairwise(sorted(cuts)):
            said = [
                owner
                for _, first, last, place in spans
                if first < end and last > start
                for owner in owners[place]
            ]
            task = said[0][0] if said else ""
            words = "\n".join(dict.fromkeys(words for _, words in said))
            pieces.append((_cut(texts[number], start, end), task, words))
        yield section["title"], pieces


def _list_owners(shown: Json) -> dict[int, list[tuple[str, str]]]:
    """Return for each span the values that it supports: their task, and their words."""
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
