"""A folder of brat files as gold annotations: the inclusion and the exclusion list of a trial become one."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from extractor.schemas import CriterionKind, Eligibility, TrialExtraction

from .annotated import Annotated, count_quoted
from .criteria import AnnotatedCriterion, read_criteria
from .mapping import BratMapping, load_mapping
from .people import read_age_limits, read_annotated_sex
from .problems import BratProblem
from .standoff import read_standoff

__all__ = ["BratTrial", "OnProblem", "import_brat", "read_trials"]

OnProblem = Callable[[BratProblem], None]
_Lists = dict[CriterionKind, Path]


@dataclass(frozen=True, slots=True)
class BratTrial:
    """An annotation, the text of the lists that it annotates, and what of it gold has no field for, by name."""

    extraction: TrialExtraction
    texts: dict[CriterionKind, str]
    quoted: Counter[str]


def import_brat(folder: str | PathLike[str], on_problem: OnProblem) -> Iterator[TrialExtraction]:
    """The trials of a folder of ``.txt`` and ``.ann`` files in the order of their names, one at a time.

    A trial is the pair ``<id>_inc.txt`` and ``<id>_exc.txt``, of which one may be missing. Each line with
    annotations is one criterion. All that the mapping or the grammars cannot carry over goes to ``on_problem``
    and is left empty.
    Only eligibility is annotated in such corpora: dosing, endpoints and ``healthy_volunteers`` stay empty.
    """
    return (trial.extraction for trial in read_trials(folder, on_problem))


def read_trials(folder: str | PathLike[str], on_problem: OnProblem) -> Iterator[BratTrial]:
    """As ``import_brat``, with the texts."""
    mapping = load_mapping()
    for name, lists in _pair_files(Path(folder), mapping, on_problem).items():
        trial = _read_trial(name, lists, mapping, on_problem)
        if trial:
            yield trial


def _pair_files(folder: Path, mapping: BratMapping, on_problem: OnProblem) -> dict[str, _Lists]:
    trials: dict[str, _Lists] = {}
    texts = sorted(folder.glob("*.txt"))
    if not texts:
        on_problem(BratProblem(str(folder), None, "the folder holds no .txt file"))
    for orphan in sorted(path for path in folder.glob("*.ann") if path.with_suffix(".txt") not in texts):
        on_problem(BratProblem(str(orphan), None, "there is no .txt file beside it"))
    for path in texts:
        for suffix, kind in mapping.suffixes.items():
            if path.stem.endswith(suffix):
                trials.setdefault(path.stem.removesuffix(suffix), {})[kind] = path
                break
        else:
            ends = " or ".join(mapping.suffixes)
            on_problem(BratProblem(str(path), None, f"its name does not end with {ends}: which list is it?"))
    return trials


def _read_trial(name: str, lists: _Lists, mapping: BratMapping, on_problem: OnProblem) -> BratTrial | None:
    found: list[AnnotatedCriterion] = []
    texts: dict[CriterionKind, str] = {}
    quoted: Counter[str] = Counter()
    for kind in CriterionKind:
        annotated = _read_list(lists[kind], kind, mapping, on_problem) if kind in lists else None
        if annotated:
            texts[kind] = annotated.text
            quoted += count_quoted(annotated)
            criteria, problems = read_criteria(annotated)
            found += criteria
            for place, problem in problems:
                on_problem(BratProblem(str(lists[kind].with_suffix(".ann")), place, problem))
    if not texts:
        return None
    minimum, maximum = read_age_limits([item.criterion for item in found])
    eligibility = Eligibility(
        minimum_age=minimum,
        maximum_age=maximum,
        sex=read_annotated_sex(found, mapping),
        criteria=tuple(item.criterion for item in found),
    )
    return BratTrial(TrialExtraction(record_id=name, eligibility=eligibility), texts, quoted)


def _read_list(path: Path, kind: CriterionKind, mapping: BratMapping, on_problem: OnProblem) -> Annotated | None:
    try:
        # Offsets count the characters of the file: its line ends are left alone.
        text, annotations = (p.read_bytes().decode("utf-8") for p in (path, path.with_suffix(".ann")))
    except (OSError, UnicodeDecodeError) as problem:
        on_problem(BratProblem(str(path), None, f"the list is left out, a file cannot be read: {problem}"))
        return None
    return Annotated(text, read_standoff(annotations, text), kind, mapping)
