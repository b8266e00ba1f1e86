"""Write a row for each value that the rules read in texts whose right values are known.

    python -m benchmarks.rows CASES... --source NAME --version COMMIT --out FILE [--code DIR]
    python -m benchmarks.rows --show FILE...

``--code`` is a checkout of another commit, whose rules are run in place of today's. ``--show`` prints,
by source, version and field, the numbers of rows, of right ones, of those with a confidence of 0.85 or
more, and of the wrong ones among these. README.md describes the rows.
"""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import Row, format_table, parse_options, read_lines
from benchmarks.rows.cases import Case, make_case
from benchmarks.rows.values import CRITERIA, Value, list_values
from benchmarks.rows.words import Range, describe_words
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

KEYS = ("field", "source", "version", "group", "right", "confidence", "features")
_EXPLAINS = frozenset(
    {"constraints", "time_windows", "amounts", "frequency", "route", "duration"}
    | {"cycle", "time_points", "minimum_age", "maximum_age", "anchor"}
)
"""The fields whose values explain words of a text."""
_HERE = Path(__file__).parents[2]


def main() -> None:
    """Write the rows, or show those of files."""
    options: dict[str, Any] = {
        "source": "",
        "version": "",
        "out": Path,
        "code": Path,
        "show": [Path],
    }
    chosen = parse_options(__doc__, "cases*", **options)
    if not chosen.out:
        rows = [row for path in chosen.show or () for row in read_lines(path)]
        print(count_rows(rows))
        return
    cases = [make_case(line) for path in chosen.cases for line in read_lines(path)]
    read = read_cases(cases, chosen.code or _HERE)
    rows = []
    for case, reading in zip(cases, read, strict=True):
        for row in judge_case(case, reading):
            rows.append(row | {"source": chosen.source, "version": chosen.version})
    write_rows(chosen.out, rows)
    print(count_rows(rows))


def read_cases(cases: Sequence[Case], code: Path = _HERE) -> Iterator[Row]:
    """Yield what the rules in ``code`` read in each case."""
    script = Path(__file__).with_name("reading.py")
    files = [{"name": case.name, "content": case.content} for case in cases]
    given = "".join(json.dumps(file) + "\n" for file in files)
    path = os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-P", str(script)],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=code,
        env=os.environ | {"PYTHONPATH": path},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return map(json.loads, done.stdout.splitlines())


def judge_case(case: Case, reading: Row) -> Iterator[Row]:
    """Yield a row for each value of a case that is judged and has evidence, without its source and
    version.
    """
    extraction = reading["extraction"]
    values = list(list_values(extraction))
    group = hashlib.sha256(case.text.encode()).hexdigest()[:12]
    for value, right in case.judge(values):
        if value.evidence is None:
            continue
        features = {
            **describe_value(value, values, extraction),
            **describe_text(value, values, reading["sections"]),
            **describe_draft(value, values, reading["drafts"]),
        }
        yield {
            "field": value.field,
            "group": group,
            "right": right,
            "confidence": value.confidence,
            "features": dict(sorted(features.items())),
        }


def describe_value(
    value: Value, values: Sequence[Value], extraction: Row
) -> dict[str, float]:
    """Return the features that come from the extraction: the item and the values beside this one."""
    stated = [one for one in values if one.value is not None and one.evidence]
    beside = [one for one in stated if one.item is value.item and not one.whole]
    same = [one for one in beside if one.field == value.field]
    features = {
        f"support {(value.evidence or {})['support']}": 1.0,
        "values in the item": float(len(beside)),
        "values of the field": float(len(same)),
    }
    if value.item.get("kind") == "exclusion":
        features["exclusion"] = 1.0
    exists = [one.confidence for one in beside if one.field == CRITERIA]
    if exists:
        features["confidence of the item"] = exists[0]
    if value.whole:
        features["confidence of the whole"] = value.whole.confidence
    for finding in extraction.get("findings", ()):
        features[f"finding {finding['kind']}"] = 1.0
    return features


