"""The probes of every gate. Data that is not there has no probes."""

import asyncio
import gzip
import importlib.util
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from itertools import count, islice
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.adversarial.__main__ import judge as judge_wording
from benchmarks.adversarial.__main__ import make_study
from benchmarks.certain.__main__ import judge as judge_certain
from benchmarks.data import RULES, Row, read_lines, read_studies
from benchmarks.gold import read_annotated, read_gold
from benchmarks.human import bounds, owners
from benchmarks.knockout.probes import Probe
from benchmarks.proof.__main__ import judge as judge_answers
from benchmarks.variants import Part
from benchmarks.variants.__main__ import choose_ways, measure_record, take_part
from extractor import Extractor
from extractor.apps.evaluation.scoring import evaluate
from extractor.concepts.limits.quantity_names import name_quantity
from extractor.errors import RecordError
from extractor.formats import read_records, read_stream
from extractor.model.client import Model, Route
from extractor.model.spec import ModelSpec
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord
from extractor.schemas.vocabulary import Effort
from extractor.setup import OpenExtractor
from tests.cases.test_cases import list_cases, test_a_text_is_read_and_proven
from tests.hostile.obedient import Obedient
from tests.hostile.suite import (
    HostileRecord,
    list_injected,
    list_lost,
    list_misplaced,
    load_suite,
)
from tests.read.samples import SAMPLES

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
BENCHMARKS = ROOT / "benchmarks"
SURE = 0.85
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

Judged = tuple[Any, Counter[str] | None]


def list_probes(
    gates: Mapping[str, Callable[[], Iterator[Probe]]] | None = None,
) -> list[Probe]:
    """Return the probes of all gates."""
    return [probe for make in (gates or GATES).values() for probe in make()]


def _probes(gate: str, named: Mapping[str, Callable[[], Judged]]) -> Iterator[Probe]:
    return (Probe(gate, name, run) for name, run in named.items())


def _gold() -> Iterator[Probe]:
    paths = [SHARED / "data/records/all_areas.jsonl.gz", SHARED / "gold/records"]
    records = read_records(
        *(path for path in paths if path.exists()), on_error=lambda _: None
    )
    for record, _, gold in read_annotated(read_gold(), records):
        yield Probe("gold", record.record_id, partial(_score, record, gold))


def _score(record: TrialRecord, gold: Row) -> Judged:
    found = extract_by_rules(record, RULES)
    errors = Counter[str]()
    for field in evaluate([gold], [found], resamples=0).fields:
        errors[field.name] = 2 * field.wrong + field.missed + field.invented
    return found.model_dump_json(), errors


def _cases() -> Iterator[Probe]:
    for case in list_cases():
        text, group, given = case.values
        yield Probe("cases", str(case.id), partial(_check_case, text, group, given))


def _check_case(text: str, group: Row, given: Any) -> Judged:
    try:
        test_a_text_is_read_and_proven(text, group, given)
    except AssertionError as failure:
        return str(failure), Counter(failed=1)
    return "", Counter()


def _proof() -> Iterator[Probe]:
    for number, case in enumerate(_sample("proof", 3)):
        yield Probe("proof", f"{number} {case['id']}", partial(_prove, case))


def _prove(case: Row) -> Judged:
    verdicts = asyncio.run(judge_answers([case]))
    # A wrong answer should fall, a right one should stand, and whole.
    errors = Counter(
        one.field for one in verdicts if one.case["right"] == (one.confidence is None)
    )
    errors.update(f"{one.field}, bare" for one in verdicts if one.bare)
    return [one[1:] for one in verdicts], errors


def _adversarial() -> Iterator[Probe]:
    for number, wording in enumerate(_sample("adversarial", 3)):
        yield Probe(
            "adversarial", f"{number} {wording['id']}", partial(_judge_wording, wording)
        )


def _judge_wording(wording: Row) -> Judged:
    (record,) = read_studies([make_study(0, wording)])
    found = extract_by_rules(record, RULES)
    errors = Counter(
        one.field for one in judge_wording(wording, found) if not one.right
    )
    return found.model_dump_json(), errors


