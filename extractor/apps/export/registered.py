"""The register's data about a record: registered columns, arms and interventions."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from extractor.apps.export.columns import Table
from extractor.apps.pages.view import name_record
from extractor.face import (
    AGES,
    OLDEST,
    JoinedRuns,
    TextState,
    count_days,
    counted,
    fold_label,
    read_registered_age,
    show_some,
)
from extractor.schemas import (
    RegistryFields,
    Sex,
    TrialRecord,
)
from extractor.schemas.registered_words import unify_word

_FIELDS = (
    "study_type",
    "phases",
    "status",
    "allocation",
    "masking",
    "primary_purpose",
    "start_date",
    "completion_date",
    "sponsor",
)
"""Columns that have the same names as their registered fields."""
_MOST_COLUMNS = 6
"""Maximum number of columns of each table in a message."""
_WORDS: Mapping[str, Sex | bool] = {
    **{sex.value: sex for sex in Sex},
    "false": False,
    "true": True,
}
"""The values for registered sexes and yes/no answers, keyed by the registered words in lower case.
"""


class Arm(NamedTuple):
    """A registered arm with its section. Unknown attributes are None."""

    label: str | None
    type: str | None = None
    description: str | None = None
    section: str | None = None

    @property
    def key(self) -> str:
        """The label in a form that is equal for labels of the same arm."""
        return fold_label(self.label or "")


class Intervention(NamedTuple):
    """A registered intervention."""

    name: str | None
    type: str | None = None
    other_names: tuple[str, ...] = ()
    description: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the intervention."""
        if self.name:
            return (self.name, *self.other_names)
        return self.other_names


@dataclass(frozen=True, slots=True)
class Registered:
    """The register's data about a record.

    Attributes:
        columns: The registered cells of the tables ``records`` and ``eligibility``.
        arms: The registered arms.
        interventions: The registered interventions.
    """

    columns: Mapping[str, object] = field(default_factory=dict)
    arms: Sequence[Arm] = ()
    interventions: Sequence[Intervention] = ()


RegisteredByRecord = Mapping[str, Registered]
"""The register's data by record."""


def read_registry(record: TrialRecord) -> Registered:
    """Return the register's data about a record."""
    fields = record.registry
    columns: dict[str, object] = {name: fields.text(name) for name in _FIELDS}
    columns["intervention_model"] = fields.assignment
    columns["registered_sex"] = fields.sex
    columns["title"] = name_record(record)
    lines = (record.raw_text("conditions") or "").split("\n")
    columns["conditions"] = "|".join(filter(str.strip, lines))
    enrolment = fields.enrollment or ""
    # A number with more digits would not fit into a database integer.
    if enrolment.isdecimal() and len(enrolment) < 19:
        columns["enrolment"] = int(enrolment)
    for name in AGES:
        age = read_registered(fields, name)
        if age:
            columns[f"registered_{name}_days"] = count_days(age)
    healthy = read_registered(fields, "healthy_volunteers")
    columns["registered_healthy_volunteers"] = healthy
    return Registered(columns, read_arms(record), read_interventions(record))


def read_run_registry(
    runs: JoinedRuns, tables: Collection[Table]
) -> tuple[RegisteredByRecord, Mapping[TextState, int]]:
    """Return the register's data about the records of runs, and the numbers of records whose input
    is missing or has changed, keyed by that state. If the tables do not need registered data, no
    record is read.
    """
    registry = {}
    unavailable = Counter[TextState]()
    if any(table.registered for table in tables):
        for reread in runs.reread():
            if reread.record:
                registry[reread.record_id] = read_registry(reread.record)
            else:
                unavailable[reread.text] += 1
    return registry, unavailable


def explain_lacking(
    lacking: Mapping[TextState, int], tables: Collection[Table]
) -> Iterator[str]:
    """Yield a message for each state of inputs that could not be used, with the columns of the
    tables that need them.
    """
    columns = "; ".join(
        f"{table.name} ({show_some(table.registered, _MOST_COLUMNS)})"
        for table in tables
        if table.registered
    )
    for state, count in lacking.items():
        yield (
            f"the inputs of {counted(count, 'record')} are {state}, so these columns are empty or "
            f"incomplete: {columns}; specify the records with --records, or repeat the run"
        )


def read_registered(registry: RegistryFields, name: str) -> Any:
    """Return the registered value of a field: an age, a sex or a boolean. Return None for
    "N/A", an unknown word or an impossible age.
    """
    written = registry.text(name) or ""
    if name not in AGES:
        return _WORDS.get(unify_word(name, written).lower())
    age = read_registered_age(written)
    if age and count_days(age) <= OLDEST:
        return age
    return None


def read_arms(record: TrialRecord) -> list[Arm]:
    """Return a record's registered arms, in order. A section that is a single text without a label
    becomes an arm that only has a description.
    """
    arms = []
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = section.part("label")
        kind = unify_word("arm_type", section.part("type") or "") or None
        description = section.part("description") or None
        # an arm in free text, or an item of a table's cell, has no parts
        is_single_text = description is None and not label
        if is_single_text:
            description = section.text
        arms.append(Arm(label, kind, description, section.name))
    return arms


def read_interventions(record: TrialRecord) -> list[Intervention]:
    """Return a record's registered interventions, in order. A section without parts is the name of
    an intervention. Runs of white space in names are replaced by a space, and repeated other names
    are left out.
    """
    interventions = []
    for section in record.sections:
        if not section.name.startswith("interventions["):
            continue
        name = section.part("name")
        # an item of a table's cell without a type has no parts
        if not section.parts:
            name = section.text
        if name:
            name = " ".join(name.split())
        others = [
            " ".join(section.text[part.start : part.end].split())
            for part in section.parts
            if part.name == "other_names"
        ]
        intervention = Intervention(
            name,
            unify_word("intervention_type", section.part("type") or "") or None,
            tuple(dict.fromkeys(others)),
            section.part("description"),
        )
        interventions.append(intervention)
    return interventions
