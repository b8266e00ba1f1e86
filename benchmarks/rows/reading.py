"""Read files with the rules of any version of the package, each with the features of its values.

    python -P reading.py < FILES > READINGS

A line of FILES has the ``name`` and the ``content`` of a small input file. A line of READINGS has the
first record in it: its ``sections``, its ``extraction``, and its ``drafts`` with the estimate, the cap
and the features of each field. Only the package is imported, and only by names that all versions have;
versions without features give no drafts.
"""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from extractor import Extractor, read_records


def main() -> None:
    """Read the lines of standard input."""
    extractor = Extractor()
    with TemporaryDirectory() as folder:
        for line in sys.stdin:
            file = json.loads(line)
            path = Path(folder, file["name"])
            path.write_text(file["content"], "utf-8")
            record = next(iter(read_records(path)))
            extraction = json.loads(extractor.extract(record).model_dump_json())
            add_conditions(extraction)
            read = {
                "sections": {part.name: part.text for part in record.sections},
                "extraction": extraction,
                "drafts": list(list_drafts(record)),
            }
            print(json.dumps(read))


def add_conditions(extraction: dict[str, Any]) -> None:
    """Add the empty conditions of limits, unless the version cannot read conditions at all."""
    limit_type = import_module("extractor.schemas").Constraint
    if "condition" not in limit_type.model_fields:
        return
    for criterion in extraction["eligibility"]["criteria"]:
        for limit in criterion["constraints"]:
            limit.setdefault("condition", None)


def list_drafts(record: Any) -> Iterator[dict[str, Any]]:
    """Yield the drafts of a record before they are weighed, with the place that identifies each item."""
    parsing = import_module("extractor.concepts.parse")
    old = getattr(parsing, "parse_uncalibrated", None)
    parse = getattr(parsing, "parse_unweighed", old)
    if parse is None:
        return
    parsed = parse(record)
    for draft in (*parsed.criteria, *parsed.regimens, *parsed.outcomes):
        fields = {
            name: {
                "estimate": find_estimate(reading),
                "features": list_features(reading),
                "parts": list_parts(reading),
            }
            for name, reading in draft.rules.items()
        }
        for name, most in getattr(draft, "at_most", {}).items():
            fields.setdefault(name, {})["cap"] = most
        agent = draft.rules.get("agent")
        place = [draft.span.section, draft.span.start, draft.span.end]
        yield {"place": place, "agent": agent and agent.value, "fields": fields}


def find_estimate(reading: Any) -> Any:
    """Return the probability that a reading has before it is weighed, from 0 to 1."""
    if hasattr(reading, "probability"):
        return reading.probability
    # older versions call it like the confidence after weighing
    return reading.confidence


def list_parts(reading: Any) -> list[dict[str, float]]:
    """Return the estimates of the parts of each member of a reading, by name of the part; only older
    versions have them before they weigh.
    """
    if hasattr(reading, "list_sure_parts"):
        return [{**parts} for parts in reading.list_sure_parts()]
    return [{}] * len(reading.list_values())


def list_features(reading: Any) -> list[dict[str, Any]]:
    """Return the features of each member of a reading, and those of the whole, by name of the part;
    "" stands for the member itself.
    """
    of_whole = getattr(reading, "features", ())
    if hasattr(reading, "members"):
        return [
            {name: part.features for name, part in member.parts.items()}
            | {"": (*member.features, *of_whole)}
            for member in reading.members
        ] or [{"": of_whole}]
    members = getattr(reading, "member_features", None)
    if members is None:
        # older versions had a mapping like those returned here
        old = [{**signs} for signs in reading.signs] or [{"": ()}]
        return [{**own, "": (*own.get("", ()), *of_whole)} for own in old]
    if not members:
        return [{"": of_whole}]
    return [{**of.parts, "": (*of.own, *of_whole)} for of in members]


if __name__ == "__main__":
    main()
