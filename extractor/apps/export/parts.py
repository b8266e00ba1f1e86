"""Find the part of a trial to which a criterion is confined: "Part 1: ...", "Cohort B only"."""

import re

from extractor.apps.export.columns import Json
from extractor.language.shown import show_line

_LABEL = re.compile(
    r"\W{0,4}(?:(?:inclusion|exclusion)\s(?:criteria|criterion)\s?[-–—:,]?\s?)?"
    r"(?:for\s|in\s|of\s|specific\s(?:to|for)\s|only\s(?:for|in)\s){0,2}"
    r"(?:the\s|all\s)?(?:participants\s(?:in|of)\s|patients\s(?:in|of)\s)?"
    r"(?P<kind>parts?|cohorts?|phases?|arms?|stages?|periods?)\s"
    r"(?P<mark>\d{1,2}[a-z]?|[a-z]\d{0,2}|[ivx]{1,4})"
    r"(?P<more>\s?(?:and|or|&|,|/|-|\+)\s?(?:\d{1,2}[a-z]?|[a-z]\d?|[ivx]{1,4})\b){0,3}"
    r"(?:\s?\([^()\n]{1,60}\))?"
    r"(?:\s(?:only|participants|patients|subjects)){0,2}"
    r"\s?(?P<end>[:.,\]–—]|-\s|$)",
    re.IGNORECASE,
)
"""A label at the head of a criterion, or a line that introduces it."""
_PLURAL = re.compile(r"s$")


def find_part(criterion: Json) -> str | None:
    """Return the part of the trial that a criterion's own label names, else that of its lead-in.

    >>> find_part({"quote": "Part 1: major surgery within 4 weeks", "lead_in": None})
    'part 1'
    >>> find_part({"quote": "Age over 18", "lead_in": "Cohorts A and B only:"})
    'cohort a and b'
    >>> find_part({"quote": "Stage II or III melanoma", "lead_in": "History of:"})
    """
    own = _read_label(criterion["quote"], is_lead_in=False)
    return own or _read_label(criterion.get("lead_in") or "", is_lead_in=True)


def _read_label(text: str, *, is_lead_in: bool) -> str | None:
    """Return the part of the trial that a label at the head of a text names, or None."""
    line = show_line(text)
    label = _LABEL.match(line)
    if label is None:
        return None
    kind = _PLURAL.sub("", label["kind"].casefold())
    if not is_lead_in:
        # "Stage II, or ..." and "Phase 3." are of a disease, or another trial.
        if kind == "stage" or label["end"] in ("", ".", ","):
            return None
        # A criterion of nothing but a label is none.
        if label.end() == len(line):
            return None
    end = label.end("more") if label["more"] else label.end("mark")
    marks = line[label.start("mark") : end]
    return f"{kind} {marks}".casefold()
