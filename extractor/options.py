"""The options of an extraction. One object is passed through all layers and processes."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from extractor.schemas import Task

__all__ = ["Assist", "ExtractionOptions"]


class Assist(StrEnum):
    """Which questions a model gets.

    - ``auto``: fields that the rules are unsure of, if the expected gain is worth the tokens.
    - ``always``: every field that a model may fill, as a second annotator.
    - ``never``: none.

    >>> Assist("auto")
    <Assist.AUTO: 'auto'>
    """

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, init=False)
class ExtractionOptions:
    """The tasks to extract, the use of the model, and the lowest confidence of a value.

    A value with a confidence below ``min_confidence`` (0 to 1) is left out; its absence has the reason
    ``low_confidence``. Tasks and ``assist`` may be strings. Raises ``ValueError`` for an unknown name, no task, or a
    confidence outside 0 to 1.

    >>> ExtractionOptions(["dosing"], "never").assist
    <Assist.NEVER: 'never'>
    """

    tasks: frozenset[Task]
    assist: Assist
    min_confidence: float

    def __init__(
        self,
        tasks: Collection[Task | str] = frozenset(Task),
        assist: Assist | str = Assist.AUTO,
        min_confidence: float = 0.0,
    ) -> None:
        unknown = sorted(set(tasks) - set(Task))
        if unknown or not tasks:
            named = f"{', '.join(unknown)}: no such task" if unknown else "no task is named"
            raise ValueError(f"{named}; choose from {', '.join(Task)}")
        if assist not in set(Assist):
            raise ValueError(f"{assist}: no such assist; choose from {', '.join(Assist)}")
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"{min_confidence} is not a confidence; choose a number from 0 to 1, such as 0.9")
        object.__setattr__(self, "tasks", frozenset(map(Task, tasks)))
        object.__setattr__(self, "assist", Assist(assist))
        object.__setattr__(self, "min_confidence", float(min_confidence))
