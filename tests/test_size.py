"""The package stays small: each room has a budget of syntax nodes, which only falls.

``size.toml`` names the rooms, the folders and files that count to each, and their budgets. A file
counts to the most specific place that holds it.
"""

import ast
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "extractor"
ROOMS = tomllib.loads(Path(__file__).with_name("size.toml").read_text("utf-8"))
PLACES = {place: room for room, about in ROOMS.items() for place in about["places"]}
ROOT_FILES = "root files"


def name_room(path: Path) -> str:
    """Return the room of a file of the package."""
    place = path.relative_to(PACKAGE)
    for candidate in (place, *place.parents):
        room = PLACES.get(candidate.as_posix())
        if room:
            return room
    return ROOT_FILES


@cache
def count_nodes() -> Counter[str]:
    """Count the syntax nodes of each room."""
    nodes: Counter[str] = Counter()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        nodes[name_room(path)] += sum(1 for _ in ast.walk(tree))
    return nodes


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_at_most_the_nodes_of_its_budget(room):
    nodes = count_nodes()[room]

    assert 0 < nodes <= ROOMS[room]["budget"], (
        f"{room} has {nodes} syntax nodes: simplify it, do not raise its budget"
    )


def test_every_file_belongs_to_a_room():
    assert set(count_nodes()) == set(ROOMS)
