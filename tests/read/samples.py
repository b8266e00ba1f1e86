"""Invented records in the shape of other registries and dumps. The trial is the same in all of
them.
"""

import json
import re
from pathlib import Path
from typing import Any

from .test_packaging import zip_members

FOLDER = Path(__file__).with_name("samples")
TITLE = "Fictumab in Asthma"


def _load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


V2, V1, CTIS, ICTRP, EUCTR = map(
    _load,
    ("ctgov_v2.json", "ctgov_v1.json", "ctis_json.json", "ictrp.json", "euctr.json"),
)
PART_I = CTIS["authorizedApplication"]["authorizedPartI"]
DRKS = _load("drks_json.json")
EU_TEXT = (FOLDER / "eu_register.txt").read_text("utf-8")
WHO = (FOLDER / "who_xml.xml").read_text("utf-8").strip()
ISRCTN = (FOLDER / "isrctn_xml.xml").read_text("utf-8").strip()
_AACT = re.findall(
    r"^# (\w+)\n((?:.+\n)+)", (FOLDER / "aact.txt").read_text("utf-8"), re.MULTILINE
)
TABLES = {name: rows.splitlines() for name, rows in _AACT}
"""The tables of AACT. Rows are not in the order of the trial's items, and "~" stands for a line
break.
"""


def zip_tables(tables: dict[str, list[str]]) -> bytes:
    """An AACT export."""
    return zip_members(
        {
            f"export/{name}.txt": "\n".join([*rows, ""]).encode()
            for name, rows in tables.items()
        }
    )


def write_ictrp_xml(*trials: dict[str, str]) -> bytes:
    rows = (
        "".join(
            f"<{name}>{_escape(text)}\n    </{name}>" for name, text in trial.items()
        )
        for trial in trials
    )
    body = "".join(
        f"<Trial><Internal_Number>1</Internal_Number>{row}<Acronym/></Trial>"
        for row in rows
    )
    root = "Trials_downloaded_from_ICTRP"
    return f"<?xml version='1.0' encoding='UTF-8' ?>\n<{root}>{body}</{root}>".encode()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#x0D;")


SAMPLES = {
    "aact": zip_tables(TABLES),
    "ctgov_json": json.dumps(V2).encode(),
    "ctgov_json_v1": json.dumps(
        {"FullStudiesResponse": {"NStudiesFound": 1, "FullStudies": [{"Study": V1}]}}
    ).encode(),
    "euctr_text": EU_TEXT.encode(),
    "ictrp_xml": write_ictrp_xml(ICTRP),
    "ictrp_xml of European registers": write_ictrp_xml(EUCTR),
    **{
        path.stem: path.read_bytes()
        for path in sorted(FOLDER.iterdir())
        if path.stem.endswith(("_json", "_xml", "_csv"))
    },
}
"""A file of each format, by its name in ``Source.format``. A file of the folder that is named by
its format, such as ``drks_json.json``, needs no line here.
"""
