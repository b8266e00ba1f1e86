"""The package stays small: each room has a budget of syntax nodes. It falls with each
rewrite; a documented feature, or an error that a case shows, may raise it by what it needs.

``size.toml`` names the rooms, the folders and files that count to each, and their budgets. A file
counts to the most specific place that holds it.
"""

import ast
import tomllib
from collections import Counter
from pathlib import Path

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


def test_each_room_has_at_most_the_nodes_of_its_budget_and_each_file_a_room():
    nodes: Counter[str] = Counter()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        nodes[name_room(path)] += sum(1 for _ in ast.walk(tree))

    budgets = {room: about["budget"] for room, about in ROOMS.items()}
    assert nodes.keys() == budgets.keys()
    over = {room: count for room, count in nodes.items() if count > budgets[room]}
    assert over == {}, (
        "simplify these rooms; only a documented feature or a mended error may raise a budget"
    )
