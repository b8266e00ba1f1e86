"""Runs to be shown: a record that tries to break out of a page, and many records."""

import json

from typer.testing import CliRunner

from extractor.cli.app import app
from tests.extracted import extract

SCRIPT = "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' onerror='window.broken = 1'>"
# What a template, a comment, an entity, a style and a change of direction would be, were they not text.
TEXT = f"{{{{ 7 * 7 }}}} {{% raw %}} <!-- &lt;b&gt; \u202egnp.a\u202c </style> {SCRIPT} \N{GRINNING FACE}"
CRITERION = f"Weight over 40 kg {SCRIPT}"
HOSTILE_ID = "R'%2F<img src=x onerror=window.broken=1>"


def command(*words):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def run_hostile(folder):
    """One record whose every text is hostile. Its id is the file's stem: it has no number of a registry."""
    record = folder / f"{HOSTILE_ID}.json"
    known = {"briefTitle": TEXT}
    description = {"briefSummary": f"Before. {TEXT} After."}
    criteria = {"eligibilityCriteria": f"Inclusion:\n\n* \N{GRINNING FACE} {CRITERION}\n* Age 18 or older\n"}
    outcome = {"measure": f"Overall survival {SCRIPT}", "timeFrame": "2 years"}
    study = {
        "identificationModule": known,
        "descriptionModule": description,
        "eligibilityModule": criteria,
        "outcomesModule": {"primaryOutcomes": [outcome]},
    }
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    return extract(record, folder / "run")


def run_many(folder, count):
    """So many records that differ in id and title, with texts long enough for several chunks of the page."""
    folder.mkdir()
    for number in range(count):
        text = f"Part {number} of many.\n\n" + "They come and go and say nothing in particular. " * 150
        known = {"nctId": f"NCT{number:08d}", "briefTitle": f"Many trials, part {number}"}
        study = {"identificationModule": known, "descriptionModule": {"detailedDescription": text}}
        study["outcomesModule"] = {"primaryOutcomes": [{"measure": "Overall survival", "timeFrame": "2 years"}]}
        (folder / f"{number:03}.json").write_text(json.dumps({"protocolSection": study}), "utf-8")
    return extract(folder, folder.with_name(f"run-{count}"))
