"""What nothing notices alone may be noticed together, where one helper stands in for another:
what can go at once.
"""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.knockout.trials import Result, Stub, Target

Try = Callable[[Target], Result]


def join_targets(targets: Sequence[Target], stubs: Sequence[Stub]) -> Target:
    """Return a target that takes all of them out at once."""

    def apply() -> Callable[[], None]:
        back = [stub.apply() for stub in stubs]

        def put_back() -> None:
            for each in reversed(back):
                each()

        return put_back

    probes = dict.fromkeys(probe for stub in stubs for probe in stub.probes)
    nodes = sum(target.nodes for target in targets)
    shown = f"{len(targets)} together"
    return Target(shown, nodes, "", len(probes), (Stub(shown, tuple(probes), apply),))


def is_free(result: Result) -> bool:
    """Return whether a trial lost no more than it won."""
    return not result.skipped and result.ended != "needed" and result.net <= 0


def find_free(
    pairs: Sequence[tuple[Target, Stub]], attempt: Try
) -> Iterator[tuple[Target, Stub]]:
    """Yield what can go together without a loss: take as many at once as possible, halve what
    cannot go.
    """
    free: list[tuple[Target, Stub]] = []
    left = [list(pairs)]
    while left:
        some = left.pop()
        together = [*free, *some]
        if is_free(
            attempt(
                join_targets(
                    [one for one, _ in together], [stub for _, stub in together]
                )
            )
        ):
            free += some
            yield from some
        elif len(some) > 1:
            middle = len(some) // 2
            left += [some[middle:], some[:middle]]
