"""Fit the calibration of the pre-parser's confidences on gold of whole records, and judge it.

    python -m benchmarks.reliability GOLD --records INPUT... [--write] [--field NAME [--errors N]]

GOLD is a standoff file with folds, such as ``benchmarks/gold/gold.jsonl``. ``unseen`` judges each fold by curves fitted
on the other folds, ``shipped`` judges all folds by the curves of the package. The table shows for each field and each
area: values and the share right; then the mean confidence, the expected calibration error, the share that is certain
(0.95 or more), what these claim on average and how many of them are right, with Wilson's 95 % interval. A value that
is empty counts too: it is right if nothing is annotated. Open readings (confidence 0) claim nothing and are left out.

``--write`` first fits on all folds and replaces the curves of the package. ``--field`` shows one field ("category" or
"endpoints.category"), and certain values of it that are wrong, from the folds that are for development alone.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.gold.__main__ import read_gold
from benchmarks.gold.figures import GROUPS, name_group
from extractor.evaluation.report import to_json_value
from extractor.parse.parsed import CERTAIN
from extractor.parse.scoring import CURVES
from extractor.read import read_records

from .figures import format_head, format_row, measure_reliability
from .fitting import calibrate, cross_validate, fit_curves, format_curves, read_curves
from .sources import Stated, judge_gold

_DEVELOPMENT = frozenset({0, 1, 2})
"""Folds whose values people may read."""


def main() -> None:
    """Print the tables."""
    chosen = _read_arguments()
    records = read_records(*chosen.records, on_error=lambda _: None)
    stated = [one for one in judge_gold(read_gold(chosen.gold), records) if one.confidence]
    if not stated:
        raise SystemExit(f"{chosen.gold}: no trial of it is among the records; name the inputs that hold them")
    if chosen.write:
        Path(str(CURVES)).write_text(format_curves(fit_curves(stated)), "utf-8")
    judged = list(zip(stated, cross_validate(stated), calibrate(stated, read_curves()), strict=True))
    print(f"{len({one.trial for one in stated})} trials\n")
    for name, rows in _list_rows(judged, chosen.field):
        if not rows:
            print(f"\n{format_head(name)}")
            continue
        unseen = measure_reliability((confidence, one.right) for one, confidence, _ in rows)
        shipped = measure_reliability((confidence, one.right) for one, _, confidence in rows)
        print(format_row(name, unseen, shipped))
    if chosen.field:
        print(*_show_wrong(judged, chosen.field, chosen.errors), sep="\n")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path, metavar="GOLD", help="a file of standoff gold with folds")
    parser.add_argument("--records", nargs="+", required=True, metavar="INPUT", help="the records of the gold")
    parser.add_argument("--write", action="store_true", help="replace the curves of the package")
    parser.add_argument("--field", metavar="NAME", help="only this field, with its certain values that are wrong")
    parser.add_argument("--errors", type=int, default=20, metavar="N", help="how many of these (default: 20)")
    return parser.parse_args()


_Judged = tuple[Stated, float, float]
"""A value, its confidence by curves that have not seen it, and by those of the package."""


def _list_rows(judged: Sequence[_Judged], field: str | None) -> Iterator[tuple[str, list[_Judged]]]:
    """The lines of the table by name; a line without values is a heading."""
    chosen = [one for one in judged if field is None or is_named(one[0].field, field)]
    for group in GROUPS:
        yield group, []
        inside = [one for one in chosen if name_group(one[0].area) == group]
        for name in sorted({one[0].field for one in inside}):
            yield name, [one for one in inside if one[0].field == name]
        yield "all fields", inside
    yield "by area, all fields", []
    for area in sorted({one[0].area for one in chosen}):
        yield area, [one for one in chosen if one[0].area == area]


def is_named(field: str, name: str) -> bool:
    """Whether a name, or the end of one, means a field.

    >>> is_named("endpoints.category", "category"), is_named("endpoints.category", "kind")
    (True, False)
    """
    return field == name or field.endswith(f".{name}")


def _show_wrong(judged: Sequence[_Judged], field: str, limit: int) -> Iterator[str]:
    wrong = [
        (one, confidence)
        for one, confidence, _ in judged
        if is_named(one.field, field) and confidence >= CERTAIN and not one.right and one.fold in _DEVELOPMENT
    ]
    yield f"\n{len(wrong)} certain values of the folds for development are wrong:"
    for one, confidence in sorted(wrong, key=lambda pair: -pair[1])[:limit]:
        read, label = (json.dumps(to_json_value(each), ensure_ascii=False) for each in (one.read, one.label))
        yield f"  {one.trial} {confidence:.3f} {one.field}: read {read}, annotated {label}"
        yield "      " + " ".join(one.text.split())[:300]


if __name__ == "__main__":
    main()
