"""Write what the exports of trials say beside the trials' texts, for readers who tell what is wrong, and count it.

    python -m benchmarks.reading RECORDS... --out DIR [--fold 4] [--trials 20] [--seed 0]
    python -m benchmarks.reading --out DIR

The first command takes trials at random from files of studies (API v2, one a line), extracts them by the rules alone,
and exports them as tables and FHIR. It writes a sheet for each trial to ``DIR/sheets``: its text, then one
numbered line for each age, limit, rule and dosage that an export states with a confidence of 0.8 or more. Readers
write ``DIR/wrong/*.jsonl``, a line ``{"trial": ..., "fact": "L3", "wrong": true, "why": ...}`` for each fact that the
text does not bear out; ``wrong`` is false where that is debatable. The second command prints the share of wrong facts.
"""

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.data import Row, fold_of, parse_options, read_lines
from extractor.schemas import TrialRecord
from extractor.stages.read import read_records

Facts = dict[str, list[tuple[str, str]]]
"""The facts of each trial: a letter of ``KINDS``, and what an export says."""

Proofs = defaultdict[tuple[str, str, int | None], dict[str, float]]
"""The confidence of each field of an item."""

SURE = 0.8
KINDS = {"A": "ages, sex, healthy volunteers", "L": "limits and time windows", "R": "rules", "D": "dosages"}
_AGE = "30525-0"
_TABLES = ("eligibility", "criteria", "constraints", "regimens", "amounts")
_LIMIT = ("quantity", "comparator", "value", "value_high", "unit")
_CANONICAL = ("quantity_canonical", "value_canonical", "value_high_canonical", "unit_canonical", "loinc")
_AMOUNT = ("low", "high", "unit", "low_canonical", "high_canonical", "unit_canonical")
_REGIMEN = ("agent", "route", "frequency", "cycle_value", "cycle_unit", "duration_value", "duration_unit", "timing")


def write_sheets(sources: list[Path], out: Path, fold: int, trials: int, seed: int) -> None:
    """Choose trials, extract and export them, and write a sheet for each."""
    studies = sorted(json.dumps(one) for path in sources for one in read_lines(path) if _is_of(one, fold))
    chosen = random.Random(seed).sample(studies, trials)
    out.mkdir(parents=True)
    records = out / "trials.jsonl"
    records.write_text("\n".join(chosen), "utf-8")
    _run("run", records, "--effort", "none", "--out", out / "run")
    for name in ("jsonl", "fhir"):
        _run("export", out / "run", "--to", out / name, "--format", name)
    facts = _read_facts(out)
    (out / "facts.json").write_text(json.dumps(facts), "utf-8")
    (out / "sheets").mkdir()
    for record in read_records(records):
        text = "\n".join(_describe(record, facts.get(record.record_id, [])))
        (out / "sheets" / f"{record.record_id}.md").write_text(text + "\n", "utf-8")


def _is_of(study: Row, fold: int) -> bool:
    protocol = study["protocolSection"]
    has_criteria = protocol.get("eligibilityModule", {}).get("eligibilityCriteria")
    return bool(has_criteria) and fold_of(protocol["identificationModule"]["nctId"]) == fold


def _run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "extractor", *map(str, arguments), "--quiet"], check=True)


def _describe(record: TrialRecord, facts: list[tuple[str, str]]) -> Iterator[str]:
    """The text of a trial, then its facts."""
    yield f"# {record.record_id}"
    for section in record.sections:
        yield f"\n## {section.name}\n{section.text}"
    for name, value in record.registry:
        yield f"registry.{name}: {value}" if value else ""
    yield "\n# What the exports say"
    for number, (kind, said) in enumerate(facts):
        yield f"{kind}{number}: {said}"


def _read_facts(out: Path) -> Facts:
    """Collect the facts of all exports; the same fact of a criterion in two exports is one."""
    facts: Facts = defaultdict(list)
    proofs: Proofs = defaultdict(dict)
    for one in read_lines(out / "jsonl" / "evidence.jsonl"):
        proofs[one["record_id"], one["item"], one["item_index"]][one["field"]] = one["confidence"] or 0
    tables, resources = _read_tables(out / "jsonl", proofs), _read_fhir(out / "fhir", proofs)
    for trial, kind, said in (*tables, *resources):
        if (kind, said) not in facts[trial]:
            facts[trial].append((kind, said))
    return facts


def _read_tables(folder: Path, proofs: Proofs) -> Iterator[tuple[str, str, str]]:
    rows = {name: read_lines(folder / f"{name}.jsonl") for name in _TABLES}
    yield from _read_people(rows["eligibility"], proofs)
    yield from _read_limits(rows["criteria"], rows["constraints"], proofs)
    yield from _read_doses(rows["regimens"], rows["amounts"], proofs)


