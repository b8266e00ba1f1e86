"""Read trial records of any supported format as named sections of raw text.

::

    inputs --> files --> documents --one reader per container--> contents --> TrialRecords

Formats and packaging are detected by content, never by a file's name. Everything streams: a file of
half a million records needs the memory of its largest record, plus about 300 bytes per id. A record
that cannot be read is an error with file, place and remedy, and does not affect other records. Only
what a library raises while it unpacks or decodes counts as damage (``streams.name_damage``); any
other failure is named as one of this program.

To change what is read of a register, or to add one, edit its table: ``registers/NAME.toml``, where
each section and each registered field has one line; ``registers/__init__.py`` explains the keys,
``fields.py`` the paths, and ``record.py`` applies them to the tree of a record. Readers make the
trees: ``json_records``, ``xml_records``, ``tables``, ``aact`` (a zip of
tables) and ``eu_register`` (numbered fields). ``cells`` divides lists in a text; ``flat`` reads
flattened text, ``free_text`` any other.

``inputs`` opens what a user names, ``files`` and ``streams`` unpack it within limits, ``detection``
chooses the reader, and ``records`` adds ids and places.
"""

from extractor.formats.records import make_record, read_records, read_stream

__all__ = ["make_record", "read_records", "read_stream"]
