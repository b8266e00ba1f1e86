"""One word means one thing: no class has the name of another class, and no public function that of
another one.
"""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1] / "extractor"
NAMED_FOR_USERS = ("apps/cli/", "apps/serve/routes.py", "__main__.py")
"""Files whose public functions are commands and paths, which users name."""
ALLOWED = {
    "Regimen": "the statements that become a regimen (doses/merging), and the regimen itself",
}
"""The classes whose name may stand twice, with the reason."""


def list_definitions():
    """Yield the file, the name and the node of each class and function of a module."""
    for path in sorted(ROOT.rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield file, node.name, node


def find_doubles(named):
    files = defaultdict(set)
    for file, name in named:
        files[name].add(file)
    return {name: sorted(found) for name, found in files.items() if len(found) > 1}


def test_no_two_classes_have_one_name():
    doubles = find_doubles(
        (file, name)
        for file, name, node in list_definitions()
        if isinstance(node, ast.ClassDef)
    )
    assert len(ALLOWED) <= 3
    assert doubles.keys() == ALLOWED.keys(), doubles


def test_no_two_public_functions_have_one_name():
    doubles = find_doubles(
        (file, name)
        for file, name, node in list_definitions()
        if not isinstance(node, ast.ClassDef)
        and not name.startswith("_")
        and not file.endswith(NAMED_FOR_USERS)
        and not file.startswith(NAMED_FOR_USERS)
    )
    assert doubles == {}
