"""Gold of all areas as places in the records, without their text, and single labels of other trials."""

from pathlib import Path
from typing import Any

from benchmarks.data import read_lines

GOLD, LABELS, INDEPENDENT = (Path(__file__).with_name(f"{name}.jsonl") for name in ("gold", "labels", "independent"))
GROUPS = ("oncology and allergy", "other areas")
HOME_AREAS = frozenset({"Oncology", "Allergy / asthma"})


def read_gold(path: Path = GOLD) -> dict[str, dict[str, Any]]:
    """The lines of a gold file by record; empty if there is no such file."""
    return {line["record_id"]: line for line in read_lines(path)} if path.is_file() else {}


def name_group(area: str) -> str:
    """The group of an area.

    >>> name_group("Oncology"), name_group("Dentistry")
    ('oncology and allergy', 'other areas')
    """
    return GROUPS[0] if area in HOME_AREAS else GROUPS[1]
