"""Runs for the report: a record that tries to break out of a page, and many records."""

import json
from pathlib import Path

from tests.commands import extract

SCRIPT = (
    "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' "
    "onerror='window.broken = 1'>"
)
# Text that looks like a template, a comment, an entity, a style and a change of direction.
TEXT = (
    f"{{{{ 7 * 7 }}}} {{% raw %}} <!-- &lt;b&gt; \u202egnp.a\u202c </style> {SCRIPT} "
    f"\N{GRINNING FACE}"
)
CRITERION = f"Weight over 40 kg {SCRIPT}"
HOSTILE_ID = "R'%2F<img src=x onerror=window.broken=1>"


def run_hostile(folder):
    """Run one record whose every text is hostile. Its id is the file's stem, since it has no
    registry number.
    """
    record = folder / f"{HOSTILE_ID}.json"
    study = {
        "identificationModule": {"briefTitle": TEXT},
        "descriptionModule": {"briefSummary": f"Before. {TEXT} After."},
        "eligibilityModule": {
            "eligibilityCriteria": f"Inclusion:\n\n* \N{GRINNING FACE} {CRITERION}\n* Age 18 or older\n"
        },
        "outcomesModule": {
            "primaryOutcomes": [
                {"measure": f"Overall survival {SCRIPT}", "timeFrame": "2 years"}
            ]
        },
    }
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    return extract(record, folder / "run")


def run_many(folder, count):
    """Run ``count`` records that differ in id and title, with texts long enough for several
    chunks of the page.
    """
    folder.mkdir()
    for number in range(count):
        text = (
            f"Part {number} of many.\n\n"
            + "They come and go and say nothing in particular. " * 150
        )
        known = {
            "nctId": f"NCT{number:08d}",
            "briefTitle": f"Many trials, part {number}",
        }
        study = {
            "identificationModule": known,
            "descriptionModule": {"detailedDescription": text},
        }
        study["outcomesModule"] = {
            "primaryOutcomes": [{"measure": "Overall survival", "timeFrame": "2 years"}]
        }
        (folder / f"{number:03}.json").write_text(
            json.dumps({"protocolSection": study}), "utf-8"
        )
    return extract(folder, folder.with_name(f"run-{count}"))


OWN = Path(__file__).parent / "own_fields.py"


def run_own(folder):
    """Run a record with fields of a user's own: of a criterion, and of the record."""
    study = {
        "identificationModule": {
            "nctId": "NCT00000001",
            "briefTitle": "A trial at 12 sites",
        },
        "eligibilityModule": {
            "eligibilityCriteria": "Inclusion Criteria:\n\n* Weight over 40 kg\n* Platelets over 75000\n* No fever"
        },
    }
    (folder / "record.json").write_text(json.dumps({"protocolSection": study}), "utf-8")
    return extract(folder / "record.json", folder / "run", "--fields", OWN)
