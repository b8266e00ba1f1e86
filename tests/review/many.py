"""A run of many small records, written as a run leaves it."""

import json
from contextlib import closing
from pathlib import Path

from extractor.llm.trace import Session
from extractor.read import read_records
from extractor.run.manifest import Manifest
from extractor.run.store import RunStore
from extractor.run.tally import ExtractedLine


def make_many(folder: Path, count: int) -> Path:
    """So many records with a title each, in doubt about who may take part, the last one least."""
    source, run = folder / "records.jsonl", folder / "run"
    run.mkdir()
    studies = [{"nctId": f"NCT{number:08d}", "briefTitle": f"One of many, part {number}"} for number in range(count)]
    lines = (json.dumps({"protocolSection": {"identificationModule": study}}) for study in studies)
    source.write_text("\n".join(lines), "utf-8")
    (run / "run.json").write_bytes(Manifest(settings={}, inputs=[str(source)]).to_json())
    with closing(RunStore(run)) as store, (run / "extractions.jsonl").open("wb") as results:
        for number, record in enumerate(read_records(source)):
            people = {"confidence": number / count, "criteria": []}
            start = results.tell()
            length = results.write(json.dumps({"record_id": record.record_id, "eligibility": people}).encode() + b"\n")
            line = ExtractedLine(record.record_id, b"", "{}", cut=False)
            store.add(record, number, line, (start, length), Session())
    return run
