"""The options of an extraction. One object is passed through all layers and processes."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from extractor.fields.declaration import CustomField
from extractor.schemas import Task
from extractor.suggestions import refuse_unknown, suggest


class Effort(StrEnum):
    """How doubtful a value must be before a model is asked about it.

    - ``none``: the model is asked nothing; only the rules run.
    - ``low``: its confidence is below 0.6.
    - ``medium``: its confidence is below 0.9.
    - ``high``: the model is asked about everything and reads the whole record. The rules are a second opinion.

    >>> Effort("high")
    <Effort.HIGH: 'high'>
    """

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_ASKS_BELOW = {Effort.NONE: 0.0, Effort.LOW: 0.6, Effort.MEDIUM: 0.9, Effort.HIGH: 2.0}
"""The confidence below which a value is asked about."""


_RARITY = 4
"""How much more a doubt weighs in a field that few items state."""


def read_effort(effort: str | float) -> Effort | float:
    """Read an effort by its name, or as the confidence from 0 to 1 below which a value is asked about.

    Raises ``ValueError`` for anything else.

    >>> read_effort("low"), read_effort("0.8"), read_effort(0)
    (<Effort.LOW: 'low'>, 0.8, <Effort.NONE: 'none'>)
    """
    with suppress(ValueError):
        if effort in set(Effort):
            return Effort(effort)
        if not isinstance(effort, bool) and 0 <= (confidence := float(effort)) <= 1:
            return confidence or Effort.NONE
    nearest = suggest(str(effort), tuple(Effort))
    raise ValueError(f"{effort}: no such effort{nearest}; choose from {', '.join(Effort)}, or a number from 0 to 1")


@dataclass(frozen=True, slots=True, init=False)
class ExtractionOptions:
    """The tasks to extract, the use of the model, and the lowest confidence of a value.

    ``effort`` is one of ``Effort``, or the confidence from 0 to 1 below which a value is asked about. A value with a
    confidence below ``min_confidence`` (0 to 1) is left out; its absence has the reason ``low_confidence``. ``fields``
    are the user's own. Names and efforts may be strings. Raises ``ValueError`` for an unknown name, no task, or a
    confidence outside 0 to 1.

    >>> ExtractionOptions(["dosing"], effort="none").asks
    False
    """

    tasks: frozenset[Task]
    min_confidence: float
    effort: Effort | float
    fields: tuple[CustomField, ...]

    def __init__(
        self,
        tasks: Collection[Task | str] = frozenset(Task),
        min_confidence: float = 0.0,
        effort: Effort | str | float = Effort.MEDIUM,
        fields: Iterable[CustomField] = (),
    ) -> None:
        if not tasks:
            raise ValueError(f"no task is named; choose from {', '.join(Task)}")
        refuse_unknown("task", sorted(tasks), tuple(Task))
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"{min_confidence} is not a confidence; choose a number from 0 to 1, such as 0.9")
        object.__setattr__(self, "effort", read_effort(effort))
        object.__setattr__(self, "tasks", frozenset(map(Task, tasks)))
        object.__setattr__(self, "min_confidence", float(min_confidence))
        object.__setattr__(self, "fields", tuple(fields))

    @property
    def asks(self) -> bool:
        """Whether a model is asked at all."""
        return self.effort is not Effort.NONE

    @property
    def asks_below(self) -> float:
        """The confidence below which a value is asked about; above 1 everything is."""
        return _ASKS_BELOW[self.effort] if isinstance(self.effort, Effort) else self.effort

    @property
    def asks_rare_below(self) -> float:
        """The same for fields that few items state, where a missed value weighs more; 0 asks about nothing."""
        return 1 - (1 - self.asks_below) / _RARITY if self.asks_below else 0.0

    @property
    def reads_all(self) -> bool:
        """Whether the model reads the whole record."""
        return self.asks_below > 1
