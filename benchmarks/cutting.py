"""Take apps out of a copy of the package, and test what is left.

    python -m benchmarks.cutting                 without any app: the core
    python -m benchmarks.cutting serve review    without these two, and what imports them

Modules that import a removed one go with it. Imports within functions are not counted: they are of
features that only then fail. Every module that is left is imported, and the tests of the core run
on the copy, which lies in a temporary folder.
"""

import argparse
import ast
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
_PACKAGE = ROOT / "extractor"
_CORE_TESTS = ("cases", "outline", "measures", "assemble", "audit", "hostile", "proof")
"""The folders of ``tests`` that use no app."""
_NEEDED_BY_TESTS = ("tests", "seeds", "pyproject.toml")
_IMPORT_ALL = """\
import pkgutil, sys
from importlib import import_module
import extractor
assert extractor.__path__[0].startswith(sys.argv[1]), extractor.__path__
found = pkgutil.walk_packages(extractor.__path__, "extractor.")
names = [module.name for module in found if not module.name.endswith("__main__")]
for name in names:
    import_module(name)
record = extractor.make_record("Inclusion criteria:\\n- HbA1c of at least 7.5 %")
extraction = extractor.Extractor(effort="none").extract(record)
limit = extraction.eligibility.criteria[0].constraints[0]
assert (limit.quantity, limit.value) == ("HbA1c", 7.5), limit
print(f"{len(names)} modules are left; each is imported, and a record is read")
"""


def name_module(path: Path) -> str:
    """Return the name of the module in a file: ``extractor.apps.export`` for its ``__init__.py``."""
    parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def list_imports(path: Path) -> Iterator[str]:
    """Yield what a file imports when it is imported itself: modules, and names in modules."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, packages: Iterable[str]) -> bool:
    """Return whether a name is one of these packages, or lies in one."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def find_removed(modules: Mapping[str, Path], removed: Iterable[str]) -> set[str]:
    """Return the modules to remove: these, and those that import one of them, directly or not."""
    gone = {name for name in modules if is_within(name, removed)}
    imports = {name: set(list_imports(path)) for name, path in modules.items()}
    while True:
        # a package goes with its ``__init__``
        more = {
            name
            for name, imported in imports.items()
            if name not in gone
            and (imported & gone or is_within(name, gone - {"extractor"}))
        }
        if not more:
            return gone
        gone |= more


def copy_without(gone: Iterable[str], modules: Mapping[str, Path], to: Path) -> None:
    """Copy the package without these modules, and what its tests need, to a folder."""
    shutil.copytree(
        _PACKAGE, to / "extractor", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in gone:
        (to / modules[name].relative_to(ROOT)).unlink()
    for name in _NEEDED_BY_TESTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, to / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(source, to / name)


def main() -> int:
    """Return the exit code of the tests, or of the imports if these fail."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("apps", nargs="*", help="apps to remove; without any: all")
    parser.add_argument(
        "--tests", nargs="*", default=_CORE_TESTS, help="folders of tests"
    )
    parser.add_argument("--keep", type=Path, help="write the copy to this new folder")
    given = parser.parse_args()
    modules = {name_module(path): path for path in sorted(_PACKAGE.rglob("*.py"))}
    removed = [f"extractor.apps.{name}" for name in given.apps] or ["extractor.apps"]
    unknown = [name for name in removed if name not in modules]
    if unknown:
        parser.error(f"no such app: {', '.join(unknown)}")
    gone = find_removed(modules, removed)
    others = sorted(name for name in gone if not is_within(name, removed))
    print(f"removed: {len(gone)} modules, of which these import an app:", *others)
    with TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch) / "core"
        copy_without(gone, modules, folder)
        run = [sys.executable, "-c", _IMPORT_ALL, str(folder.resolve())]
        done = subprocess.run(run, cwd=folder, check=False)
        if done.returncode:
            return done.returncode
        tests = [f"tests/{name}" for name in given.tests]
        options = ["-n", "0", "--noconftest", "-p", "no:cacheprovider"]
        run = [sys.executable, "-m", "pytest", *options, *tests]
        return subprocess.run(run, cwd=folder, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
