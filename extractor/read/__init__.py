"""Read trial records of any supported format: files in, named sections of raw text out.

::

    inputs --locate--> files --unpack--> documents --detect--> one reader per format --> drafts --> TrialRecords

Formats and packaging are recognised by content, never by a file's name. Everything streams: a file of half
a million records needs the memory of its largest record and 25 to 45 bytes for each id.
"""

from .records import read_records, read_stream

__all__ = ["read_records", "read_stream"]
