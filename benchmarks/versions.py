"""What a change of the rules does: one line for each value that differs, with its text.

    python -m benchmarks.versions RECORDS... --words "out of" "of the last"
    python -m benchmarks.versions RECORDS... --base HEAD~3 --sample 500 --show 100
    python -m benchmarks.versions --texts FILE... [--section eligibility]
    python -m benchmarks.versions --texts - --patients patients.json

It compares the rules of a commit (``--base``, by default the last one) with those of the working
tree, on records chosen by lot and on the records that contain the given words. A rare phrase is in
none of 200 records, so "nothing changed" says something only about records with its words: give
the words of a new rule, and of its near misses. Each word or phrase matches in any case.

``--texts`` compares whole files of text, or what is pasted (``-``, standard input). A text without
headings belongs to ``--section``. With ``--patients``, a file as for ``extractor match``, each verdict
and answer that differs is a line, too.

A value that is now sure, or no longer, is listed, too. Look at every line: a right value that is
lost, or a wrong one that is sure, is a defect.
"""

import argparse
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from extractor import TrialExtraction, read_records
from extractor.apps.diff.changes import diff_trials, read_row_words
from extractor.apps.values import ValueRow, list_values
from extractor.schemas import FieldRef
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

ROOT = Path(__file__).parents[1]
_LONGEST = 90
"""Characters of a text that are shown."""
_NO_LINE = "no such line"
"""The verdict of words that a version does not read as a line."""
_EXTRACT = """\
import json, sys
from pathlib import Path
import extractor
task = json.loads(sys.argv[1])
assert Path(extractor.__file__).is_relative_to(task["root"]), extractor.__file__
rules = extractor.Extractor(effort="none")
names = set(task["names"])
found = {}
for name, text in task["texts"].items():
    found[name] = rules.extract_text(text, record_id=name, section=task["section"])
for record in extractor.read_records(*task["records"], on_error=lambda error: None) if names else ():
    if record.record_id in names and record.record_id not in found:
        found[record.record_id] = rules.extract(record)
matches = []
if task["patients"]:
    from extractor.apps.match import match_trials, read_patients
    patients = read_patients(Path(task["patients"])).patients
    for match in match_trials(found.values(), patients):
        matches.append([match.record_id, match.patient, match.answer, match.criteria])
trials = [each.model_dump_json() for each in found.values()]
Path(task["out"]).write_text(json.dumps([trials, matches]), "utf-8")
"""
"""Run with the package of one version, so it uses only what every version has."""


class Line(NamedTuple):
    """A value that differs: what happened to it, where, both values, and the text of one."""

    kind: str
    record_id: str
    field: str
    old: str
    new: str
    text: str

    def __str__(self) -> str:
        values = " -> ".join(value for value in (self.old, self.new) if value)
        return f"{self.kind:9} {self.record_id} {self.field}: {values}   [{self.text}]"


class Version(NamedTuple):
    """What one version reads: the extractions by record, and its matches by record and patient."""

    trials: dict[str, TrialExtraction]
    matches: dict[tuple[str, str], "Verdicts"]


class Verdicts(NamedTuple):
    """The answer for a patient, and the verdict of each line of the trial, by its words."""

    answer: str
    lines: dict[str, str]


def choose_records(
    paths: Sequence[str], words: Sequence[str], sample: int, most: int, seed: int
) -> tuple[list[str], list[str]]:
    """Return the ids of records with one of the words, at most ``most``, and of ``sample`` others."""
    phrase = re.compile("|".join(map(_write_phrase, words)) or r"(?!)", re.IGNORECASE)
    has_words: dict[str, bool] = {}
    for record in read_records(*paths, on_error=lambda _: None):
        texts = (section.text for section in record.sections)
        has_words[record.record_id] = any(map(phrase.search, texts))
    lot = random.Random(seed)
    with_words = [name for name, has in has_words.items() if has]
    others = [name for name, has in has_words.items() if not has]
    lot.shuffle(with_words)
    lot.shuffle(others)
    return with_words[:most], others[:sample]


def _write_phrase(words: str) -> str:
    """Return an expression that finds a phrase, whatever white space is in it."""
    inner = r"\s+".join(map(re.escape, words.split()))
    before = r"\b" if words[:1].isalnum() else ""
    after = r"\b" if words[-1:].isalnum() else ""
    return f"{before}{inner}{after}"


