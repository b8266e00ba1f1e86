"""Export a run's eligibility as OHDSI cohort definitions, one a trial, with all that could not be expressed."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractor.schemas import Sex, TrialExtraction, TrialRecord
from extractor.text.book import read_table
from extractor.text.units import read_unit

from .files import UNMAPPED_FILE, Destination, open_json_lines
from .omop_circe import (
    AgeLimit,
    CriteriaGroup,
    InclusionRule,
    Names,
    NumericRange,
    Operator,
    Reason,
    SexLimit,
    Undecided,
    build_cohort,
    check_cohort,
    check_installed,
    list_dialects,
    write_sql,
)
from .omop_groups import read_groups, read_targets
from .omop_limits import to_years
from .omop_rules import list_bounds
from .omop_vocabulary import open_vocabulary
from .people import People, read_people

SUMMARY_FILE = "summary.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 100
_TAKEN = {"summary", "con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
"""Names of our own file and, on Windows, of devices, in any case."""


@dataclass(slots=True)
class CohortCounts:
    """What an export expressed; `summary.json` holds it.

    Attributes:
        trials: Trials, each with one definition.
        criteria: Criteria of all trials.
        expressed: Criteria that are rules of a definition, or that set no limit ("men and women").
        people: Rules from a record's ages and sex that no criterion expresses.
        empty: Ids of records whose definition has no rule.
        unmapped: Criteria, ages and sexes that could not be expressed, by reason.
    """

    trials: int = 0
    criteria: int = 0
    expressed: int = 0
    people: int = 0
    empty: list[str] = field(default_factory=list)
    unmapped: Counter[str] = field(default_factory=Counter)

    def describe(self) -> Iterator[str]:
        r"""Yield a line with the share of criteria, and one for each reason.

        >>> counts = CohortCounts(trials=2, criteria=4, expressed=1, empty=["NCT1"], unmapped=Counter(clause=3))
        >>> print(*counts.describe(), sep="\n")
        2 cohort definitions; 1 of 4 criteria expressed (25.0%), 0 rules from ages and sex alone
        definitions without a rule, which take everybody: 1
        unmapped clause: 3. It is a sentence, not a name or a list of names.
        """
        share = f" ({self.expressed / self.criteria:.1%})" if self.criteria else ""
        trials = f"{self.trials} cohort definition{'s' * (self.trials != 1)}"
        first = f"{trials}; {self.expressed} of {self.criteria} criteria expressed{share}"
        yield f"{first}, {self.people} rules from ages and sex alone"
        meanings = read_table("cohorts")["reasons"]
        if self.empty:
            yield f"definitions without a rule, which take everybody: {len(self.empty)}"
        yield from (f"unmapped {reason}: {count}. {meanings[reason]}" for reason, count in self.unmapped.most_common())

    def to_json(self) -> dict[str, Any]:
        """Return the counts and the share of criteria expressed, as JSON-compatible data."""
        return {
            "trials": self.trials,
            "criteria": self.criteria,
            "expressed": self.expressed,
            "share": round(self.expressed / self.criteria, 4) if self.criteria else None,
            "people": self.people,
            "empty": self.empty,
            "unmapped": dict(self.unmapped.most_common()),
        }


def export_cohorts(
    results: Iterable[tuple[TrialExtraction, TrialRecord | None]],
    to: Path,
    vocabulary: Path | None = None,
    dialect: str | None = None,
    *,
    force: bool = False,
) -> CohortCounts:
    """Write a definition as Circe JSON for each trial to a folder, and ``unmapped.jsonl`` and ``summary.json``.

    ``results`` are read one at a time; a record of None gives no registered ages, sex and conditions. ``vocabulary`` is
    a folder of CSV files from Athena; without it, concept sets have names and no concepts. ``dialect`` also writes the
    SQL for a database, such as ``duckdb`` or ``postgresql``. ``force`` replaces an earlier export. Raises
    ``MissingExtra`` without the extra ``omop``, ``ValueError`` for an unknown dialect or if ``to`` is a file, and
    ``StoreError`` if the vocabulary cannot be read or the folder may not be replaced.
    """
    check_installed()
    if dialect and dialect not in list_dialects():
        raise ValueError(f"{dialect}: no such dialect; choose from {', '.join(list_dialects())}")
    counts, destination = CohortCounts(), Destination.of_folder(to, SUMMARY_FILE, force=force)
    with open_vocabulary(vocabulary) as names, destination.staged() as (_, made):
        with open_json_lines(made / UNMAPPED_FILE) as list_unmapped:
            for extraction, record in results:
                rules = _express(extraction, record, names, counts, list_unmapped)
                cohort = build_cohort(extraction.record_id, rules)
                problems = check_cohort(cohort)
                assert not problems, f"{extraction.record_id}: {problems[0]}"
                path = _choose_path(made, extraction.record_id)
                path.write_text(json.dumps(cohort, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
                if dialect:
                    path.with_suffix(".sql").write_text(write_sql(cohort, dialect), encoding="utf-8")
                counts.trials += 1
        summary = json.dumps(counts.to_json() | {"vocabulary": vocabulary is not None}, indent=1)
        (made / SUMMARY_FILE).write_text(summary + "\n", encoding="utf-8")
    return counts


def read_rules(
    extraction: TrialExtraction, names: Names, record: TrialRecord | None = None
) -> tuple[list[InclusionRule], Mapping[int | str, Undecided]]:
    """Express a trial's criteria, ages and sex as rules. The registered ages and sex count where the text has none.

    Returns the rules, and by criterion's position, or by field, why something could not be expressed. A rule's name
    begins with the position.
    """
    criteria, people = extraction.eligibility.criteria, read_people(extraction, record)
    groups, undecided = read_groups(criteria, names, people, read_targets(record))
    undecided |= {
        one.field.removeprefix("eligibility."): Undecided(Reason(one.reason), str(one.value))
        for one in people.left_out
        if one.reason == "registry_decides"
    }
    rules = [
        InclusionRule(f"{index + 1} {criteria[index].kind}", " ".join(criteria[index].quote.split()), group)
        for index, group in groups.items()
        if group.members
    ]
    for name, found in _read_people(people, groups.values()):
        if isinstance(found, Undecided):
            undecided[name] = found
        else:
            rules.append(InclusionRule(name, f"{name.replace('_', ' ')} of the record", found))
    return rules, undecided


def _express(
    extraction: TrialExtraction,
    record: TrialRecord | None,
    names: Names,
    counts: CohortCounts,
    list_unmapped: Callable[[Any], None],
) -> Sequence[InclusionRule]:
    """Express one record, count it, and list what could not be expressed."""
    criteria = extraction.eligibility.criteria
    rules, undecided = read_rules(extraction, names, record)
    lost = sum(isinstance(place, int) for place in undecided)
    counts.criteria += len(criteria)
    counts.expressed += len(criteria) - lost
    counts.empty += [] if rules else [extraction.record_id]
    counts.people += sum(rule.name in ("minimum_age", "maximum_age", "sex") for rule in rules)
    for place, error in sorted(undecided.items(), key=lambda item: str(item[0]).rjust(20)):
        counts.unmapped[error.reason.value] += 1
        criterion = criteria[place] if isinstance(place, int) else None
        row = {
            "record_id": extraction.record_id,
            "criterion_index": place if criterion else None,
            "field": None if criterion else place,
        }
        row |= {name: getattr(criterion, name, None) for name in ("kind", "category", "quote")}
        list_unmapped(row | {"reason": error.reason, "detail": error.detail})
    return rules


def _read_people(people: People, groups: Iterable[CriteriaGroup]) -> Iterator[tuple[str, CriteriaGroup | Undecided]]:
    """The ages and the sex of a record that no criterion expresses."""
    expressed = {(name, upper) for group in groups for name, upper, _ in _list_all_bounds(group)}
    for name, age in people.ages.items():
        if ("age", name == "maximum_age") in expressed:
            continue
        assert age.comparator, "an age has a comparator"
        try:
            bound = to_years(NumericRange(age.comparator, age.value.value), read_unit(age.value.unit))
        except Undecided as error:
            yield name, error
        else:
            yield name, CriteriaGroup(Operator.ALL, (AgeLimit(bound),))
    if people.sex and people.sex.value is not Sex.ALL and ("sex", False) not in expressed:
        yield "sex", CriteriaGroup(Operator.ALL, (SexLimit(people.sex.value),))


def _list_all_bounds(group: CriteriaGroup) -> Iterator[tuple[str, bool, float]]:
    """The bounds of a group; what must not hold bounds the other side."""
    yield from list_bounds(group)
    if group.operator is Operator.NONE:
        for name, upper, value in list_bounds(CriteriaGroup(Operator.ALL, group.members)):
            yield name, not upper if name == "age" else upper, value


def _choose_path(folder: Path, record_id: str) -> Path:
    """A new file for a record, whatever its id holds."""
    stem = _UNSAFE.sub("_", record_id)[:_LONGEST_NAME] or "_"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1_000_000))
    return next(path for name in names if not (path := folder / f"{name}.json").exists() and name.lower() not in _TAKEN)
