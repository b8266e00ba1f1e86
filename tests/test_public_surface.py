"""What people import, and what importing costs."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import extractor
from extractor import errors, face

REFERENCE = (Path(__file__).parents[1] / "docs/reference/python.md").read_text("utf-8")
RECORD = "tests/records/study.json"
HEAVY = {
    "openai",
    "instructor",
    "httpx2",
    "rich.progress",
    "vcr",
    "numpy",
    "duckdb",
    "fastapi",
}


def test_every_public_name_stands_in_the_reference():
    documented = {}
    for path in re.findall(r"^<!-- from (\S+) -->$", REFERENCE, re.MULTILINE):
        module, _, name = path.rpartition(".")
        documented[name] = getattr(import_module(module), name)
    assert {name: getattr(extractor, name) for name in extractor.__all__} == documented
    with pytest.raises(AttributeError, match="no attribute 'extract_everything'"):
        _ = extractor.extract_everything


def test_the_face_finds_each_of_its_names_where_the_type_checker_does():
    """The face has each name twice: for Python, and for tools that read the imports."""
    imports = {
        alias.name: node.module
        for node in ast.walk(ast.parse(Path(face.__file__).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("extractor")
        for alias in node.names
    }
    assert imports == face._MODULES
    assert sorted(imports) == sorted(face.__all__)
    for name in face.__all__:
        assert getattr(face, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'find_everything'"):
        _ = face.find_everything


def test_apps_may_import_no_inner_module():
    """A new module of the package is either public or forbidden to apps."""
    public = {"apps", "errors", "face", "schemas"}
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    contracts = {
        contract["name"]: contract
        for contract in settings["tool"]["importlinter"]["contracts"]
    }
    contract = contracts["Apps know the public face, and nothing behind it"]
    package = Path(extractor.__file__).parent
    modules = {module.name for module in iter_modules([str(package)])}
    apps = {module.name for module in iter_modules([str(package / "apps")])}

    assert contract["forbidden_modules"] == sorted(
        f"extractor.{name}" for name in modules - public - {"__main__"}
    )
    assert contract["source_modules"] == sorted(
        f"extractor.apps.{name}" for name in apps - {"cli"}
    )


def test_every_error_is_an_extractor_error_and_stands_in_the_tree():
    defined = [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and error.__module__ == errors.__name__
    ]
    assert len(defined) > 20
    for error in defined:
        assert issubclass(error, errors.ExtractorError)
        assert f"{error.__name__} " in errors.__doc__ or error is errors.ExtractorError


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("commands", "unneeded"),
    [
        (("run --help", "run --dry-rnu records"), HEAVY),
        (
            (f"run {RECORD}", f"run {RECORD} --dry-run --model gpt-5-mini"),
            {"openai", "instructor", "duckdb"},
        ),
    ],
)
def test_commands_load_no_library_that_they_do_not_need(commands, unneeded):
    code = "import sys\nfrom extractor.apps.cli import main\n"
    code += f"for command in {commands}:\n sys.argv = ['extractor', *command.split()]\n"
    code += " try: main()\n except SystemExit: pass\nprint(); print(*sys.modules)"
    loaded = set(run_python(code).splitlines()[-1].split())

    assert unneeded.isdisjoint(loaded)
    assert ("extractor.concepts.parse" in loaded) is (unneeded is not HEAVY)


@pytest.mark.slow
def test_one_text_by_rules_loads_no_module_of_models_and_runs():
    code = (
        "import sys; from extractor import Extractor\n"
        "Extractor().extract_text('Inclusion criteria:\\n- HbA1c of at least 7.5 %')\n"
        "rooms = {'.'.join(name.split('.')[:2]) for name in sys.modules}\n"
        "print(*rooms & {'extractor.model', 'extractor.run'})"
    )
    assert run_python(code) == "\n"
