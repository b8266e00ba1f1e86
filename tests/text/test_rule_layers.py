"""Rules keep the order of the packages, as imports do: a rule or a module uses rules of its own
package and of lower ones.

The order is the contract "Data flows one way" in ``pyproject.toml``. Concepts are one layer.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.text.rule_check import BOOK, PACKAGE, RULE_FILES

REFERENCE = re.compile(r"(?<!\?P)<\+?(\w+)>")
LOOK_UPS = {"_finds", "ends_with", "find_terms", "read_term", "rule", "terms_of"}
"""Functions that take the name of a rule or a vocabulary. Other functions may take one with "_"."""
CONTRACTS = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))
LAYERS = CONTRACTS["tool"]["importlinter"]["contracts"][0]["layers"][::-1]


def test_a_package_uses_no_rules_of_upper_packages():
    homes = {name: find_layer(path) for path in RULE_FILES for name in list_names(path)}
    found: dict[str, set[str]] = {}
    for path, name in list_uses():
        if name in homes and find_layer(path) < homes[name]:
            found.setdefault(path.relative_to(PACKAGE).parts[0], set()).add(name)

    assert found == {}


def find_layer(path: Path) -> int:
    """Return the number of a file's layer, the lowest first; the lowest too for a file in none."""
    module = ".".join(("extractor", *path.relative_to(PACKAGE).with_suffix("").parts))
    for number, layer in enumerate(LAYERS):
        for package in layer.split(" | "):
            if f"{module}.".startswith(f"{package}."):
                return number
    return 0


def list_names(path: Path) -> Iterator[str]:
    """Yield the names of the rules in a file, or of its vocabulary."""
    yield from tomllib.loads(path.read_text("utf-8")).get("rule", {})
    yield from {path.stem, path.parent.name} & BOOK.vocabularies.keys()


def list_uses() -> Iterator[tuple[Path, str]]:
    """Yield each file that names a rule or a vocabulary, with the name."""
    for path in RULE_FILES:
        text = path.read_text("utf-8")
        for name in REFERENCE.findall(text):
            yield path, name
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = getattr(node.func, "id", "")
            names = [str(getattr(each, "value", "")) for each in node.args]
            if function != "word_list":
                yield from (
                    (path, name)
                    for name in names
                    if "_" in name or function in LOOK_UPS
                )
