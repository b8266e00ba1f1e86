"""Read trial records in any supported format as named sections of raw text.

::

    inputs --> files --> documents --one reader per container--> contents --> TrialRecords

Formats and packaging are detected by content; the name decides only for what seems to be plain
text, such as JSON lines whose first line is damaged. Everything is streamed: reading half a million
records requires only enough memory for the largest record, plus about 300 bytes per id. A record
that cannot be read results in an error that states the file, the place and a remedy, and does not
affect other records. Data is reported as damaged only if a library fails to unpack or decode it
(``streams.name_damage``); any other failure is reported as an error in this program.

To change which fields of a register are read, or to add a register, edit its table:
``registers/NAME.toml`` has one line for each section and each registered field. The keys are
explained in ``registers/__init__.py``, and the paths in ``fields.py``. ``record.py`` applies the
table to the tree of a record. The trees come from ``json_records``, ``xml_records``, ``tables``,
``aact`` (a zip of tables) and ``eu_register`` (numbered fields). ``cells`` splits lists in a text;
``flat`` reads flattened text, and ``free_text`` reads any other text.

``inputs`` opens the user's inputs, ``files`` and ``streams`` unpack them within limits,
``detection`` chooses the reader, and ``records`` adds ids and places.
"""

from extractor.formats.records import (
    make_record,
    name_text,
    read_records,
    read_row,
    read_stream,
)

__all__ = ["make_record", "name_text", "read_records", "read_row", "read_stream"]
