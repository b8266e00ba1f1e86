"""The time to pair two versions of long lists."""

from extractor.diff.pairing import Placed, pair_versions
from extractor.diff.wording import read_wording


def test_long_lists_are_compared_near_each_place() -> None:
    wording, compared = read_wording("Adults"), 0

    def measure(one: Placed[int], other: Placed[int]) -> float:
        nonlocal compared
        compared += 1
        return float(one.item == other.item)

    old = [Placed(str(number), number, wording) for number in range(3000)]
    pairs = pair_versions(old, old[1:], measure, 0.5)
    assert [len(pair.new) for pair in pairs].count(1) == 2999
    assert compared < 2_000_000
