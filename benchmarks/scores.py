"""When a value that was read agrees with an annotated one, and how true stated confidences are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, TypeAdapter
from scipy.stats import binomtest  # type: ignore[import-untyped]

from extractor.evaluation.fields import FIELDS
from extractor.parse.parsed import CERTAIN
from extractor.schemas import Criterion, Eligibility, Endpoint, Regimen

_BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, CERTAIN, 0.98, 1.01)
_FIELDS = {field.name: field for field in FIELDS}
_MODELS: dict[str, type[BaseModel]] = {
    "eligibility.criteria": Criterion,
    "eligibility": Eligibility,
    "dosing": Regimen,
    "endpoints": Endpoint,
}


def is_right(field: str, value: Any, label: Any) -> bool:
    """Whether a value says what an annotator says, as an evaluation compares normalised values. Empty is None or ().

    >>> is_right("dosing.route", None, None), is_right("endpoints.methods", ("ELISA",), ("PCR",))
    (True, False)
    """
    shape = _FIELDS[field].comparer
    ours, theirs = (Counter(map(shape.key, shape.spread(one))) for one in (label, value))
    return ours == theirs


def read_label(field: str, label: Any) -> Any:
    """A label of a JSON file as the value of the schema.

    >>> read_label("endpoints.time_points", [{"value": 4, "unit": "week"}])[0].value
    4
    """
    return _adapter(field).validate_python(label)


@cache
def _adapter(field: str) -> TypeAdapter[Any]:
    path, attribute = field.rsplit(".", 1)
    annotation: Any = _MODELS[path].model_fields[attribute].annotation
    return TypeAdapter(annotation)


@dataclass(frozen=True, slots=True)
class Guess:
    """Whether one answer was right, and how probable it was said to be."""

    right: bool
    confidence: float


def format_calibration(guesses: Sequence[Guess]) -> str:
    """Share of right answers, over all, among the certain ones, and by the confidence that was stated.

    >>> print(format_calibration([Guess(True, 0.99), Guess(False, 0.4)]))
    2 items, right 0.500; certain 0.500 of them, right among these 1.000
      0.30-0.50      1  0.000
      0.98-1.00      1  1.000
    """
    certain = [guess.right for guess in guesses if guess.confidence >= CERTAIN]
    lines = [
        f"{len(guesses)} items, right {_share(sum(g.right for g in guesses), len(guesses))}; "
        f"certain {_share(len(certain), len(guesses))} of them, right among these {_share(sum(certain), len(certain))}"
    ]
    for low, high in pairwise(_BINS):
        inside = [guess.right for guess in guesses if low <= guess.confidence < high]
        if inside:
            lines.append(f"  {low:.2f}-{min(high, 1):.2f} {len(inside):>6}  {_share(sum(inside), len(inside))}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    >>> [round(bound, 3) for bound in wilson(98, 100)]
    [0.93, 0.994]
    """
    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
