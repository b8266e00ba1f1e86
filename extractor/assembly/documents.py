"""Where the evidence of a document is in its text, and on which page."""

from typing import TypeVar

from extractor.schemas import Evidence, ExtractedItem, TrialExtraction, TrialRecord

ItemT = TypeVar("ItemT", bound=ExtractedItem)


def place_evidence(record: TrialRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Return the extraction of a document with the place in the document's text, and the page, at
    each piece of evidence. The extraction of any other record is returned unchanged.
    """
    if not record.document:
        return extraction

    def place(item: ItemT) -> ItemT:
        evidence = tuple(_locate(record, piece) for piece in item.evidence)
        return item.model_copy(update={"evidence": evidence})

    people = place(extraction.eligibility)
    criteria = tuple(map(place, people.criteria))
    custom = {
        name: tuple(map(place, items)) for name, items in extraction.custom.items()
    }
    changed = {
        "eligibility": people.model_copy(update={"criteria": criteria}),
        "dosing": tuple(map(place, extraction.dosing)),
        "endpoints": tuple(map(place, extraction.endpoints)),
        "custom": custom,
    }
    return extraction.model_copy(update=changed)


def _locate(record: TrialRecord, evidence: Evidence) -> Evidence:
    """Return evidence with its place in the text of its document, if its section is from it."""
    section = record.section(evidence.section)
    place = section.locate(evidence.start, evidence.end) if section else None
    if place is None or record.document is None:
        return evidence
    start, end = place
    page = record.document.find_page(start)
    placed = {"document_start": start, "document_end": end, "page": page}
    return evidence.model_copy(update=placed)
