"""What the rules make of the seeds, of the synthetic records, and of the texts of ``tests/texts`` and of
all cases.
"""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor, read_records
from extractor.schemas import RegistryFields

from .cases.test_cases import PLACES, fill, list_cases
from .snapshots import QUIET, check_snapshot, describe, summarize
from .trust import trial

ROOT = Path(__file__).parents[1]
RECORDS = (
    "seeds/records",
    "tests/records/flat.txt",
    "tests/records/studies.jsonl",
    "tests/records/study.xml",
)
CASES = sorted((ROOT / "tests" / "cases").glob("*.toml"))
TEXTS = sorted((ROOT / "tests" / "texts").glob("*.toml"))
extract = Extractor(effort="none").extract


def test_the_rules_give_what_they_gave():
    lines = []
    for record in read_records(*(ROOT / each for each in RECORDS)):
        lines.append(f"# {Path(record.source.path).name} {record.record_id}")
        lines += describe(extract(record))
    check_snapshot("records", lines)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_rules_read_the_texts_of_cases_as_they_did(path):
    lines = []
    for text, group, case in list_cases(path):
        own = case if isinstance(case, dict) else {}
        at = own.get("at", group.get("at", "inclusion"))
        sections = PLACES[at] if isinstance(at, str) else at
        lines.append(f"# {text}")
        lines += summarize(extract(trial(**fill(sections, text))))
    check_snapshot(f"cases/{path.stem}", lines)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_the_rules_give_of_texts_what_they_gave(path):
    lines = []
    for title, group in tomllib.loads(path.read_text("utf-8")).items():
        lines += ["", f"## {title}"]
        at = group["at"]
        sections = PLACES[at] if isinstance(at, str) else at
        for text in group["texts"]:
            lines += ["", f"# {text}"]
            registry = {"registry": RegistryFields(**group.get("registry", {}))}
            record = trial(**fill(sections, text)).model_copy(update=registry)
            lines += describe(extract(record), quiet=QUIET)
    check_snapshot(f"texts/{path.stem}", lines)
