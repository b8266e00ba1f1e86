"""Import a folder of brat annotations of eligibility as gold.

``brat_lists`` converts each annotated list. The inclusion and the exclusion list of a trial become one annotation.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from extractor.errors import StoreError
from extractor.schemas import (
    Age,
    Category,
    Comparator,
    Criterion,
    CriterionKind,
    Eligibility,
    Sex,
    TrialExtraction,
)

from .brat_lists import AnnotatedList, load_mapping
from .comparers import AGE_UNITS, count_days, list_bounds

_HEADINGS = {CriterionKind.INCLUSION: "Inclusion Criteria:", CriterionKind.EXCLUSION: "Exclusion Criteria:"}
_NAMED = re.compile(r"""'[^']*'|"[^"]*"|\b[TRE]\d+(?:, [TRE]\d+)*|\[Errno.*""")
_THINGS = re.compile(r"(?:[\w-]{1,99} )?\.\.\.(?:, (?:[\w-]{1,99} )?\.\.\.)+")


def _read_age_limits(criteria: Sequence[Criterion]) -> tuple[Age | None, Age | None]:
    """Return the lowest and highest age that the age criteria admit; ages without a unit are left out.

    The widest limits count. An exclusion bounds the opposite side.
    """
    ages: dict[bool, list[Age]] = {True: [], False: []}  # lower and upper limits
    for criterion in criteria:
        admits = criterion.kind is CriterionKind.INCLUSION
        for bound in list_bounds(criterion.constraints) if criterion.category is Category.AGE else ():
            unit = next((unit for unit in AGE_UNITS if unit == bound.unit), None)
            if unit and bound.comparator is not Comparator.EQUAL and (admits or not bound.of_range):
                is_lower = bound.comparator in (Comparator.AT_LEAST, Comparator.MORE)
                ages[is_lower is admits].append(Age(value=bound.value, unit=unit))

    def order(age: Age) -> float:
        return count_days(age) or 0.0

    return min(ages[True], key=order, default=None), max(ages[False], key=order, default=None)


class BratProblem(NamedTuple):
    """An annotation, a line or a file that did not become gold, wholly or in part.

    >>> BratProblem("t_inc.ann", "T4", "the entity type 'Colour' is not in the mapping").kind
    'the entity type ... is not in the mapping'
    """

    file: str
    place: str | None
    problem: str

    @property
    def kind(self) -> str:
        """The problem without the words of the text, as a key for counting."""
        return _THINGS.sub("several entities", _NAMED.sub("...", self.problem))


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Counts of an import, and the annotations that it could not convert.

    ``quoted`` counts annotations without a field in gold, by their names; ``problems`` are all others.
    """

    trials: int
    criteria: int
    without_category: int
    quoted: Counter[str]
    problems: tuple[BratProblem, ...]


def write_brat_import(folder: str | PathLike[str], out: str | PathLike[str]) -> ImportCounts:
    """Write ``out/gold/<id>.json`` and ``out/records/<id>.json`` for each trial of a folder of brat files.

    A trial is the pair ``<id>_inc`` and ``<id>_exc``, each ``.txt`` and ``.ann``; one of the two may be missing. Such
    corpora annotate only eligibility: dosing, endpoints and ``healthy_volunteers`` stay empty. The records hold the
    annotated lists as the eligibility section of the registry's JSON, so ``extractor run out/records`` and
    ``extractor evaluate out/gold`` read the annotated text.

    Raises ``StoreError`` if ``out`` already holds gold or records.
    """
    gold, records = Path(out) / "gold", Path(out) / "records"
    for place in (gold, records):
        if place.is_dir() and any(place.iterdir()):
            raise StoreError(f"{place}: already holds files; name another folder, or empty this one")
        place.mkdir(parents=True, exist_ok=True)
    trials, problems = _read_folder(Path(folder))
    quoted: Counter[str] = Counter()
    categories: list[Category | None] = []
    for name, lists in trials.items():
        lists.sort(key=lambda one: list(CriterionKind).index(one.kind))
        extraction = _join_lists(name, lists)
        text = "\n\n".join(f"{_HEADINGS[one.kind]}\n\n{one.text.strip()}" for one in lists)
        study = {"identificationModule": {"nctId": name}, "eligibilityModule": {"eligibilityCriteria": text}}
        for place, data in ((gold, extraction.to_gold()), (records, {"protocolSection": study})):
            written = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
            (place / f"{name}.json").write_text(written, "utf-8")
        quoted += sum((one.quoted for one in lists), Counter())
        categories += [criterion.category for criterion in extraction.eligibility.criteria]
    return ImportCounts(len(trials), len(categories), categories.count(None), quoted, tuple(problems))


def _join_lists(name: str, lists: Sequence[AnnotatedList]) -> TrialExtraction:
    criteria = tuple(criterion for one in lists for criterion in one.criteria)
    minimum, maximum = _read_age_limits(criteria)
    sexes = set[Sex]().union(*(one.sexes for one in lists))
    sex = Sex.ALL if len(sexes) > 1 else next(iter(sexes), None)
    eligibility = Eligibility(minimum_age=minimum, maximum_age=maximum, sex=sex, criteria=criteria)
    return TrialExtraction(record_id=name, eligibility=eligibility)


def _read_folder(folder: Path) -> tuple[dict[str, list[AnnotatedList]], list[BratProblem]]:
    """Return the lists of each trial, sorted by name, and all problems."""
    mapping, texts = load_mapping(), sorted(folder.glob("*.txt"))
    trials: dict[str, list[AnnotatedList]] = {}
    problems = [] if texts else [BratProblem(str(folder), None, "the folder holds no .txt file")]
    orphans = sorted(path for path in folder.glob("*.ann") if path.with_suffix(".txt") not in texts)
    problems += [BratProblem(str(path), None, "there is no .txt file beside it") for path in orphans]
    for path in texts:
        suffix = next((suffix for suffix in mapping.suffixes if path.stem.endswith(suffix)), None)
        if suffix is None:
            ends = " or ".join(mapping.suffixes)
            problems.append(BratProblem(str(path), None, f"its name does not end with {ends}: which list is it?"))
            continue
        notes = path.with_suffix(".ann")
        try:
            # Offsets count the characters of the file, so keep its line ends.
            text, annotations = (one.read_bytes().decode("utf-8") for one in (path, notes))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(BratProblem(str(path), None, f"the list is left out, a file cannot be read: {error}"))
            continue
        found = AnnotatedList(text, annotations, mapping.suffixes[suffix])
        problems += [BratProblem(str(notes), *problem) for problem in found.problems]
        trials.setdefault(path.stem.removesuffix(suffix), []).append(found)
    return trials, problems
