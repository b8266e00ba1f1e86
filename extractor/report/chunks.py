"""Records in compressed chunks: a page opens those that it shows, and no others."""

import base64
import gzip
import json
from typing import Any

__all__ = ["Chunks", "pack"]

CHARACTERS = 200_000
"""A chunk ends with the record that brings its JSON to so many characters: quick to open, and well compressed."""


def pack(data: Any) -> str:
    """JSON, compressed, in letters that need no escape in HTML. The same data gives the same letters.

    >>> gzip.decompress(base64.b64decode(pack({"a": "</script>"})))
    b'{"a":"</script>"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), mtime=0)).decode()


class Chunks:
    """Takes records one at a time, and holds no more than one chunk of them uncompressed."""

    def __init__(self) -> None:
        self.packed: list[str] = []
        self._records: list[Any] = []
        self._characters = 0

    def add(self, record: Any) -> tuple[int, int]:
        """Add a record, and say in which chunk it is, at which place."""
        place = len(self.packed), len(self._records)
        self._records.append(record)
        self._characters += sum(len(section["text"]) for section in record["sections"])
        self._characters += 100 * sum(len(item["values"]) for item in record["items"])
        if self._characters >= CHARACTERS:
            self.close()
        return place

    def close(self) -> None:
        """Pack what is not packed yet."""
        if self._records:
            self.packed.append(pack(self._records))
            self._records, self._characters = [], 0
