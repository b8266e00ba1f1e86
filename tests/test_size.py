"""The package stays small: one limit of syntax nodes for the whole.

No room has a limit of its own: budgets by room were met by packing code more densely.
"""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "extractor"
MOST_NODES = 404_100


def test_package_has_at_most_the_nodes_of_its_limit():
    trees = (ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py"))
    nodes = sum(1 for tree in trees for _ in ast.walk(tree))

    assert nodes <= MOST_NODES, "simplify the package before you add to it"
