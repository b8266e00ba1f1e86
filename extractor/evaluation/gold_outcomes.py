"""Gold endpoints against the registered outcomes: none missing, none extra, in the record's order."""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.schemas import Endpoint, Rank

from .gold_problems import Flaw
from .places import name_outcome

__all__ = ["check_order"]

_Place = tuple[Rank, int]


def check_order(endpoints: Sequence[tuple[str, Endpoint]], registered: Sequence[_Place]) -> Iterator[Flaw]:
    """Every difference between the ranks and indices of the endpoints and those of the registered outcomes."""
    places = [(endpoint.rank, endpoint.index) for _, endpoint in endpoints]
    counts = Counter(rank for rank, _ in registered)
    seen: set[_Place] = set()
    for (path, _), place in zip(endpoints, places, strict=True):
        if place in seen:
            yield Flaw(f"{path}.index", f"{name_outcome(*place)} is annotated twice", "correct rank and index")
        elif place not in registered:
            problem = f"there is no {name_outcome(*place)}: the record has {counts[place[0]]} {place[0]} outcomes"
            yield Flaw(f"{path}.index", problem, "correct rank and index, or remove the endpoint")
        seen.add(place)
    for place in registered:
        if place not in seen:
            yield Flaw("endpoints", f"{name_outcome(*place)} is not annotated", "add an endpoint for it")
    yield from _check_ascending(endpoints, places, registered)


def _check_ascending(
    endpoints: Sequence[tuple[str, Endpoint]], places: Sequence[_Place], registered: Sequence[_Place]
) -> Iterator[Flaw]:
    order = {place: number for number, place in enumerate(registered)}
    furthest = -1
    for (path, _), place in zip(endpoints, places, strict=True):
        number = order.get(place)
        if number is not None and number < furthest:
            yield Flaw(
                path, f"{name_outcome(*place)} stands behind a later outcome", "write them in the record's order"
            )
        elif number is not None:
            furthest = number