def _certain() -> Iterator[Probe]:
    for number, line in enumerate(_sample("certain", 3)):
        yield Probe("certain", f"{number} {line['id']}", partial(_judge_certain, line))


def _judge_certain(line: Row) -> Judged:
    found = []
    verdicts = Counter[str]()
    for _, value, verdict in judge_certain([line], SURE):
        found.append((value, verdict))
        verdicts[verdict] += 1
    right = len([entry for entry in line["judged"] if entry[2] == "right"])
    lost = max(0, right - verdicts["right"])
    return found, Counter({"wrong": verdicts["wrong"], "lost": lost})


def _sample(folder: str, every: int) -> list[Row]:
    """Return each so many lines of the files of a benchmark."""
    lines = [
        line
        for path in sorted((BENCHMARKS / folder).glob("*.jsonl"))
        for line in read_lines(path)
    ]
    return lines[::every]


def _variants() -> Iterator[Probe]:
    for record in read_records(ROOT / "tests/benchmarks/variants/records.jsonl"):
        for number, way in enumerate(choose_ways([])):
            if number % 12 == 0 and take_part(record, way.part) is not None:
                name = f"{way.kind}: {way.name}"
                yield Probe(
                    "variants",
                    f"{record.record_id} {name}",
                    partial(_vary, record, name, way.part),
                )


def _vary(record: TrialRecord, way: str, part: Part) -> Judged:
    results = [one for one in measure_record(record, [way]) if one.part is part]
    errors = Counter[str]()
    for one in results:
        errors.update(one.tally.changed)
    return [(one.name, one.changes) for one in results], errors


def _hostile() -> Iterator[Probe]:
    for hostile in load_suite():
        record = hostile.read()
        yield Probe(
            "hostile", f"{hostile} rules", partial(_attack_rules, hostile, record)
        )
        yield Probe(
            "hostile", f"{hostile} model", partial(_attack_model, hostile, record)
        )


def _attack_rules(hostile: HostileRecord, record: TrialRecord) -> Judged:
    found = extract_by_rules(record, RULES)
    silent = set(hostile.findings) - {finding.kind for finding in found.findings}
    errors = Counter(
        injected=len(list_injected(found, hostile)),
        lost=len(list_lost(found, hostile)),
        misplaced=len(list_misplaced(found, record)),
        silent=len(silent),
    )
    return found.model_dump_json(), errors


def _attack_model(hostile: HostileRecord, record: TrialRecord) -> Judged:
    """Extract with a model that was won over: it repeats all that was injected."""

    async def extract() -> Any:
        stub: Any = Obedient(lambda _: True, hostile.honest)
        async with Model(
            ModelSpec.parse("http://127.0.0.1:9/v1#obedient"),
            route=Route(answer=stub.answer),
        ) as model:
            return await OpenExtractor(model, ExtractionOptions(effort=Effort.ALL))(
                record
            )

    found = asyncio.run(extract())
    return found.model_dump_json(exclude={"usage"}), Counter(
        injected=len(list_injected(found, hostile)),
        misplaced=len(list_misplaced(found, record)),
    )


def _forms() -> Iterator[Probe]:
    """Cases of forms in texts and records; those that are files start a whole run, and are left
    out.
    """
    path = SHARED / "cases/given.jsonl"
    script = SHARED / "cases/forms.py"
    if not path.exists():
        return
    forms = _load("forms", script)
    vars(forms)["name_quantity"] = name_quantity
    extractor = Extractor()
    for case in read_lines(path):
        if case["how"] != "ictrp" and "records" not in case["expect"]:
            yield Probe(
                "forms", case["id"], partial(_check_form, forms, case, extractor)
            )


