"""Match many patients with many trials: read patients from files and data frames, and list the
answers as rows.
"""

import csv
import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product, starmap
from pathlib import Path
from typing import Any

from extractor.apps.export import Column, RegisteredByRecord, Table
from extractor.apps.export.export import make_frame
from extractor.apps.export.libraries import open_library
from extractor.apps.export.registered import Registered
from extractor.apps.match.form import write_form
from extractor.apps.match.page import MOST_SHOWN, PageSummary, write_match_page
from extractor.apps.match.patients import Patients, list_patients, read_patients
from extractor.errors import ArgumentError
from extractor.face import (
    ONLY_A_MODEL,
    Facts,
    JoinedRuns,
    Match,
    Patient,
    Plan,
    Synonyms,
    decide,
    has_conditions,
    is_of_others,
    join_synonyms,
    plan_trial,
    read_facts,
    show_line,
)
from extractor.schemas import TrialExtraction
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

__all__ = [
    "MATCHES",
    "MOST_SHOWN",
    "PageSummary",
    "Patients",
    "frame_matches",
    "keep_conditions",
    "list_cells",
    "list_pairs",
    "list_patients",
    "list_unused",
    "list_without_conditions",
    "match_trials",
    "page_matches",
    "rank",
    "read_patients",
    "read_people",
    "read_synonyms",
    "sort_matches",
    "write_form",
    "write_match_page",
]

MATCHES = Table(
    "matches",
    None,
    (Column("record_id", "The trial."), Column("patient", "The patient's id.")),
    (
        Column("answer", "excluded, open or no_reason_against."),
        Column(
            "conditions",
            "The registered conditions that the patient has, joined by |.",
        ),
        Column("reasons", "The criteria that keep the patient out, joined by |."),
        Column("ask", "Up to three questions that decide most, joined by |."),
        Column("criteria", "The number of criteria.", "integer"),
        Column("unjudged", "How many of them could not be judged.", "integer"),
    ),
    "A patient and a trial.",
)


def list_cells(match: Match) -> tuple[object, ...]:
    """Return a row of the table ``matches``."""
    reasons: list[str] = []
    for rule, found in match.judged:
        if found.verdict != "not_met":
            continue
        reason = show_line(rule.quote or found.why)
        if found.origin == "model":
            reason += " (by a model)"
        reasons.append(reason)
    questions = match.ask[:_MOST_QUESTIONS]
    return (
        match.record_id,
        match.patient,
        match.answer,
        "|".join(map(show_line, match.conditions)) or None,
        "|".join(dict.fromkeys(reasons)) or None,
        "|".join(map(show_line, questions)) or None,
        len(match.judged),
        match.unjudged,
    )


_MOST_QUESTIONS = 3
"""The number of questions in a cell."""


def list_unused(
    patients: Iterable[Patient], synonyms: Synonyms | None = None
) -> Iterator[str]:
    """Yield what is not used of patients' data, each with the patient and the reason; not what only
    a model reads.
    """
    for patient in patients:
        for line in read_facts(patient, synonyms).unused:
            if line != ONLY_A_MODEL:
                yield f"{patient.id}: {line}"


def rank(match: Match) -> tuple[bool, int, bool, int, int]:
    """Return a key that sorts the trials of a patient: excluded last; then by how many criteria
    are met besides ages and sex, trials for a condition of the patient before others, and by how
    many criteria are met in all, and are open.
    """
    counts = Counter(found.verdict for _, found in match.judged)
    met = sum(
        found.verdict == "met" and not _OF_EVERYBODY.issuperset(rule.touched)
        for rule, found in match.judged
    )
    is_open = counts["depends"] + counts["doubtful"]
    is_excluded = match.answer == "excluded"
    return is_excluded, -met, not match.conditions, -counts["met"], is_open


_OF_EVERYBODY = frozenset({"age", "sex"})
"""What most trials limit, whatever they are for."""


def sort_matches(matches: Iterable[Match]) -> list[Match]:
    """Return matches by patient, in the order in which these come first, with the trials of each
    sorted by ``rank``.
    """
    by_patient: dict[str, list[Match]] = {}
    for match in matches:
        by_patient.setdefault(match.patient, []).append(match)
    ranked: list[Match] = []
    for of_patient in by_patient.values():
        ranked += sorted(of_patient, key=rank)
    return ranked


def match_trials(
    trials: Iterable[TrialExtraction],
    patients: Iterable[Patient],
    *,
    min_confidence: float = DOUBTFUL_BELOW,
    synonyms: Synonyms | None = None,
    registry: RegisteredByRecord | None = None,
    only_conditions: bool = False,
) -> Iterator[Match]:
    """Yield the match of each trial with each patient, trial by trial.

    Args:
        trials: The trials; each is compiled once.
        patients: The patients.
        min_confidence: What is less sure decides nothing.
        synonyms: More names of drugs, conditions and events.
        registry: The register's data by record.
        only_conditions: Whether to leave out trials for other conditions than the patient's.

    Raises:
        ArgumentError: Two patients have the same id.
    """
    pairs = list_pairs(
        trials, patients, min_confidence, synonyms or Synonyms(), registry or {}
    )
    if only_conditions:
        pairs = keep_conditions(pairs)
    yield from starmap(decide, pairs)


