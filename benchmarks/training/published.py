"""The labels of single items, published without text, and written again from the public records.

    python -m benchmarks.training.published restore RECORDS... --out DIR
    python -m benchmarks.training.published pack RECORDS... --labels DIR --out FILE

``restore`` writes ``DIR/labels/*.jsonl`` from ``labels.jsonl.gz`` of this folder and the records of
``RECORDS``, which may be downloads of ``extractor fetch``. A label whose text has changed in the
registry is left out, and counted. ``pack`` writes FILE from the labels in ``DIR/labels``.

In a packed label, a text is ``[section, start, end]``: the characters of the section in its record,
without backslashes and repeated blanks if a fourth entry is 1. ``hash`` is the beginning of the
SHA-256 of all texts of the label. All other strings are values of closed sets, units and IDs.
"""

import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.data import Row, parse_options, read_lines
from extractor.formats import read_records
from extractor.schemas import TrialRecord

FILE = Path(__file__).with_name("labels.jsonl.gz")
_OF_OUTCOMES = {
    "rank": False,
    "measure": True,
    "description": True,
    "time_frame": True,
    "concept": False,
    "category": False,
}
_KEYS: Mapping[str, Mapping[str, bool]] = {
    "criteria": {"list": False, "text": True, "category": False},
    "all_areas_criteria": {
        "list": False,
        "text": True,
        "lead_in": True,
        "category": False,
    },
    "outcomes": _OF_OUTCOMES,
    "all_areas_outcomes": {**_OF_OUTCOMES, "time_kind": False},
    "time_frames": {"time_frame": True, "time_kind": False},
    "dosing": {"dosing": False},
    "all_areas_dosing": {"dosing": False},
}
"""The keys that training uses in each file, and whether they hold text."""
_TEXTS = ("agent", "quote", "timing", "arms")
"""The keys of a regimen that hold text."""
_HASH_LENGTH = 12
_SPACE = re.compile(r"\s+")


def main() -> None:
    """Pack the labels, or write them again."""
    way, *given = sys.argv[1:] or [""]
    chosen = parse_options(__doc__, "records+", given=given, labels=Path, out=Path)
    if way == "pack":
        _pack(chosen.records, chosen.labels, chosen.out)
    elif way == "restore":
        _restore(chosen.records, chosen.out)
    else:
        sys.exit("name a command: pack or restore")


