"""What people import, and what importing costs."""

import subprocess
import sys

import pytest

import extractor
import extractor.schemas
from extractor import errors

PUBLIC = {
    "Assist",
    "ConflictKind",
    "Effort",
    "Extractor",
    "ExtractorError",
    "Outcome",
    "ParsedRecord",
    "QuoteCheck",
    "QuoteStatus",
    "Registry",
    "RegistryQuery",
    "ScoreReport",
    "Task",
    "TokenConflict",
    "TrialDiff",
    "TrialExtraction",
    "TrialRecord",
    "diff_trials",
    "evaluate",
    "fetch_records",
    "parse_record",
    "read_records",
    "show",
    "split_outcomes",
    "verify_quote",
}


def test_the_public_names_are_these_sorted_and_there():
    assert extractor.__all__ == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(extractor, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'extract_everything'"):
        _ = extractor.extract_everything


def test_every_public_name_of_the_schemas_exists():
    assert list(extractor.schemas.__all__) == sorted(extractor.schemas.__all__)
    assert all(hasattr(extractor.schemas, name) for name in extractor.schemas.__all__)


def test_every_error_is_an_extractor_error_and_stands_in_the_tree():
    defined = [one for one in vars(errors).values() if isinstance(one, type) and one.__module__ == errors.__name__]
    assert len(defined) > 20
    for error in defined:
        assert issubclass(error, errors.ExtractorError)
        assert f"{error.__name__} " in errors.__doc__ or error is errors.ExtractorError


HEAVY = {"openai", "instructor", "pydantic", "httpx2", "rich.progress", "vcr", "numpy", "scipy"}


def test_the_command_line_starts_without_importing_heavy_libraries():
    code = "import sys, extractor.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_the_rules_run_without_importing_the_sdk():
    code = "import sys; from extractor.cli import main; sys.argv[1:] = ['run', 'tests/records', '--quiet']\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}try: main()\nfinally: print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    *results, modules = done.stdout.splitlines()
    assert len(results) > 1
    assert {"openai", "instructor"}.isdisjoint(modules.split())
    assert "extractor.parse" in modules.split()