def list_pairs(
    trials: Iterable[TrialExtraction],
    patients: Iterable[Patient],
    min_confidence: float,
    synonyms: Synonyms,
    registry: RegisteredByRecord,
) -> Iterator[tuple[Plan, Facts]]:
    """Yield each trial with each patient, trial by trial, as ``match_trials`` compares them."""
    facts = [read_facts(patient, synonyms) for patient in patients]
    repeated = [name for name, n in Counter(each.id for each in facts).items() if n > 1]
    if repeated:
        raise ArgumentError(
            f"patient {repeated[0]}: two patients have this id; rename one"
        )
    for trial in trials:
        registered = registry.get(trial.record_id, Registered())
        plan = plan_trial(trial, min_confidence, registered.columns)
        yield from product([plan], facts)


def keep_conditions(
    pairs: Iterable[tuple[Plan, Facts]], tell: Callable[[int], None] | None = None
) -> Iterator[tuple[Plan, Facts]]:
    """Yield the pairs without those of a trial for other conditions than the patient's. ``tell`` is
    called at the end with the number of pairs that were left out.
    """
    left_out = 0
    for plan, facts in pairs:
        if is_of_others(plan.conditions, facts):
            left_out += 1
        else:
            yield plan, facts
    if tell:
        tell(left_out)


def list_without_conditions(
    patients: Iterable[Patient], synonyms: Synonyms
) -> list[str]:
    """Return the ids of patients who state no condition."""
    return [
        patient.id
        for patient in patients
        if not has_conditions(read_facts(patient, synonyms))
    ]


def read_synonyms(path: Path | None) -> Synonyms:
    """Read a CSV table of synonyms: a name, in the column ``also`` other names for the same thing
    and, in an optional column ``kinds``, what belongs to it, each joined by ``|``. A kind that
    ends with ``*`` is the beginning of a code: "E11*".
    """
    if path is None:
        return Synonyms()
    try:
        text = path.read_text("utf-8-sig")
        head, *rows = [*csv.reader(io.StringIO(text, newline=""))] or [[]]
    except (OSError, ValueError, csv.Error) as error:
        raise ArgumentError(
            f"{path}: cannot be read: {error}; use CSV in UTF-8"
        ) from error
    if head not in (["name", "also"], ["name", "also", "kinds"]):
        raise ArgumentError(
            f"{path}: the columns are {head}; name them name, also and kinds"
        )
    filled = [row for row in rows if row]
    return join_synonyms(
        ("|".join(row[:2]).split("|") for row in filled),
        [(row[0], row[2].split("|")) for row in filled if len(row) > 2 and row[2]],
    )


def read_people(patients: Any) -> list[Patient]:
    """Return the patients of a data frame, of dictionaries or ``Patient`` objects, or of one of
    these. Warns about what cannot be read.
    """
    rows = patients
    if isinstance(patients, Patient | Mapping):
        rows = [patients]
    elif hasattr(patients, "to_dicts"):
        rows = patients.to_dicts()
    elif hasattr(patients, "to_dict"):
        rows = patients.to_dict("records")
    read = list_patients(map(_list_stated, rows), "patients")
    if read.faults and not read.patients:
        raise ArgumentError(read.faults[0])
    for fault in read.faults:
        warnings.warn(fault, stacklevel=4)
    return read.patients


def _list_stated(row: Any) -> Any:
    """Return the fields of a patient that are stated."""
    if isinstance(row, Patient):
        return row.model_dump(exclude_defaults=True)
    return row


def page_matches(
    path: Path,
    runs: JoinedRuns,
    patients: Any,
    *,
    min_confidence: float,
    synonyms: Iterable[Iterable[str]],
    registry: RegisteredByRecord,
    only_conditions: bool = False,
) -> PageSummary:
    """Write the page of the matches of all trials of runs with patients, as ``read_people`` reads
    them.
    """
    people = read_people(patients)
    known = join_synonyms(synonyms)
    found = match_trials(
        runs,
        people,
        min_confidence=min_confidence,
        synonyms=known,
        registry=registry,
        only_conditions=only_conditions,
    )
    return write_match_page(
        path, sort_matches(found), people, runs.reread(), synonyms=known
    )


def frame_matches(
    trials: Iterable[TrialExtraction],
    patients: Any,
    to: str,
    *,
    min_confidence: float,
    synonyms: Iterable[Iterable[str]],
    registry: RegisteredByRecord,
    only_conditions: bool = False,
) -> Any:
    """Return the table ``matches`` as a data frame of the library ``to``. ``patients`` is a data
    frame, or an iterable of rows as dictionaries.
    """
    library = open_library(to)
    found = match_trials(
        trials,
        read_people(patients),
        min_confidence=min_confidence,
        synonyms=join_synonyms(synonyms),
        registry=registry,
        only_conditions=only_conditions,
    )
    return make_frame(library, to, MATCHES, [*map(list_cells, sort_matches(found))])
