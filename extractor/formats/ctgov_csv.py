"""Studies in the table download of ClinicalTrials.gov: one study per row, lists flattened into
cells.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from extractor.formats.found import (
    RecordContent,
    criteria_section,
    find_trial_id,
    list_interventions,
    take_sections,
    text_section,
)
from extractor.formats.study import load_fields
from extractor.schemas import RegistryFields, Section

COLUMNS: Mapping[str, str] = load_fields()["ctgov_csv"]["columns"]
"""The columns that are read, by their names in lower case."""
_SECTIONS = (
    *(
        "title",
        "official_title",
        "brief_summary",
        "detailed_description",
        "conditions",
        "keywords",
        "eligibility",
    ),
    *("interventions", "primary_outcomes", "secondary_outcomes", "other_outcomes"),
)
_REGISTRY = (
    *(
        "minimum_age",
        "maximum_age",
        "sex",
        "healthy_volunteers",
        "enrollment",
        "study_type",
    ),
    *("status", "start_date", "primary_completion_date", "completion_date"),
)
_DESIGN = {
    "Allocation": "allocation",
    "Intervention Model": "assignment",
    "Masking": "masking",
    "Primary Purpose": "primary_purpose",
}
"""The fields in the cell of the study's design, which is "Allocation: RANDOMIZED|Masking: DOUBLE
(INVESTIGATOR)".
"""
_DESIGN_FIELD = re.compile(rf"(?:^|\|)({'|'.join(_DESIGN)}): *([^|]+)")


def build_row(row: Mapping[str, str]) -> RecordContent:
    """Build the content of a row, given its cells by the names of their columns in ``COLUMNS``."""
    cells: dict[str, str] = {}
    for column, cell in row.items():
        name = COLUMNS[column]
        # Older downloads call a column otherwise. Of two for one field, the first text counts.
        if not cells.get(name, "").strip():
            cells[name] = cell
    registry: dict[str, Any] = {}
    for name in _REGISTRY:
        if name in cells:
            registry[name] = cells[name].strip() or None
    for name, value in _DESIGN_FIELD.findall(cells.get("study_design", "")):
        registry[_DESIGN[name]] = value.strip()
    registry["phases"] = tuple(filter(None, cells.get("phases", "").split("|")))
    return RecordContent(
        take_sections(_list_sections(cells)),
        "ctgov_csv",
        find_trial_id(cells.get("nct_id")),
        RegistryFields.model_validate(registry),
    )


def _list_sections(cells: Mapping[str, str]) -> Iterator[Section]:
    for name in _SECTIONS:
        if name == "interventions":
            yield from list_interventions(cells.get(name, ""))
        elif name == "eligibility" and not cells.get(name, "").strip():
            yield from criteria_section(
                cells.get("inclusion", ""), cells.get("exclusion", "")
            )
        else:
            yield from text_section(name, cells.get(name))
