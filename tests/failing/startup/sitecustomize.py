"""Imported by each Python process at its start. It changes the parser just before that is used."""

import sys
from importlib.abc import MetaPathFinder


class _Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {"extractor.setup", "extractor.pipeline"} and self in sys.meta_path:
            sys.meta_path.remove(self)
            import extractor.concepts.parse as stage  # noqa: PLC0415
            import extractor.formats as reading  # noqa: PLC0415
            from tests.failing import die_at_some, fail_for_some  # noqa: PLC0415

            reading.read_stream = die_at_some(reading.read_stream)
            stage.parse_record = fail_for_some(stage.parse_record)


sys.meta_path.insert(0, _Watch())
