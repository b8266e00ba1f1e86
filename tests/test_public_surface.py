"""What people import, and what importing costs."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import extractor
from extractor import errors

REFERENCE = (Path(__file__).parents[1] / "docs/reference/python.md").read_text("utf-8")


def test_every_public_name_has_its_place_in_the_reference_and_each_place_its_object():
    documented = {}
    for path in re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE):
        module, _, name = path.rpartition(".")
        documented[name] = getattr(import_module(module), name)
    assert {name: getattr(extractor, name) for name in extractor.__all__}.items() <= documented.items()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'extract_everything'"):
        _ = extractor.extract_everything


def test_every_error_is_an_extractor_error_and_stands_in_the_tree():
    defined = [one for one in vars(errors).values() if isinstance(one, type) and one.__module__ == errors.__name__]
    assert len(defined) > 20
    for error in defined:
        assert issubclass(error, errors.ExtractorError)
        assert f"{error.__name__} " in errors.__doc__ or error is errors.ExtractorError


HEAVY = {"openai", "instructor", "httpx2", "rich.progress", "vcr", "numpy", "scipy", "duckdb", "fastapi"}


def list_modules(*words: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    code = "import sys; from extractor.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", ["run --help", "run --dry-rnu records"])
def test_no_heavy_library_is_loaded_for_help_and_for_typos(words):
    assert HEAVY.isdisjoint(list_modules(*words.split()))


MODULES = "api run.finished run.worker serve.app results.diff results.evaluation.scoring results.export results.report"
MODULES += " results.review.app"


def test_no_import_reads_the_rule_book():
    imports = "; ".join(f"import extractor.{name}" for name in MODULES.split())
    code = f"{imports}; from extractor.text.book import load_book; print(load_book.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@pytest.mark.parametrize("words", ["run RECORD", "diff RECORD RECORD"])
def test_a_command_names_its_inputs_before_it_loads_what_reads_them(words):
    """On a terminal: a pipe gets nothing before the results."""
    code = "import sys; sys.modules['extractor.api'] = None; sys.stderr.isatty = lambda: TERMINAL; "
    code += "from extractor.cli import main; main()"
    words = words.replace("RECORD", "tests/records/study.json").split()
    shown, piped = (
        subprocess.run(
            [sys.executable, "-c", code.replace("TERMINAL", terminal), *words],
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        for terminal in ("True", "False")
    )
    assert re.match("extractor: (reading|comparing) tests/records/study.json", shown)
    assert "extractor.api" in shown
    assert not re.match("extractor: (reading|comparing)", piped)
    assert "extractor.api" in piped


@pytest.mark.parametrize("options", ["", "--dry-run --model gpt-5-mini"])
def test_the_rules_run_without_importing_the_sdk(options):
    modules = list_modules("run", "tests/records/study.json", *options.split())
    assert {"openai", "instructor", "duckdb", "scipy"}.isdisjoint(modules)
    assert "extractor.stages.parse" in modules
