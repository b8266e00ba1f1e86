"""What can be taken out of a function, and what is left of it."""

import ast

from benchmarks.knockout import list_cuts

SOURCE = """
def choose(line) -> bool:
    if line.is_heading:
        return False
    return line.has_number and line.has_unit
"""
LEFT = {
    "function": "return False",
    "branch": "if line.is_heading: pass return line.has_number and line.has_unit",
    "operand": "if line.is_heading: return False return line.has_unit",
}


def test_each_part_is_taken_out_of_a_function():
    left = {}
    for number, _ in enumerate(ast.walk(ast.parse(SOURCE))):
        tree = ast.parse(SOURCE)
        node = list(ast.walk(tree))[number]
        for cut in list_cuts(node)[:1]:
            cut.apply()
            body = map(ast.unparse, tree.body[0].body)
            left[cut.kind] = " ".join(" ".join(body).split())

    assert left == LEFT