def copy_version(commit: str, to: Path) -> None:
    """Write the package of a commit to a folder."""
    archive = ["git", "-C", str(ROOT), "archive", commit, "extractor"]
    packed = subprocess.run(archive, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(to, filter="data")


def start_version(root: Path, task: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start to read the records and texts of a task with the package in a folder."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    words = [sys.executable, "-c", _EXTRACT, json.dumps(task | {"root": str(root)})]
    return subprocess.Popen(words, cwd=root, env=environment)


def read_version(path: Path) -> Version:
    """Return what a version wrote."""
    trials, matches = json.loads(path.read_text("utf-8"))
    extractions = map(TrialExtraction.model_validate_json, trials)
    return Version(
        {extraction.record_id: extraction for extraction in extractions},
        {
            (record_id, patient): Verdicts(answer, _name_lines(criteria))
            for record_id, patient, answer, criteria in matches
        },
    )


def _name_lines(criteria: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the verdicts by the words of their lines; repeated words have a number."""
    verdicts: dict[str, str] = {}
    for criterion in criteria:
        words = _shorten(criterion["quote"] or criterion["why"])
        repeats = sum(name.partition(" #")[0] == words for name in verdicts)
        name = f"{words} #{repeats + 1}" if repeats else words
        verdicts[name] = criterion["verdict"]
    return verdicts


def compare_matches(old: Version, new: Version) -> Iterator[Line]:
    """Yield the answers and the verdicts of lines that differ between two versions."""
    for (record_id, patient), found in new.matches.items():
        before = old.matches[record_id, patient]
        field = f"match.{patient}"
        if found.answer != before.answer:
            yield Line("answer", record_id, field, before.answer, found.answer, "")
        # the lines of both versions, in the order of the text
        for words in dict.fromkeys([*before.lines, *found.lines]):
            earlier = before.lines.get(words, _NO_LINE)
            verdict = found.lines.get(words, _NO_LINE)
            if verdict != earlier:
                yield Line("verdict", record_id, field, earlier, verdict, words)


def compare(old: TrialExtraction, new: TrialExtraction) -> Iterator[Line]:
    """Yield what differs between two extractions of a record."""
    for change in diff_trials(old, new):
        row = change.new or change.old
        text = _shorten(row.quote or "") if row else ""
        yield Line(
            change.kind,
            new.record_id,
            change.field,
            _show(change.old),
            _show(change.new),
            text,
        )
    before = _list_confidences(old)
    for key, row in _list_confidences(new).items():
        earlier = before.get(key)
        if earlier is None or earlier.confidence is None or row.confidence is None:
            continue
        is_sure = row.confidence >= DOUBTFUL_BELOW
        if is_sure == (earlier.confidence >= DOUBTFUL_BELOW):
            continue
        yield Line(
            "sure" if is_sure else "doubtful",
            new.record_id,
            FieldRef(row.path).path,
            _show(earlier),
            f"{row.confidence:.2f}",
            _shorten(row.quote or ""),
        )


def _list_confidences(
    extraction: TrialExtraction,
) -> Mapping[tuple[object, ...], ValueRow]:
    """Return the values of an extraction, by what identifies them in another version."""
    return {
        (FieldRef(row.path).path, str(row.value), row.section, row.start): row
        for row in list_values(extraction)
    }


def _show(row: ValueRow | None) -> str:
    if row is None:
        return ""
    words = _shorten(read_row_words(row) or "")
    if row.confidence is None:
        return words
    return f"{words} ({row.confidence:.2f})"


def _shorten(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= _LONGEST:
        return words
    return f"{words[:_LONGEST]}..."


def tell(lines: Sequence[Line], title: str, records: int, show: int) -> None:
    """Print what differs in one group of records, with the number of each kind of change."""
    changed = len({line.record_id for line in lines})
    print(f"\n{title}: {records} records, {changed} changed")
    for line in lines[:show]:
        print(f"  {line}")
    if len(lines) > show:
        print(f"  ... and {len(lines) - show} more lines (--show)")
    for (kind, field), number in Counter(
        (x.kind, x.field) for x in lines
    ).most_common():
        print(f"  {number:5} {kind} {field}")


def read_texts(names: Sequence[str]) -> dict[str, str]:
    """Return the texts in files, by the names of the files; ``-`` is standard input."""
    texts = {}
    for name in names:
        if name == "-":
            texts["pasted"] = sys.stdin.read()
        else:
            texts[Path(name).stem] = Path(name).read_text("utf-8")
    return texts


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the versions. The exit code is 1 if a version could not extract the records."""
    given = _parse(arguments)
    with_words: list[str] = []
    others: list[str] = []
    if given.records:
        with_words, others = choose_records(
            given.records, given.words, given.sample, given.most, given.seed
        )
    texts = read_texts(given.texts)
    task = {
        "names": [*with_words, *others],
        "records": [str(Path(path).resolve()) for path in given.records],
        "texts": texts,
        "section": given.section,
        "patients": given.patients and str(Path(given.patients).resolve()),
    }
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy_version(given.base, folder / "base")
        files = [folder / "old.json", folder / "new.json"]
        processes = [
            start_version(root, task | {"out": str(file)})
            for root, file in zip((folder / "base", ROOT), files, strict=True)
        ]
        codes = [process.wait() for process in processes]
        if any(codes):
            return 1
        old, new = map(read_version, files)
    lines = [
        line
        for name, found in new.trials.items()
        for line in compare(old.trials[name], found)
    ]
    lines += compare_matches(old, new)
    groups = {"texts": [*texts], "with the words": with_words, "by lot": others}
    for title, names in groups.items():
        of_group = set(names)
        own = [line for line in lines if line.record_id in of_group]
        if names:
            tell(own, title, len(names), given.show)
    if given.words and not with_words:
        print("\nno record contains the words: nothing was tried on them")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments. Ends the process if there is nothing to compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "records", nargs="*", metavar="RECORDS", help="files of records"
    )
    parser.add_argument("--words", nargs="*", default=[], help="words or phrases")
    parser.add_argument(
        "--texts", nargs="*", default=[], metavar="FILE", help="texts; - is stdin"
    )
    parser.add_argument("--section", help="what texts without headings are")
    parser.add_argument("--patients", metavar="FILE", help="as for extractor match")
    parser.add_argument("--base", default="HEAD", help="the commit to compare with")
    parser.add_argument(
        "--sample", type=int, default=200, help="records without the words"
    )
    parser.add_argument(
        "--most", type=int, default=200, help="most records with the words"
    )
    parser.add_argument("--show", type=int, default=60, help="most lines of each group")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    if not given.records and not given.texts:
        parser.error("give files of records, or --texts")
    return given


if __name__ == "__main__":
    raise SystemExit(main())
