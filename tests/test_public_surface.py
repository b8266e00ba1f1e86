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


@pytest.mark.parametrize("module", [extractor.schemas, errors])
def test_every_public_name_of_the_bottom_layers_exists(module):
    assert list(module.__all__) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_error_is_an_extractor_error_and_stands_in_the_tree():
    for name in (name for name in errors.__all__ if name[0].isupper()):
        assert issubclass(getattr(errors, name), errors.ExtractorError)
        assert name in errors.__doc__


HEAVY = {"openai", "instructor", "pydantic", "httpx2", "rich.progress", "vcr", "numpy", "scipy"}


def test_the_command_line_starts_without_importing_heavy_libraries():
    code = "import sys, extractor.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())
