"""Runs for the report: a record that tries to break out of a page, and many records."""

import json

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
_OUTCOMES = {
    "primaryOutcomes": [
        {"measure": f"Overall survival {SCRIPT}", "timeFrame": "2 years"}
    ]
}


def _write(path, title, criteria="", description="", nct_id=None, outcomes=_OUTCOMES):
    known = {"briefTitle": title} | ({"nctId": nct_id} if nct_id else {})
    study = {
        "identificationModule": known,
        "descriptionModule": {"briefSummary": description},
        "eligibilityModule": {
            "eligibilityCriteria": f"Inclusion Criteria:\n\n{criteria}"
        },
        "outcomesModule": outcomes,
    }
    path.write_text(json.dumps({"protocolSection": study}), "utf-8")


def run_hostile(folder):
    """Run one record whose every text is hostile. Its id is the file's stem, since it has no
    registry number.
    """
    record = folder / f"{HOSTILE_ID}.json"
    criteria = f"* \N{GRINNING FACE} {CRITERION}\n* Age 18 or older\n"
    _write(record, f"{TEXT} {TEXT}", criteria, f"Before. {TEXT} After.")
    return extract(record, folder / "run")


def run_many(folder, count):
    """Run ``count`` records with texts long enough for several chunks of the page."""
    folder.mkdir()
    words = "They come and go and say nothing in particular. " * 150
    for number in range(count):
        path = folder / f"{number:03}.json"
        text = f"Part {number} of many.\n\n{words}"
        title = f"Many trials, part {number}"
        _write(path, title, description=text, nct_id=f"NCT{number:08d}", outcomes={})
    return extract(folder, folder.with_name(f"run-{count}"))