class Texts:
    """The sections of the records, and the places of texts in them."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.sections: dict[str, dict[str, str]] = defaultdict(dict)
        """The texts of each trial by the name of the section."""
        self._trial_of: dict[str, str] = {}
        for record in read_records(*paths, on_error=lambda _: None):
            self._add(record)

    def _add(self, record: TrialRecord) -> None:
        for section in record.sections:
            self.sections[record.record_id].setdefault(section.name, section.text)
            for part in section.parts:
                if part.name == "time_frame":
                    text = section.text[part.start : part.end]
                    self._trial_of.setdefault(text, record.record_id)

    def find_trial(self, text: str) -> str | None:
        """Return a trial with this time frame."""
        return self._trial_of.get(text)

    def find(self, trial: str, text: str, home: str = "") -> list[Any] | None:
        """Return the place of a text, preferably in a section whose name begins with ``home``; None if it is absent."""
        sections = self.sections.get(trial, {})
        for name in sorted(sections, key=lambda name: not name.startswith(home)):
            start = sections[name].find(text)
            if start >= 0:
                return [name, start, start + len(text)]
        for name, raw in sections.items():
            loose = r"[\s\\]*".join(map(re.escape, _SPACE.sub("", text)))
            for match in re.finditer(loose, raw) if len(text) > 1 else ():
                if _clean(match.group()) == text:
                    return [name, match.start(), match.end(), 1]
        return None

    def read(self, trial: str, place: Sequence[Any]) -> str | None:
        """Return the text at a place; None if the record lacks the section."""
        name, start, end, *is_clean = place
        raw = self.sections.get(trial, {}).get(name)
        if raw is None:
            return None
        text = raw[start:end]
        return _clean(text) if is_clean else text


def _clean(text: str) -> str:
    return _SPACE.sub(" ", text.replace("\\", "")).strip()


def _pack(records: Sequence[Path], labels: Path, out: Path) -> None:
    texts = Texts(records)
    lines: list[str] = []
    left: Counter[str] = Counter()
    for name in _KEYS:
        for row in read_lines(labels / "labels" / f"{name}.jsonl"):
            packed = pack_row(name, row, texts)
            if packed is None:
                left[name] += 1
            else:
                lines.append(json.dumps(packed, separators=(",", ":")) + "\n")
    out.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    print(f"{out}: {len(lines)} labels; without a place: {dict(left)}")


def pack_row(name: str, row: Row, texts: Texts) -> Row | None:
    """Return a label with places instead of texts; None if a text has no place."""
    trial = row.get("record") or texts.find_trial(row["time_frame"])
    if trial is None:
        return None
    packed = {"file": name, "record": trial, "id": row.get("id")}
    if "record" not in row:
        packed["elsewhere"] = True
    said: list[str] = []
    home = f"{row['rank']}_outcomes" if "rank" in row else "eligibility"

    def place(text: str | None, home: str = "") -> list[Any] | None:
        if not text:
            return None
        said.append(text)
        return texts.find(trial, text, home)

    for key, holds_text in _KEYS[name].items():
        if key not in row:
            continue
        packed[key] = row[key]
        if holds_text:
            packed[key] = place(row[key], home)
        elif key == "dosing":
            packed[key] = [_pack_dose(dose, place) for dose in row[key]]
    packed["hash"] = _hash(said)
    return packed if _hash(_read_texts(packed, texts)) == packed["hash"] else None


def _pack_dose(dose: Row, place: Any) -> Row:
    packed = dict(dose)
    for key in _TEXTS:
        if isinstance(dose.get(key), list):
            packed[key] = [place(text, dose["section"]) for text in dose[key]]
        elif dose.get(key):
            packed[key] = place(dose[key], dose["section"])
    return packed


def _read_texts(packed: Row, texts: Texts) -> Iterator[str]:
    """Yield the texts of a packed label in the order of its keys, without those that are absent."""
    row = unpack_row(packed, texts)
    for key, holds_text in _KEYS[packed["file"]].items():
        if holds_text and row.get(key):
            yield row[key]
        for dose in row.get(key) or () if key == "dosing" else ():
            for field in _TEXTS:
                value = dose.get(field) or ()
                yield from value if isinstance(value, list) else filter(None, [value])


def unpack_row(packed: Row, texts: Texts) -> Row:
    """Return a label with texts instead of places."""
    trial = packed["record"]
    known = {
        key: value
        for key, value in packed.items()
        if key not in ("file", "hash", "elsewhere", *_KEYS[packed["file"]])
    }
    if packed.get("elsewhere"):
        del known["record"]
    for key, holds_text in _KEYS[packed["file"]].items():
        if key not in packed:
            continue
        value = packed[key]
        if holds_text and value:
            value = texts.read(trial, value)
        elif key == "dosing":
            value = [_unpack_dose(dose, trial, texts) for dose in value]
        known[key] = value
    return known


def _unpack_dose(dose: Row, trial: str, texts: Texts) -> Row:
    read = dict(dose)
    for key in _TEXTS:
        place = dose.get(key)
        if place and isinstance(place[0], list):
            read[key] = [texts.read(trial, one) for one in place]
        elif place:
            read[key] = texts.read(trial, place)
    return read


def _hash(said: Iterable[str]) -> str:
    whole = "\n".join(text or "" for text in said)
    return sha256(whole.encode()).hexdigest()[:_HASH_LENGTH]


def _restore(records: Sequence[Path], out: Path) -> None:
    texts = Texts(records)
    rows: dict[str, list[str]] = defaultdict(list)
    left: Counter[str] = Counter()
    for packed in read_lines(FILE):
        if _hash(_read_texts(packed, texts)) == packed["hash"]:
            line = json.dumps(unpack_row(packed, texts), ensure_ascii=False)
            rows[packed["file"]].append(line + "\n")
        else:
            left[packed["file"]] += 1
    folder = out / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _KEYS:
        (folder / f"{name}.jsonl").write_text("".join(rows[name]), "utf-8")
        print(f"{name}: {len(rows[name])} labels; changed or absent: {left[name]}")


if __name__ == "__main__":
    main()
