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
    trial = _Trial(fields)
    written = trial.read(("trialid",))
    return RecordContent(
        take_sections(trial.list_sections()),
        format,
        written if find_trial_id(written, _TRIAL_ID) else None,
        trial.read_registry(),
    )


class _Trial:
    """Reads the fields of a trial."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._texts = {
            name.lower().replace("_", " "): undo_breaks(text).strip()
            for name, text in fields.items()
        }

    def read(self, names: Sequence[str]) -> str:
        """Return the text of the first of these fields that has one; empty without any."""
        for name in names:
            if self._texts.get(name):
                return self._texts[name]
        return ""

    def read_registry(self) -> RegistryFields:
        registry: dict[str, Any] = {}
        for name, names in _FIELDS["registry"].items():
            registry[name] = self.read(names) or None
        phase = self.read(("phase",))
        registry["phases"] = (phase,) if phase else ()
        return RegistryFields.model_validate(registry)

    def list_sections(self) -> Iterator[Section]:
        """Yield the sections. Objectives that stand among the outcomes, and answers on the
        population that stand below the criteria, are the description.
        """
        # European registers write both so.
        criteria = self.read(("inclusion criteria",))
        inclusion, asked, answers = criteria.partition(_POPULATION)
        aims: list[str] = []
        outcomes: list[Section] = []
        for name, names in _FIELDS["outcomes"].items():
            outcomes += _list_outcomes(name, self.read(names), aims)
        description = [text for text in (*aims, asked + answers) if text]
        for name, names in _FIELDS["texts"].items():
            yield from text_section(name, self.read(names))
        yield from text_section("detailed_description", "\n".join(description))
        yield from criteria_section(
            inclusion.rstrip(), self.read(("exclusion criteria",))
        )
        interventions = self.read(_FIELDS["interventions"]["interventions"])
        yield from _list_interventions(interventions)
        yield from outcomes


def _list_interventions(cell: str) -> Iterator[Section]:
    """Yield a section for each intervention of a cell, with the name of a product as its name."""
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
    """Yield the outcomes of a cell.

    Its text without a label has one outcome an item. Of labelled texts, end points are outcomes,
    which all have the time points that are stated, and objectives are added to ``aims``.
    """
    # The split gives a label and its text by turns, behind what has no label.
    unlabelled, *labelled = _LABEL.split(cell)
    yield from list_items(name, unlabelled)
    measures: list[str] = []
    times: list[tuple[str, str]] = []
    for label, text in zip(labelled[::2], labelled[1::2], strict=True):
        if label.endswith("Objective"):
            aims.append(f"{label}: {text}")
        elif label.endswith("point(s)"):
            measures.append(text)
        elif label.startswith("Timepoint"):
            times.append(("time_frame", text))
    for item in list_items(name, "\n".join(measures)):
        yield from join_parts(item.name, [("measure", item.text), *times])