def describe_text(
    value: Value, values: Sequence[Value], sections: Mapping[str, str]
) -> dict[str, float]:
    """Return the features of the words around a value, in its criterion or else in its line."""
    if value.place is None or value.place[0] not in sections:
        return {}
    section, start, end = value.place
    first, last = _find_text(value, values, sections[section])
    explained = [
        one.place
        for one in values
        if one.place and one.field.rpartition(".")[2] in _EXPLAINS
    ]
    places = [
        (known[1] - first, known[2] - first)
        for known in (value.place, *explained)
        if known[0] == section
    ]
    own = (start - first, end - first)
    return describe_words(sections[section][first:last], own, places)


def _find_text(value: Value, values: Sequence[Value], text: str) -> Range:
    """Return the place of the criterion that contains a value, or else of its line."""
    section, start, end = value.place or ("", 0, 0)
    for one in values:
        if one.field != CRITERIA or one.place is None or one.place[0] != section:
            continue
        if one.place[1] <= start and end <= one.place[2]:
            return one.place[1:]
    behind = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, behind if behind >= 0 else len(text)


def describe_draft(
    value: Value, values: Sequence[Value], drafts: Sequence[Row]
) -> dict[str, float]:
    """Return the features of a value, the rules' estimate and the cap; nothing if the version has none."""
    draft = _find_draft(value, values, drafts)
    part = ""
    name = value.field.rpartition(".")[2]
    if value.whole:
        part = name
        name = value.whole.field.rpartition(".")[2]
    reading = draft["fields"].get("stands" if value.field == CRITERIA else name, {})
    features = dict.fromkeys(_find_features(reading, value.at, part), 1.0)
    estimate = reading.get("estimate")
    if part and value.at < len(reading.get("parts", ())):
        estimate = reading["parts"][value.at].get(part)
    if estimate is not None:
        features["estimate"] = round(estimate, 4)
    if "cap" in reading:
        features["cap"] = reading["cap"]
    return features


def _find_features(reading: Row, at: int, part: str) -> Sequence[str]:
    of_members = reading.get("features", ())
    return of_members[at].get(part, ()) if at < len(of_members) else ()


def _find_draft(value: Value, values: Sequence[Value], drafts: Sequence[Row]) -> Row:
    """Return the draft of a value's item. Of several regimens of one agent in one place, the order
    decides.
    """
    known = _identify(value.item)
    same = [one for one in values if one.field == value.field]
    twins = sorted({one.number for one in same if _identify(one.item) == known})
    found = [draft for draft in drafts if (draft["place"], draft["agent"]) == known]
    return dict(enumerate(found)).get(twins.index(value.number), {"fields": {}})


def _identify(item: Row) -> tuple[list[Any] | None, str | None]:
    """Return the place of an item, and the agent of a regimen."""
    for piece in item["evidence"]:
        if piece["field"] in ("quote", "measure"):
            place = [piece["section"], piece["start"], piece["end"]]
            return place, item.get("agent")
    return None, None


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows in a fixed order, compressed, so that the same rows give the same file."""
    ordered = [{key: row[key] for key in KEYS} for row in rows]
    lines = sorted(json.dumps(row, separators=(",", ":")) + "\n" for row in ordered)
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def count_rows(rows: Sequence[Row]) -> str:
    """Format a line for each source, version and field."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["source"], row["version"], row["field"]].append(row)
        found[row["source"], row["version"], "all"].append(row)
    table = [[" ".join(name), *_count(found[name])] for name in sorted(found)]
    heads = ["source, version, field", "rows", "right", f">={DOUBTFUL_BELOW}", "wrong"]
    return format_table(heads, table)


def _count(rows: Sequence[Row]) -> list[Any]:
    sure = [row["right"] for row in rows if row["confidence"] >= DOUBTFUL_BELOW]
    right = sum(row["right"] for row in rows)
    return [len(rows), right, len(sure), len(sure) - sum(sure)]


if __name__ == "__main__":
    main()
