"""Read the MEDLINE format of PubMed (``.nbib``), and the text that PubMed calls "abstract"."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from extractor.formats.found import ReadResult, RecordContent, build_content
from extractor.formats.papers.paper import Paper, build_paper, list_passages
from extractor.formats.papers.pubmed import RETRACTION
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_source_size,
    read_numbered_lines,
    replace_odd_bytes,
)

_FIELD = re.compile(r"(?P<tag>[A-Z]{2,4})[ ]{0,2}- ?(?P<text>.*)")
_CITATION = re.compile(r"(?P<number>\d{1,6})\. \S.{0,300}?\b(?:1[89]|20)\d\d\b")
"""The first line of an abstract in PubMed's text format: "3. J Fict. 2031 May;2(1):1-9."."""
_TEXT_IDS = re.compile(
    r"^(?:(?P<pmid>PMID:[ ]*\d+)|(?P<pmcid>PMCID:[ ]*PMC\d+)|(?P<doi>DOI:[ ]*\S+))",
    re.MULTILINE,
)
_BESIDE = re.compile(
    r"(?:Author information|Collaborators?|Comment (?:in|on)|Erratum (?:in|for)|Update (?:in|of)"
    r"|Corrected and republished|Retraction (?:in|of)|Republished|Expression of concern"
    r"|Summary for patients|Conflict of interest|Copyright|©|\(c\)|DOI:|PMID:|PMCID:|Publisher)",
    re.IGNORECASE,
)
"""The beginning of a paragraph that is not part of the abstract."""
_RETRACTION_NOTICE = re.compile(r"^Retraction in", re.MULTILINE)
_TITLE_AND_AUTHORS = 2
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def is_pubmed_text(text: str) -> bool:
    r"""Return whether a text, or its beginning, is in PubMed's text format.

    >>> is_pubmed_text("1. J Fict. 2031;2:1-9.\n\nFictumab.\n\nDoe J.\n\nPMID: 1\n")
    True
    """
    begins = _CITATION.match(text.lstrip())
    if begins is None or begins["number"] != "1":
        return False
    return any(found["pmid"] for found in _TEXT_IDS.finditer(text))


def read_medline(stream: BinaryIO) -> Iterator[ReadResult]:
    """Yield the papers of a file in the MEDLINE format. Each begins with the field ``PMID``."""
    lines: list[str] = []
    first = 1
    size = 0
    for number, line in read_numbered_lines(stream):
        if line.startswith("PMID-") and lines:
            yield build_content(_build_medline, "".join(lines), f"line {first}")
            lines = []
            size = 0
        if not lines:
            first = number
            if line.isspace():
                continue
        # a record that is too long is refused as a whole, so the rest of it is not kept
        if size <= MAX_RECORD_BYTES:
            lines.append(line)
            size += len(line)
    if lines:
        yield build_content(_build_medline, "".join(lines), f"line {first}")


def _build_medline(written: str) -> RecordContent:
    check_source_size(len(written))
    text, notes = replace_odd_bytes(written)
    fields: dict[str, list[str]] = defaultdict(list)
    tag = ""
    for line in text.splitlines():
        field = _FIELD.match(line)
        if field:
            tag = field["tag"]
            fields[tag].append(field["text"].strip())
        elif tag and line.strip():
            # a field continues on indented lines
            fields[tag][-1] += f" {line.strip()}"
    if "Retracted Publication" in fields["PT"]:
        notes = (*notes, RETRACTION)
    paper = Paper(
        title=" ".join(fields["TI"] or fields["TT"]),
        abstract=list_passages(" ".join(fields["AB"])),
        ids=_read_ids(fields),
        # "ClinicalTrials.gov/NCT90000001"
        listed_numbers=[source.rpartition("/")[2] for source in fields["SI"]],
        notes=notes,
    )
    return build_paper(paper, "medline")


def _read_ids(fields: Mapping[str, list[str]]) -> dict[str, str]:
    named = [*fields.get("LID", ()), *fields.get("AID", ())]
    dois = [name.removesuffix("[doi]") for name in named if name.endswith("[doi]")]
    return {
        "pmid": "".join(fields.get("PMID", ())[:1]),
        "pmcid": "".join(fields.get("PMC", ())[:1]),
        "doi": "".join(dois[:1]).strip(),
    }


def read_pubmed_text(stream: BinaryIO) -> Iterator[ReadResult]:
    """Yield the papers of a file in PubMed's text format. Each begins with its number in the
    list.
    """
    lines: list[str] = []
    first = 1
    size = 0
    count = 0
    for number, line in read_numbered_lines(stream):
        begins = _CITATION.match(line)
        follows_gap = not lines or lines[-1].isspace()
        if begins and follows_gap and int(begins["number"]) == count + 1:
            if count:
                yield build_content(_build_text, "".join(lines), f"line {first}")
            lines = []
            size = 0
            first = number
            count += 1
        # as above
        if size <= MAX_RECORD_BYTES:
            lines.append(line)
            size += len(line)
    yield build_content(_build_text, "".join(lines), f"line {first}")


def _build_text(written: str) -> RecordContent:
    check_source_size(len(written))
    text, notes = replace_odd_bytes(written.replace("\r\n", "\n"))
    ids = {}
    for found in _TEXT_IDS.finditer(text):
        ids[str(found.lastgroup)] = found[0].partition(":")[2].strip()
    if _RETRACTION_NOTICE.search(text):
        notes = (*notes, RETRACTION)
    _, *paragraphs = _PARAGRAPH.split(text.strip())
    kept = [part.strip() for part in paragraphs if not _BESIDE.match(part.strip())]
    title = " ".join(" ".join(kept[:1]).split())
    # the authors follow the title; an abstract may have several paragraphs
    abstract = [" ".join(part.split()) for part in kept[_TITLE_AND_AUTHORS:]]
    return build_paper(
        Paper(
            title=title,
            abstract=list_passages("\n\n".join(abstract)),
            ids=ids,
            notes=notes,
            number_text=text,
        ),
        "pubmed_text",
    )
