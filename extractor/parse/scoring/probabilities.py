"""Scores made probabilities, and probabilities made honest confidences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Calibration", "to_probabilities"]


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
