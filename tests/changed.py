"""Check the rules and expressions that you have changed, in seconds.

    python -m tests.changed              what differs from the last commit
    python -m tests.changed FILE...      all rules, terms or expressions of these files
    python -m tests.changed RULE...      these rules alone, by name

Of each changed rule it checks the examples, and of the rule and of those that insert it, that their
time grows with the length of the text. Then it runs the cases of the fields that the files decide, or
the tests of verdicts for files of ``match``.
Before you propose a change, run all quick tests.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import pytest

from extractor.apps.cli.parse import PLACES
from extractor.language.patterns import TokenRule
from tests.growth import Expression, _list_of_module
from tests.text.rule_check import BOOK, PACKAGE, list_faults, list_faults_of_file

ROOT = PACKAGE.parent
MATCH = PACKAGE / "match"
REFERENCE = re.compile(r"<\+?(\w+)>")


def list_changed_files() -> list[Path]:
    """The rule files, modules and cases that differ from the last commit, or are new."""
    names = []
    for command in ("diff --name-only HEAD", "ls-files --others --exclude-standard"):
        git = ["git", "-C", str(ROOT), *command.split()]
        names += subprocess.run(
            git, capture_output=True, text=True, check=True
        ).stdout.split()
    files = (ROOT / name for name in names)
    return [path for path in files if path.suffix in {".toml", ".py"} and path.exists()]


def find_rule_files(names: Iterable[str]) -> list[Path]:
    """The files of these rules, each once."""
    return [*dict.fromkeys(ROOT / BOOK.rules[name].file for name in names)]


def list_rules(path: Path, *, only_changed: bool) -> Iterator[str]:
    """Yield the names of the rules in a file, or of its vocabulary."""
    if "terms" in path.parts:
        yield from {path.stem, path.parent.name} & BOOK.vocabularies.keys()
        return
    before = read_committed(path) if only_changed else {}
    for name, table in tomllib.loads(path.read_text("utf-8")).get("rule", {}).items():
        if before.get(name) != table:
            yield name


def read_committed(path: Path) -> dict[str, object]:
    """The rules of a file in the last commit; none if it is new."""
    git = ["git", "-C", str(ROOT), "show", f"HEAD:{path.relative_to(ROOT).as_posix()}"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    rules: dict[str, object] = tomllib.loads(done.stdout).get("rule", {})
    return rules


def find_users(names: Iterable[str]) -> set[str]:
    """These rules, and all that insert one of them, directly or not."""
    users = set(names)
    inserted = {
        name: set(REFERENCE.findall(rule.pattern)) for name, rule in BOOK.rules.items()
    }
    while True:
        more = {name for name, within in inserted.items() if within & users} - users
        if not more:
            return users
        users |= more


def list_cases(files: Iterable[Path]) -> set[str]:
    """The files of cases of the fields that these files decide, and changed ones."""
    cases = set()
    for path in files:
        if path.parent == ROOT / "tests" / "cases":
            cases.add(path.name)
            continue
        # rules and readers are listed relative to `concepts`, or to the package
        decided = [
            place.cases
            for place in PLACES
            if any(path.match(name) for name in (*place.rules, place.reader))
        ]
        folder = (
            path.relative_to(PACKAGE).parts[1] if path.is_relative_to(PACKAGE) else ""
        )
        of_folder = [
            place.cases for place in PLACES if place.reader.startswith(f"{folder}/")
        ]
        cases.update(decided or of_folder)
    return cases


def check_time(expressions: Iterable[Expression]) -> Iterator[str]:
    """Yield the expressions whose time grows faster than the text."""
    for expression in expressions:
        yield from expression.find_slow()


def list_tests(files: Sequence[Path]) -> list[str]:
    """The arguments of ``pytest`` that run what these files decide; none if that is unknown."""
    tests = []
    if any(path.is_relative_to(MATCH) for path in files):
        tests.append("tests/match/test_criteria.py")
    cases = sorted(list_cases(files))
    if cases:
        print("cases:", *cases)
        words = " or ".join(f"{name.removesuffix('.toml')}:" for name in cases)
        # `-k` chooses among all tests that are given
        words += " or test_criteria" if tests else ""
        tests += ["tests/cases", "-k", words]
    return tests


def main(names: list[str]) -> int:
    unknown = [
        name for name in names if name not in BOOK.rules and not Path(name).is_file()
    ]
    if unknown:
        print("neither a rule nor a file:", *unknown)
        return 2
    chosen = [name for name in names if name in BOOK.rules]
    paths = [Path(name).resolve() for name in names if name not in BOOK.rules]
    files = [*find_rule_files(chosen), *paths] or list_changed_files()
    rule_files = [path for path in files if "rules" in path.parts]
    rules: list[TokenRule] = []
    faults = []
    for path in rule_files:
        faults += list_faults_of_file(path)
        for name in list_rules(path, only_changed=not names):
            if chosen and not paths and name not in chosen:
                continue
            rule = BOOK.rules[name]
            rules.append(rule)
            if name not in BOOK.vocabularies:
                faults += [
                    f"{path.name}: {name}: {fault}" for fault in list_faults(rule)
                ]
    users = sorted(find_users(rule.name for rule in rules))
    expressions = [
        Expression(name, BOOK.rules[name].expression, ("finditer", "fullmatch"))
        for name in users
    ]
    for path in files:
        if path.suffix == ".py" and path.is_relative_to(PACKAGE):
            parts = path.relative_to(ROOT).with_suffix("").parts
            module = import_module(".".join(parts).removesuffix(".__init__"))
            expressions += _list_of_module(module)
    print(
        f"{len(rules)} rules, {len(expressions)} expressions with those that insert them"
    )
    faults += check_time(expressions)
    print("\n".join(faults) or "they are well made, and their time is linear")
    tests = list_tests(files)
    if not tests:
        print("no cases belong to these files: run pytest tests/cases")
        return bool(faults)
    return pytest.main(["-n", "0", *tests]) or bool(faults)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
