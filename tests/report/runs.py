"""Runs to be shown: the seeds, a record that tries to break out of a page, and many records."""

import json
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.soak.records import write_distinct_records
from extractor.cli.app import app

STUDY = Path(__file__).parents[1] / "records" / "study.json"
SCRIPT = "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' onerror='window.broken = 1'>"
# What a template, a comment, an entity, a style and a change of direction would be, were they not text.
TEXT = f"{{{{ 7 * 7 }}}} {{% raw %}} <!-- &lt;b&gt; \u202egnp.a\u202c </style> {SCRIPT} \N{GRINNING FACE}"
CRITERION = f"Weight over 40 kg {SCRIPT}"
HOSTILE_ID = "R'%2F<img src=x onerror=window.broken=1>"


def command(*words):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def extract(source, folder):
    """A run in a process of its own: beside a browser that is driven, none can be made in this one."""
    words = [sys.executable, "-m", "extractor", "run", source, "--assist", "never", "--out", folder, "--quiet"]
    subprocess.run([str(word) for word in words], check=True)
    return folder


def run_seeds(folder):
    """The seeds, extracted by the rules."""
    return extract("seeds/records", folder)


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
    """So many records that differ in id and title."""
    write_distinct_records(folder / f"{count}.jsonl", count)
    return extract(folder / f"{count}.jsonl", folder / f"run-{count}")
