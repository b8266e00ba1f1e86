"""Match many patients with many trials: read patients from files and data frames, and list the
answers as rows.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from extractor.apps.export import Column, RegisteredByRecord, Table, open_library
from extractor.apps.export.export import make_frame
from extractor.apps.export.registered import Registered
from extractor.errors import ArgumentError, MissingExtra
from extractor.language.shown import show_line
from extractor.match import (
    Match,
    Patient,
    Synonyms,
    decide,
    join_synonyms,
    plan_trial,
    read_facts,
)
from extractor.resources import read_json
from extractor.schemas import TrialExtraction
from extractor.schemas.base import JsonObject, find_fault
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

MATCHES = Table(
    "matches",
    None,
    (Column("record_id", "The trial."), Column("patient", "The patient's id.")),
    (
        Column("answer", "excluded, open or no_reason_against."),
        Column("reasons", "The criteria that keep the patient out, joined by |."),
        Column("ask", "What would decide more criteria, joined by |."),
        Column("criteria", "The number of criteria.", "integer"),
        Column("unjudged", "How many of them could not be judged.", "integer"),
    ),
    "A patient and a trial.",
)
_LISTS = frozenset({"drugs", "conditions"})
"""Columns whose names are joined by |."""
_FIELDS = frozenset({"id", "age", "sex"})
_SINCE = "since "
_PATIENTS = TypeAdapter(list[Patient])


def list_cells(match: Match) -> tuple[object, ...]:
    """Return a row of the table ``matches``."""
    reasons = [
        show_line(rule.quote or found.why)
        for rule, found in match.judged
        if found.verdict == "not_met"
    ]
    return (
        match.record_id,
        match.patient,
        match.answer,
        "|".join(dict.fromkeys(reasons)) or None,
        "|".join(map(show_line, match.ask)) or None,
        len(match.judged),
        match.unjudged,
    )


def match_trials(
    trials: Iterable[TrialExtraction],
    patients: Iterable[Patient],
    *,
    min_confidence: float = DOUBTFUL_BELOW,
    synonyms: Synonyms | None = None,
    registry: RegisteredByRecord | None = None,
) -> Iterator[Match]:
    """Yield the match of each trial with each patient, trial by trial.

    Args:
        trials: The trials; each is compiled once.
        patients: The patients.
        min_confidence: What is less sure decides nothing.
        synonyms: More names of drugs, conditions and events.
        registry: The register's data by record.

    Raises:
        ArgumentError: The data of a patient cannot be read without a guess, or two patients have
            the same id.
    """
    facts = [read_facts(patient, synonyms) for patient in patients]
    ids = [each.id for each in facts]
    if len(set(ids)) < len(ids):
        repeated = next(name for name in ids if ids.count(name) > 1)
        raise ArgumentError(
            f"patient {repeated}: two patients have this id; rename one"
        )
    for trial in trials:
        registered = (registry or {}).get(trial.record_id, Registered())
        plan = plan_trial(trial, min_confidence, registered.columns)
        for each in facts:
            yield decide(plan, each)


def read_patients(path: Path) -> list[Patient]:
    """Read patients from a file: JSON (one or a list), JSON lines, YAML, or CSV with one row each.

    Raises ``ArgumentError`` if the file cannot be read; the message names the place and the remedy.
    """
    suffix = path.suffix.lower()
    try:
        text = path.read_text("utf-8-sig")
        if suffix == ".csv":
            return list_patients(csv.DictReader(text.splitlines()), str(path))
        if suffix in (".yaml", ".yml"):
            data = _read_yaml(text)
        elif suffix == ".jsonl":
            data = [read_json(line) for line in text.splitlines() if line.strip()]
        else:
            data = read_json(text)
        return _PATIENTS.validate_python(data if isinstance(data, list) else [data])
    except ValidationError as error:
        raise _explain(error, str(path)) from None
    except (OSError, ValueError, csv.Error) as error:
        raise ArgumentError(
            f"{path}: cannot be read: {error}; use .json, .jsonl, .yaml or .csv in UTF-8"
        ) from error


def _read_yaml(text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("YAML needs pyyaml", "yaml") from error
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"not YAML ({problem})") from None


def _explain(error: ValidationError, place: str) -> ArgumentError:
    """Return the error for data that are not a patient's."""
    return ArgumentError(
        f"{place}: {': '.join(find_fault(error))}; a patient has id, age, sex, values, drugs, "
        "conditions and since"
    )


def list_patients(rows: Iterable[Mapping[str, Any]], place: str) -> list[Patient]:
    """Return patients from rows with the columns ``id``, ``age``, ``sex``, ``drugs`` and
    ``conditions`` (joined by ``|``), ``since EVENT``, and a column for each value, named after its
    quantity. Empty cells are not known.

    >>> [patient] = list_patients(
    ...     [{"age": 70, "ECOG": 1, "since surgery": "3 weeks"}], "rows"
    ... )
    >>> patient.id, patient.values, patient.since
    ('1', {'ECOG': 1}, {'surgery': '3 weeks'})
    """
    patients = []
    for number, row in enumerate(rows, 1):
        data: JsonObject = {"id": str(number), "values": {}, "since": {}}
        for name, cell in row.items():
            if cell is None or cell == "" or (isinstance(cell, float) and isnan(cell)):
                continue
            if name in _LISTS:
                data[name] = [part.strip() for part in str(cell).split("|")]
            elif name == "id":
                data[name] = str(cell)
            elif name in _FIELDS:
                data[name] = cell
            elif str(name).startswith(_SINCE):
                data["since"][name.removeprefix(_SINCE)] = cell
            else:
                data["values"][name] = cell
        try:
            patients.append(Patient.model_validate(data))
        except ValidationError as error:
            raise _explain(error, f"{place}, row {number}") from None
    return patients


def read_synonyms(path: Path | None) -> Synonyms:
    """Read a CSV table of synonyms: a name, and in the column ``also`` other names for the same
    thing, joined by ``|``.
    """
    if path is None:
        return {}
    try:
        head, *rows = csv.reader(path.read_text("utf-8-sig").splitlines())
    except (OSError, ValueError, csv.Error) as error:
        raise ArgumentError(
            f"{path}: cannot be read: {error}; use CSV in UTF-8"
        ) from error
    if head != ["name", "also"]:
        raise ArgumentError(f"{path}: the columns are {head}; name them name and also")
    return join_synonyms("|".join(row).split("|") for row in rows)


def frame_matches(
    trials: Iterable[TrialExtraction],
    patients: Any,
    to: str,
    *,
    min_confidence: float,
    synonyms: Iterable[Iterable[str]],
    registry: RegisteredByRecord,
) -> Any:
    """Return the table ``matches`` as a data frame of the library ``to``. ``patients`` is a data
    frame, or an iterable of rows as dictionaries.
    """
    library = open_library(to)
    rows = patients
    if hasattr(patients, "to_dicts"):
        rows = patients.to_dicts()
    elif hasattr(patients, "to_dict"):
        rows = patients.to_dict("records")
    found = match_trials(
        trials,
        list_patients(rows, "patients"),
        min_confidence=min_confidence,
        synonyms=join_synonyms(synonyms),
        registry=registry,
    )
    return make_frame(library, to, MATCHES, [*map(list_cells, found)])