def _read_people(rows: list[Row], proofs: Proofs) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        sure = proofs[row["record_id"], "eligibility", None]
        for name in ("minimum_age", "maximum_age", "sex", "healthy_volunteers"):
            said = {key: value for key, value in row.items() if key.startswith(name) and value is not None}
            if said and sure.get(name, 1) >= SURE:
                yield row["record_id"], "A", f"table eligibility: {_show(said)}"


def _read_limits(criteria: list[Row], limits: list[Row], proofs: Proofs) -> Iterator[tuple[str, str, str]]:
    quotes = {(row["record_id"], row["criterion_index"]): f"{row['kind']} [{row['quote']}]" for row in criteria}
    for row in criteria:
        trial, index = row["record_id"], row["criterion_index"]
        if proofs[trial, "criterion", index].get("time_window", 0) >= SURE:
            window = {name: value for name, value in row.items() if name.startswith("time_window")}
            yield trial, "L", f"table criteria: {quotes[trial, index]}: {_show(window)}"
    for row in limits:
        if (row["confidence"] or 0) >= SURE:
            said = "; canonical: ".join(_show({name: row[name] for name in names}) for names in (_LIMIT, _CANONICAL))
            quote = quotes[row["record_id"], row["criterion_index"]]
            yield row["record_id"], "L", f"table constraints: {quote}: {said}"


def _read_doses(regimens: list[Row], amounts: list[Row], proofs: Proofs) -> Iterator[tuple[str, str, str]]:
    for row in regimens:
        place = row["record_id"], row["regimen_index"]
        sure = {field for field, value in proofs[place[0], "regimen", place[1]].items() if value >= SURE}
        said = {name: row[name] for name in _REGIMEN if name.removesuffix("_value").removesuffix("_unit") in sure}
        own = [one for one in amounts if (one["record_id"], one["regimen_index"]) == place]
        doses = [
            _show({name: one[name] for name in _AMOUNT}) for one in own if f"amounts[{one['amount_index']}]" in sure
        ]
        if len(said) > 1 or doses:
            found = "; ".join([_show(said), *doses])
            yield place[0], "D", f"table regimens: [{row['quote']}]: {row['agent']}: {found}"


def _read_fhir(folder: Path, proofs: Proofs) -> Iterator[tuple[str, str, str]]:
    for group in read_lines(folder / "Group.ndjson"):
        trial = group["id"].removesuffix("-eligibility")
        for one in group["characteristic"]:
            name, _, number = one["id"].partition("criterion-")
            known = proofs[trial, "criterion", int(number.partition("-")[0])] if number else {}
            if min((known.get(field, 1) for field in ("kind", "quote", "lead_in")), default=1) < SURE:
                continue
            is_text = number and "text" in one.get("valueCodeableConcept", {})
            is_age = any(coding.get("code") == _AGE for coding in one["code"].get("coding", ()))
            kind = "R" if is_text else "A" if is_age or name else "L"
            yield trial, kind, f"FHIR Group: {json.dumps(one, ensure_ascii=False)}"
    for regimen in read_lines(folder / "ActivityDefinition.ndjson"):
        said = {name: regimen.get(name) for name in ("title", "dosage")}
        if any(key != "text" for dosage in said["dosage"] or () for key in dosage):
            yield regimen["id"].partition("-dosing-")[0], "D", f"FHIR dosage: {json.dumps(said, ensure_ascii=False)}"


def _show(values: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def count_wrong(out: Path) -> Iterator[str]:
    """Yield a line for each kind of facts: how many there are, and how many the readers call wrong or debatable."""
    facts = json.loads((out / "facts.json").read_text("utf-8"))
    stated = Counter(kind for said in facts.values() for kind, _ in said)
    told = {(row["trial"], row["fact"]): row for path in (out / "wrong").glob("*.jsonl") for row in read_lines(path)}
    for kind, meaning in KINDS.items():
        of_kind = [row["wrong"] for (_, fact), row in told.items() if fact[0] == kind]
        wrong, share = sum(of_kind), sum(of_kind) / max(1, stated[kind])
        yield f"{meaning}: {stated[kind]}, wrong {wrong} ({share:.1%}), debatable {len(of_kind) - wrong}"


def main() -> None:
    """Write sheets, or count what readers found."""
    chosen = parse_options(__doc__, "records*", out=..., fold=4, trials=20, seed=0)
    if chosen.records:
        write_sheets(chosen.records, chosen.out, chosen.fold, chosen.trials, chosen.seed)
    else:
        print(*count_wrong(chosen.out), sep="\n")


if __name__ == "__main__":
    main()
