"""Code that reads once: few branches in a function, one assignment a line, no nested conditions."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "extractor").rglob("*.py"))
MOST_BRANCHES = 15

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.NamedExpr,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.match_case,
)


def count_branches(function: ast.AST) -> int:
    """Count the ways through a function: statements and expressions alike."""
    branches = 0
    for node in ast.walk(function):
        if isinstance(node, _BRANCHES):
            branches += 1
        elif isinstance(node, ast.BoolOp):
            branches += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            branches += 1 + len(node.ifs)
    return branches


def is_branchy(node: ast.AST) -> bool:
    return isinstance(node, _FUNCTIONS) and count_branches(node) > MOST_BRANCHES


def is_packed(node: ast.AST) -> bool:
    """Return whether a statement assigns several values that have nothing to do with each other.

    ``a, b = b, a`` needs one statement; ``a, b = x, y`` is two.
    """
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    target = node.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) != len(node.value.elts):
        return False
    stored = {ast.unparse(elt) for elt in target.elts}
    read = {
        ast.unparse(expression)
        for expression in ast.walk(node.value)
        if isinstance(expression, ast.expr)
    }
    return not stored & read


def is_nested(node: ast.AST) -> bool:
    """Return whether a conditional expression has another one in it."""
    if not isinstance(node, ast.IfExp):
        return False
    return any(
        isinstance(inner, ast.IfExp) for inner in ast.walk(node) if inner is not node
    )


def find(is_wrong, nodes: Iterable[ast.AST]) -> list[int]:
    return [node.lineno for node in nodes if is_wrong(node)]


def test_a_function_has_few_branches_an_assignment_one_value_a_condition_no_other():
    places = {is_branchy: [], is_packed: [], is_nested: []}
    for path in FILES:
        nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
        for is_wrong, found in places.items():
            found += [
                f"{path.relative_to(ROOT)}:{line}" for line in find(is_wrong, nodes)
            ]
    assert not any(places.values()), places


@pytest.mark.parametrize(
    ("text", "branches", "packed", "nested"),
    [
        ("a, b = x, y", 0, True, False),
        ("a, b = b, a", 0, False, False),
        ("low, high = find(text)", 0, False, False),
        ("a = x if b else y", 1, False, False),
        ("a = x if b else y if c else z", 2, False, True),
        ("if a and a.b:\n  c = [d for d in a if d]", 4, False, False),
    ],
)
def test_branches_are_counted_and_packed_and_nested_statements_are_found(
    text, branches, packed, nested
):
    module = ast.parse(text)
    nodes = [*ast.walk(module)]
    assert count_branches(module) == branches
    assert bool(find(is_packed, nodes)) == packed
    assert bool(find(is_nested, nodes)) == nested
