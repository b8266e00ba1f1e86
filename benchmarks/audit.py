"""Count the audit's findings in real records, and print a sample to read by hand.

    python -m benchmarks.audit --data DIR [--sample N] [--seed S] [--kind KIND]

Counts findings and records by kind and severity, over all records of a file or folder (or of DIR/records), each record
once, and the audit's time as a share of the time of parsing. ``--sample N`` prints N findings, spread evenly over the
kinds, with their quotes and the text around them; ``--kind`` only those of one kind. Readers of samples
found the precision in docs/explanation/audit.md.
"""

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.data import format_table, parse_options, read_once

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core, also for matrices: before anything loads them

from extractor.schemas import Citation, Finding, TrialRecord
from extractor.stages.assemble import ModelResult, assemble_extraction
from extractor.stages.audit import audit_extraction
from extractor.stages.parse import parse_record

_CONTEXT = 120
"""Characters shown before and after a quote."""
Found = Sequence[tuple[TrialRecord, Finding]]


class Audited(NamedTuple):
    """One record's findings, and the processor seconds of parsing and of the audit."""

    record: TrialRecord
    findings: tuple[Finding, ...]
    parsing: float
    auditing: float


def main() -> None:
    """Print the counts and the sample."""
    chosen = parse_options(__doc__, data=..., sample=0, seed=0, kind=str)
    audited = [audit_record(record) for record in read_once(chosen.data)]
    print(format_counts(audited))
    found = [(one.record, finding) for one in audited for finding in one.findings]
    found = [pair for pair in found if chosen.kind in (None, pair[1].kind)]
    for number, (record, finding) in enumerate(draw_sample(found, chosen.sample, chosen.seed), 1):
        print(f"\n{number}. {format_finding(record, finding)}")


def audit_record(record: TrialRecord) -> Audited:
    """Parse, assemble and audit one record."""
    begun = time.process_time()
    parsed = parse_record(record)
    parsing = time.process_time() - begun
    extraction = assemble_extraction(parsed, ModelResult())
    begun = time.process_time()
    return Audited(record, audit_extraction(parsed, extraction), parsing, time.process_time() - begun)


def draw_sample(found: Found, size: int, seed: int) -> Found:
    """Draw up to ``size`` findings, in turns from each kind, each kind in random order."""
    drawn: dict[str, list[tuple[TrialRecord, Finding]]] = defaultdict(list)
    for pair in random.Random(seed).sample(found, len(found)):
        drawn[pair[1].kind].append(pair)
    turns = sorted((turn, kind) for kind, pairs in drawn.items() for turn in range(len(pairs)))
    return [drawn[kind][turn] for kind, turn in sorted((kind, turn) for turn, kind in turns[:size])]


def format_counts(audited: Sequence[Audited]) -> str:
    """Format one line per kind (severity, findings, records), then the share of the time."""
    findings = Counter((one.kind, one.severity) for record in audited for one in record.findings)
    records = Counter(pair for record in audited for pair in {(one.kind, one.severity) for one in record.findings})
    rows = [(kind, severity, n, records[kind, severity]) for (kind, severity), n in sorted(findings.items())]
    share = sum(one.auditing for one in audited) / (sum(one.parsing for one in audited) or 1)
    touched = sum(bool(one.findings) for one in audited)
    table = format_table(("kind", "severity", "findings", "records"), rows)
    return f"{table}\n{touched} of {len(audited)} records; the audit takes {share:.1%} of the time of parsing"


def format_finding(record: TrialRecord, finding: Finding) -> str:
    """Format a finding with all its quotes, each within the text around it."""
    quotes = (f"    {one.section}: {_show(record, one)}" for one in finding.citations)
    return "\n".join([f"{record.record_id} {finding.kind} ({finding.severity}): {finding.message}", *quotes])


def _show(record: TrialRecord, citation: Citation) -> str:
    text = record.raw_text(citation.section) or ""
    before = text[max(0, citation.start - _CONTEXT) : citation.start]
    return " ".join(f"{before}[[{citation.quote}]]{text[citation.end : citation.end + _CONTEXT]}".split())


if __name__ == "__main__":
    main()