def _check_form(forms: ModuleType, case: Row, extractor: Extractor) -> Judged:
    got = forms.collect(*forms.extract(case, extractor))
    wrong = [
        key
        for key, want in case["expect"].items()
        if not forms.compare(key, want, [value for value, _ in got[key]])[0]
    ]
    return sorted(got.items()), Counter(wrong)


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _marks() -> Iterator[Probe]:
    """Comparisons that people marked (LCT), and numbers in values and times that people marked
    (Chia).
    """
    path = SHARED / "data/human/lct_comparisons.jsonl.gz"
    for row in read_lines(path) if path.exists() else ():
        yield Probe("marks", row["id"], partial(_compare_bounds, row))
    path = SHARED / "data/human/chia_marks.jsonl.gz"
    for row in (read_lines(path) if path.exists() else [])[::3]:
        yield Probe("marks", row["id"], partial(_compare_owners, row))


def _compare_bounds(row: Row) -> Judged:
    tally = bounds.compare(row)
    errors = Counter(
        bounds=sum(verdict != "right" for _, verdict in tally.bounds),
        times=sum(not right for _, right in tally.times),
        invented=sum(not found for _, found in tally.numbers),
    )
    return tally, errors


def _compare_owners(row: Row) -> Judged:
    judged = owners.compare(row)
    errors = Counter(
        missed=sum(not mark.found for mark in judged),
        owners=sum(mark.found and not mark.owned for mark in judged),
    )
    return judged, errors


def _records() -> Iterator[Probe]:
    """Real records that nobody judged: what changes there is counted, and is no loss."""
    path = SHARED / "data/records/all_areas_more.jsonl.gz"
    if path.exists():
        with gzip.open(path) as file:
            lines = list(islice(file, 7, None, 25))
        for number, line in enumerate(lines):
            (record,) = read_stream("study.json", BytesIO(line))
            yield Probe("records", f"{number}", partial(_extract, record))


def _extract(record: TrialRecord) -> Judged:
    return extract_by_rules(record, RULES).model_dump_json(), Counter()


def _files() -> Iterator[Probe]:
    """Files in every format, real and invented. Nobody judged how they are read: a change is a
    loss.
    """
    for name, content in SAMPLES.items():
        yield Probe("files", f"sample {name}", partial(_read_bytes, name, content))
    for folder in (
        "tests/records",
        "tests/hostile/records",
        "tests/read/samples/documents",
        "seeds/records",
    ):
        for path in sorted((ROOT / folder).iterdir()):
            if path.is_file():
                yield Probe(
                    "files", str(path.relative_to(ROOT)), partial(_read_path, path)
                )
    real = SHARED / "data/records"
    for path in sorted((real / "ctgov_xml").glob("*.xml"))[::2]:
        yield Probe("real files", path.name, partial(_read_path, path))
    if (real / "ctgov_leukaemia.csv").exists():
        yield Probe(
            "real files",
            "ctgov_leukaemia.csv",
            partial(_read_path, real / "ctgov_leukaemia.csv"),
        )
    for name, every in (
        ("ctgov_v2", 20),
        ("eligibility_general", 60),
        ("all_areas_more", 80),
        ("all_areas", 6),
    ):
        path = real / f"{name}.jsonl.gz"
        if path.exists():
            with gzip.open(path) as file:
                lines = list(islice(file, 0, None, every))
            for number, line in zip(count(0, every), lines, strict=False):
                yield Probe(
                    "real files",
                    f"{name} {number}",
                    partial(_read_bytes, "study.json", line),
                )


def _read_path(path: Path) -> Judged:
    return _read_bytes(path.name, path.read_bytes())


def _read_bytes(name: str, content: bytes) -> Judged:
    found: list[str] = []
    try:
        found.extend(
            record.model_dump_json() for record in read_stream(name, BytesIO(content))
        )
    except RecordError as error:
        found.append(repr(error))
    return found, None


GATES: Mapping[str, Callable[[], Iterator[Probe]]] = {
    "gold": _gold,
    "forms": _forms,
    "marks": _marks,
    "cases": _cases,
    "proof": _proof,
    "adversarial": _adversarial,
    "certain": _certain,
    "variants": _variants,
    "hostile": _hostile,
    "records": _records,
    "files": _files,
}
JUDGED_BY_CHANGE = frozenset({"files", "real files"})
REAL = frozenset({"gold", "forms", "marks", "real files"})
"""Gates of real texts, and of forms that were met in reports. The others were written for this
project.
"""
