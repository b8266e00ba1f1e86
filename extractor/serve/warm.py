"""Imported by the process that others are forked off: what a first extraction loads, they all have then.

A process that replaces another answers its first wish as quickly as any other.
"""

from contextlib import suppress

__all__: list[str] = []


def _load() -> None:
    from extractor.options import Assist, ExtractionOptions  # noqa: PLC0415 - what goes wrong is passed over
    from extractor.pipeline import extract_by_rules  # noqa: PLC0415

    from . import asking, job_process  # noqa: F401, PLC0415
    from .examples import EXAMPLE_RECORD  # noqa: PLC0415
    from .extracting import read_single  # noqa: PLC0415

    record = read_single("warm", EXAMPLE_RECORD.encode(), len(EXAMPLE_RECORD))
    extract_by_rules(record, ExtractionOptions(assist=Assist.ALWAYS))


with suppress(Exception):  # else no process could be forked off; each of them says by itself what is wrong
    _load()
