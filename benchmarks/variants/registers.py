"""Files of registers with an eligibility text, and pasted texts, each read as a record."""

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from io import BytesIO

from benchmarks.variants.layout import (
    Line,
    has_both_lists,
    join_lines,
    read_layout,
    split_lists,
)
from extractor.formats import make_record, read_stream
from extractor.schemas import Part, Section, TrialRecord

Register = Callable[[str], TrialRecord | None]
"""Returns the record in a file with an eligibility text; None if the file cannot contain the text.
"""
Lists = Mapping[str, Sequence[Line]]
"""The lines of each list."""

_TITLE = "A Trial in an Invented Illness"
_NUMBER = "NCT90000001"
_PAGE = (
    "{title}\n\nStudy Overview\n\nBrief Summary\n\nThis study looks at how an invented "
    "medicine works.\n\nParticipation Criteria\n\nResearchers look for people who fit a "
    "certain description, called eligibility criteria.\n\nEligibility Criteria\n\n"
    "Description\n\n{text}\n\nStudy Plan\n\nHow is the study designed?\n\n"
    "Design Details\n\nPrimary Purpose : Treatment\n"
)


def _read_file(name: str, content: str) -> TrialRecord:
    return next(read_stream(name, BytesIO(content.encode())))


def _read_ctgov_json(text: str) -> TrialRecord:
    modules = {
        "identificationModule": {"nctId": _NUMBER, "briefTitle": _TITLE},
        "eligibilityModule": {"eligibilityCriteria": text},
    }
    return _read_file("study.json", json.dumps({"protocolSection": modules}))


def _read_ctgov_xml(text: str) -> TrialRecord:
    """Read the legacy XML, whose lines are wrapped, indented and separated by empty lines."""
    filler = textwrap.TextWrapper(
        width=100,
        initial_indent="        ",
        subsequent_indent="             ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    words = [" ".join(line.split()) for line in text.split("\n")]
    wrapped = "\n\n".join(filler.fill(line) for line in words if line)
    criteria = f"<textblock>\n{escape(wrapped)}\n      </textblock>"
    return _read_file(
        "study.xml",
        f"<clinical_study><id_info><nct_id>{_NUMBER}</nct_id></id_info>"
        f"<brief_title>{_TITLE}</brief_title><eligibility><criteria>{criteria}</criteria>"
        "</eligibility></clinical_study>",
    )


def _read_ictrp(text: str, exclusion: str = "") -> TrialRecord:
    """Read the XML of ICTRP, by default with both lists in one field."""
    fields = f"<Inclusion_Criteria>{escape(text)}</Inclusion_Criteria>"
    if exclusion:
        fields += f"<Exclusion_Criteria>{escape(exclusion)}</Exclusion_Criteria>"
    return _read_file(
        "trials.xml",
        "<Trials_downloaded_from_ICTRP><Trial><TrialID>ChiCTR9900000001</TrialID>"
        f"<Public_title>{_TITLE}</Public_title>{fields}</Trial>"
        "</Trials_downloaded_from_ICTRP>",
    )


def _read_ictrp_apart(lists: Lists) -> TrialRecord:
    return _read_ictrp(join_lines(lists["inclusion"]), join_lines(lists["exclusion"]))


def _of_lists(read: Callable[[Lists], TrialRecord]) -> Register:
    """Return a function that reads the file of a register with a field for each list. The function
    returns None if the text has other lines or does not have both lists.
    """

    def read_lists(text: str) -> TrialRecord | None:
        lines = read_layout(text)
        if not has_both_lists(lines):
            return None
        found = list(split_lists(lines))
        lists = {heading.kind: below for heading, below in found if heading}
        return read(lists) if len(lists) == len(found) else None

    return read_lists


def _read_isrctn(lists: Lists) -> TrialRecord:
    people = ""
    for kind, below in lists.items():
        people += f"<{kind}>{escape(join_lines(below))}</{kind}>"
    return _read_file(
        "trial.xml",
        '<?xml version="1.0"?><fullTrial xmlns="http://www.67bricks.com/isrctn"><trial>'
        f"<isrctn>90000001</isrctn><trialDescription><title>{_TITLE}</title>"
        f"</trialDescription><participants>{people}</participants></trial></fullTrial>",
    )


def _read_ctis(lists: Lists) -> TrialRecord:
    """Read the JSON of the EU register, which stores each criterion separately."""
    criteria = {}
    for kind, below in lists.items():
        key = f"principal{kind.capitalize()}Criteria"
        entries = enumerate(_join_nested(below), 1)
        criteria[key] = [{"number": n, key: entry} for n, entry in entries]
    details = {
        "clinicalTrialIdentifiers": {"publicTitle": _TITLE},
        "trialInformation": {"eligibilityCriteria": criteria},
    }
    part = {"authorizedPartI": {"trialDetails": details}}
    trial = {"ctNumber": "2031-500001-10-00", "authorizedApplication": part}
    return _read_file("trial.json", json.dumps(trial))


def _join_nested(below: Sequence[Line]) -> Iterator[str]:
    """Yield each item of a list with the lines below it."""
    entry: list[str] = []
    for line in below:
        is_next = line.depth == 0 and entry and line.text
        if is_next:
            yield "\n".join(entry)
            entry = []
        entry.append(line.text if line.depth == 0 else line.raw)
    if entry:
        yield "\n".join(entry)


REGISTERS: Mapping[str, Register] = {
    "ctgov_json": _read_ctgov_json,
    "ctgov_xml": _read_ctgov_xml,
    "ictrp": _read_ictrp,
    "ictrp with breaks": lambda text: _read_ictrp(text.replace("\n", "<br>")),
    "ictrp, lists apart": _of_lists(_read_ictrp_apart),
    "isrctn": _of_lists(_read_isrctn),
    "ctis": _of_lists(_read_ctis),
    "pasted text": make_record,
    "pasted page": lambda text: make_record(_PAGE.format(title=_TITLE, text=text)),
}
HOME = "ctgov_json"
"""The register in which the original text is read."""


def flatten_outcomes(record: TrialRecord) -> TrialRecord | None:
    """Return the record with one line of outcomes for each rank, as in flattened files.

    Return None if an outcome has no time frame, or contains a bar, which separates outcomes.
    """
    lists: dict[str, list[str]] = {"primary_outcomes": [], "secondary_outcomes": []}
    for section in record.sections:
        name = section.name.partition("[")[0]
        if name not in lists:
            continue
        time_frame = section.part("time_frame")
        if not time_frame or "|" in section.text:
            return None
        pieces = [section.part("measure"), section.part("description"), time_frame]
        folded = [" ".join(piece.split()) for piece in pieces if piece]
        lists[name].append(", ".join(folded))
    if not lists["primary_outcomes"]:
        return None
    outcomes = "\n".join("|".join(listed) for listed in lists.values() if listed)
    head = f"{_TITLE}\nAn invented summary of the trial.\nIllness\nDRUG: Fictumab"
    return _read_file("flat.txt", f"{head}\n{outcomes}\n")


def rewrite_parts(
    section: Section, write: Callable[[str], str | None], name: str
) -> Section:
    """Return a section with a rewritten part; a section without parts is unchanged."""
    if not section.parts:
        return section
    parts = list[Part]()
    texts = list[str]()
    start = 0
    for part in section.parts:
        text = section.text[part.start : part.end]
        if part.name == name:
            text = write(text) or text
        parts.append(Part(name=part.name, start=start, end=start + len(text)))
        texts.append(text)
        start += len(text) + 1
    return Section(name=section.name, text="\n".join(texts), parts=tuple(parts))
