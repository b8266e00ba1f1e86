"""What a change of the rules does to records: one line for each value that differs, with its text.

    python -m benchmarks.versions RECORDS... --words "out of" "of the last"
    python -m benchmarks.versions RECORDS... --base HEAD~3 --sample 500 --show 100

It compares the rules of a commit (``--base``, by default the last one) with those of the working
tree, on records chosen by lot and on the records that contain the given words. A rare phrase is in
none of 200 records, so "nothing changed" says something only about records with its words: give
the words of a new rule, and of its near misses. Each word or phrase matches in any case.

A value that is now sure, or no longer, is listed, too. Look at every line: a right value that is
lost, or a wrong one that is sure, is a defect.
"""

import argparse
import io
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
from typing import NamedTuple

from extractor import TrialExtraction, read_records
from extractor.apps.diff.changes import diff_trials, read_row_words
from extractor.apps.values import ValueRow, list_values
from extractor.schemas import FieldRef
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

ROOT = Path(__file__).parents[1]
_LONGEST = 90
"""Characters of a text that are shown."""
_EXTRACT = """\
import sys
from pathlib import Path
import extractor
root, chosen, out, *paths = sys.argv[1:]
assert Path(extractor.__file__).is_relative_to(root), extractor.__file__
names = set(Path(chosen).read_text("utf-8").split("\\n"))
rules = extractor.Extractor(effort="none")
done = set()
with open(out, "w", encoding="utf-8") as file:
    for record in extractor.read_records(*paths, on_error=lambda error: None):
        if record.record_id in names and record.record_id not in done:
            done.add(record.record_id)
            file.write(rules.extract(record).model_dump_json() + "\\n")
"""


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


def start_extraction(
    root: Path, chosen: Path, out: Path, paths: Sequence[str]
) -> subprocess.Popen[bytes]:
    """Start to extract the chosen records with the package in a folder."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    given = [str(root), str(chosen), str(out), *map(os.path.abspath, paths)]
    command = [sys.executable, "-c", _EXTRACT, *given]
    return subprocess.Popen(command, cwd=root, env=environment)


def read_extractions(path: Path) -> dict[str, TrialExtraction]:
    """Return the extractions in a file, by record."""
    with path.open(encoding="utf-8") as file:
        found = map(TrialExtraction.model_validate_json, file)
        return {extraction.record_id: extraction for extraction in found}


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


def main() -> int:
    """Compare the versions. The exit code is 1 if a version could not extract the records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "records", nargs="+", metavar="RECORDS", help="files of records"
    )
    parser.add_argument("--words", nargs="*", default=[], help="words or phrases")
    parser.add_argument("--base", default="HEAD", help="the commit to compare with")
    parser.add_argument(
        "--sample", type=int, default=200, help="records without the words"
    )
    parser.add_argument(
        "--most", type=int, default=200, help="most records with the words"
    )
    parser.add_argument("--show", type=int, default=60, help="most lines of each group")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with_words, others = choose_records(
        given.records, given.words, given.sample, given.most, given.seed
    )
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy_version(given.base, folder / "base")
        chosen = folder / "chosen.txt"
        chosen.write_text("\n".join([*with_words, *others]), encoding="utf-8")
        files = [folder / "old.jsonl", folder / "new.jsonl"]
        processes = [
            start_extraction(root, chosen, file, given.records)
            for root, file in zip((folder / "base", ROOT), files, strict=True)
        ]
        codes = [process.wait() for process in processes]
        if any(codes):
            return 1
        old, new = map(read_extractions, files)
    lines = [line for name, found in new.items() for line in compare(old[name], found)]
    for title, names in (("with the words", with_words), ("by lot", others)):
        of_group = set(names)
        own = [line for line in lines if line.record_id in of_group]
        if names:
            tell(own, title, len(names), given.show)
    if given.words and not with_words:
        print("\nno record contains the words: nothing was tried on them")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
