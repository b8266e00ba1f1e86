"""Code that reads once: few branches in a function, one assignment a line, no nested conditions.

``branchy.json`` lists the functions that had more branches when the limit began. The list may only
shrink: ``python -m tests.test_readable`` writes it again, and refuses to make it longer.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "extractor").rglob("*.py"))
LIST = Path(__file__).with_name("branchy.json")
MOST_BRANCHES = 15

_STATEMENTS = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.match_case,
)
_EXPRESSIONS = (ast.IfExp, ast.NamedExpr)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def count_branches(function: ast.AST) -> int:
    """Count the ways through a function: statements and expressions alike."""
    branches = 0
    for node in ast.walk(function):
        if isinstance(node, (*_STATEMENTS, *_EXPRESSIONS)):
            branches += 1
        elif isinstance(node, ast.BoolOp):
            branches += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            branches += 1 + len(node.ifs)
    return branches


def list_functions(tree: ast.AST, around: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield each function with its name in the module, such as ``Lexicon.find``."""
    for node in ast.iter_child_nodes(tree):
        name = (
            f"{around}{node.name}"
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef))
            else ""
        )
        if isinstance(node, _FUNCTIONS):
            yield name, node
        yield from list_functions(node, f"{name}." if name else around)


def list_branchy(files: list[Path]) -> dict[str, int]:
    """Return the functions with more branches than a new one may have, with their numbers."""
    found = {}
    for path in files:
        place = path.relative_to(ROOT).as_posix()
        for name, function in list_functions(ast.parse(path.read_text("utf-8"))):
            branches = count_branches(function)
            if branches > MOST_BRANCHES:
                found[f"{place}::{name}"] = branches
    return found


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


def find(is_wrong, text: str) -> list[int]:
    return [node.lineno for node in ast.walk(ast.parse(text)) if is_wrong(node)]


def test_a_new_function_has_few_branches_and_an_old_one_no_more_than_it_had():
    known = json.loads(LIST.read_text("utf-8"))

    now = list_branchy(FILES)

    new = {name: count for name, count in now.items() if count > known.get(name, 0)}
    assert new == {}, f"more than {MOST_BRANCHES} branches: give the conditions names"


def test_the_list_of_branchy_functions_only_shrinks():
    known = json.loads(LIST.read_text("utf-8"))

    now = list_branchy(FILES)

    mended = {name for name, count in known.items() if now.get(name, 0) < count}
    assert mended == set(), "these became simpler: run python -m tests.test_readable"


@pytest.mark.parametrize("is_wrong", [is_packed, is_nested])
def test_an_assignment_has_one_value_and_an_expression_one_condition(is_wrong):
    places = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        for line in find(is_wrong, path.read_text("utf-8"))
    ]
    assert places == []


@pytest.mark.parametrize(
    ("text", "packed", "nested"),
    [
        ("a, b = x, y", True, False),
        ("a, b = b, a", False, False),
        ("low, high = find(text)", False, False),
        ("a = x if b else y", False, False),
        ("a = x if b else y if c else z", False, True),
    ],
)
def test_what_counts_as_packed_and_as_nested(text, packed, nested):
    assert bool(find(is_packed, text)) == packed
    assert bool(find(is_nested, text)) == nested


def test_branches_are_counted_as_they_are_read():
    [function] = ast.parse(
        "def f(a):\n  if a and a.b:\n    return [c for c in a if c]\n  return 1 if a else 2"
    ).body
    assert count_branches(function) == len(["if", "and", "for", "if", "if else"])


def main() -> None:
    """Write the list again, unless it would grow."""
    known = json.loads(LIST.read_text("utf-8")) if LIST.exists() else None
    now = list_branchy(FILES)
    grown = [
        name for name, count in now.items() if known and count > known.get(name, 0)
    ]
    if grown:
        sys.exit(f"these have too many branches: {', '.join(grown)}")
    LIST.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
