"""What a text is about: words that stand in like places have like vectors, and a text points where its words do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["WordVectors", "point"]


@dataclass(frozen=True, eq=False)
class WordVectors:
    """``rows`` finds a word's row of ``vectors``, which are the shorter the commoner the word is."""

    rows: dict[str, int]
    vectors: "NDArray[np.float32]"

    @property
    def size(self) -> int:
        return int(self.vectors.shape[1])


def point(sums: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The directions of sums of vectors: of length 1, or zeros where there was no known word.

    >>> import numpy as np
    >>> point(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    import numpy as np  # noqa: PLC0415

    lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    directions: NDArray[np.float32] = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return directions
