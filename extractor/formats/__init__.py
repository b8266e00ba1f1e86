"""Read trial records of any supported format as named sections of raw text.

::

    inputs --> files --> documents --one reader per format--> contents --> TrialRecords

Formats and packaging are detected by content, never by a file's name. Everything streams: a file of
half a million records needs the memory of its largest record, plus about 300 bytes per id.
"""

from extractor.formats.records import make_record, read_records, read_stream

__all__ = ["make_record", "read_records", "read_stream"]
