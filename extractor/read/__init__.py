"""Read trial records of any supported format: files in, named sections of raw text out.

::

    inputs --> files --archives--> documents --one reader per format--> drafts --> TrialRecords

Formats and packaging are recognised by content, never by a file's name. Everything streams: a file of half a million
records needs the memory of its largest record and about 300 bytes for each id.
"""

from .records import read_records, read_stream

__all__ = ["read_records", "read_stream"]
