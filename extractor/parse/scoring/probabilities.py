"""Scores made probabilities, and probabilities made honest confidences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Calibration", "list_rivals", "to_probabilities"]

_ENOUGH, _MOST = 0.97, 5
"""Rivals are listed until the right class is almost surely among them, but no more than so many."""


def to_probabilities(scores: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Probabilities that add up to 1 in each row.

    >>> import numpy as np
    >>> to_probabilities(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    import numpy as np  # noqa: PLC0415

    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: NDArray[np.float32] = raised / raised.sum(axis=1, keepdims=True)
    return chances


def list_rivals(chances: "NDArray[np.float32]", classes: Sequence[str]) -> list[tuple[str, ...]]:
    """For each row the classes that may be right in place of the likeliest one, likeliest first.

    >>> import numpy as np
    >>> list_rivals(np.array([[0.6, 0.01, 0.38, 0.01], [0.99, 0.0, 0.01, 0.0]]), ("age", "sex", "diet", "other"))
    [('diet',), ()]
    """
    import numpy as np  # noqa: PLC0415

    order = np.argsort(-chances, axis=1)[:, : _MOST + 1]
    reached = np.cumsum(np.take_along_axis(chances, order, axis=1), axis=1)
    wanted = (reached < _ENOUGH).sum(axis=1)
    return [
        tuple(classes[one] for one in row[1 : count + 1])
        for row, count in zip(order.tolist(), wanted.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Calibration:
    """How often answers of a probability (``stated``, rising) were right on trials that the scorers had not seen."""

    stated: "NDArray[np.float32]"
    right: "NDArray[np.float32]"

    def confidences(self, probabilities: "NDArray[np.float32]") -> list[float]:
        """How often such answers are right, between the measured points on a line.

        >>> import numpy as np
        >>> Calibration(np.array([0.0, 1.0]), np.array([0.2, 1.0])).confidences(np.array([0.5, 0.9]))
        [0.6, 0.92]
        """
        import numpy as np  # noqa: PLC0415

        found: list[float] = np.interp(probabilities, self.stated, self.right).round(3).tolist()
        return found
