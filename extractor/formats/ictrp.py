"""Trials of many registries in the WHO's export from the ICTRP, in XML or CSV: one flat list of
fields per trial.

The export writes line breaks as ``<br>`` and paragraphs as ``<p>``; they are read as line breaks,
filled up with blanks to the same length.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from extractor.formats.found import (
    RecordContent,
    criteria_section,
    find_trial_id,
    intervention_section,
    join_parts,
    list_items,
    take_sections,
    text_section,
)
from extractor.formats.layout import undo_breaks
from extractor.formats.study import load_fields
from extractor.schemas import Part, RegistryFields, Section

_FIELDS = load_fields()["ictrp"]
COLUMNS = {"trialid", "inclusion criteria", "exclusion criteria", "phase"}
COLUMNS |= {
    name for group in _FIELDS.values() for names in group.values() for name in names
}
"""The names of the fields that are read."""
_TRIAL_ID = re.compile(r"[A-Z]{2,8}[-/]?[A-Z0-9][A-Z0-9/-]{3,30}", re.ASCII)
_LABEL = re.compile(
    r"(?:\A|;)\s*(Main Objective|Secondary Objective|(?:Primary|Secondary) end ?point\(s\)"
    r"|Timepoint\(s\) of evaluation of this end ?point):[ ]?"
)
_POPULATION = "Are the trial subjects under 18?"
_STARTS_INTERVENTION = re.compile(r";(?!\s)|\n(?=\s{0,9}(?:Trade|Product) Name:)")
_PRODUCT = re.compile(r"\s*(?:Trade|Product) Name: *(?P<name>[^\n,]+)")


def build_ictrp(fields: Mapping[str, str], format: str) -> RecordContent:  # noqa: A002 - named as in RecordContent
    """Build the content of a trial from its fields; case and underscores of their names do not
    matter.

    >>> content = build_ictrp(
    ...     {"TrialID": "ChiCTR2100050713", "Primary_outcome": "Pain;Sleep;"},
    ...     "ictrp_xml",
    ... )
    >>> content.trial_id, [section.text for section in content.sections]
    ('ChiCTR2100050713', ['Pain', 'Sleep'])
    """
    texts = {
        name.lower().replace("_", " "): undo_breaks(text).strip()
        for name, text in fields.items()
    }

    def read(names: Sequence[str]) -> str:
        return next((texts[name] for name in names if texts.get(name)), "")

    def list_sections() -> Iterator[Section]:
        for name, names in _FIELDS["texts"].items():
            yield from text_section(name, read(names))
        yield from text_section(
            "detailed_description", "\n".join(filter(None, [*aims, population]))
        )
        yield from criteria_section(inclusion.rstrip(), read(("exclusion criteria",)))
        yield from _list_interventions(read(_FIELDS["interventions"]["interventions"]))
        yield from outcomes

    # European registers write answers on the population below the criteria, and objectives beside
    # the outcomes.
    inclusion, asked, answers = read(("inclusion criteria",)).partition(_POPULATION)
    population = asked + answers
    aims: list[str] = []
    outcomes = [
        one
        for name, names in _FIELDS["outcomes"].items()
        for one in _list_outcomes(name, read(names), aims)
    ]
    registry: dict[str, Any] = {
        name: read(names) or None for name, names in _FIELDS["registry"].items()
    }
    registry["phases"] = tuple(filter(None, [read(("phase",))]))
    written = read(("trialid",))
    return RecordContent(
        take_sections(list_sections()),
        format,
        written if find_trial_id(written, _TRIAL_ID) else None,
        RegistryFields.model_validate(registry),
    )


def _list_interventions(cell: str) -> Iterator[Section]:
    for number, item in enumerate(filter(str.strip, _STARTS_INTERVENTION.split(cell))):
        product = _PRODUCT.match(item)
        if product:
            part = Part(
                name="name", start=product.start("name"), end=product.end("name")
            )
            yield Section(name=f"interventions[{number}]", text=item, parts=(part,))
        else:
            yield intervention_section(number, item)


def _list_outcomes(name: str, cell: str, aims: list[str]) -> Iterator[Section]:
    """Yield the outcomes of a cell; objectives among its labelled texts are added to ``aims``."""
    unlabelled, *labelled = _LABEL.split(cell)
    yield from list_items(name, unlabelled)
    texts = list(zip(labelled[::2], labelled[1::2], strict=True))
    aims += [f"{label}: {text}" for label, text in texts if label.endswith("Objective")]
    measures = "\n".join(text for label, text in texts if label.endswith("point(s)"))
    times = [
        ("time_frame", text) for label, text in texts if label.startswith("Timepoint")
    ]
    for item in list_items(name, measures):
        yield from join_parts(item.name, [("measure", item.text), *times])
