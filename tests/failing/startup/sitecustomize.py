"""Imported by each Python process at its start. It changes the parser just before that is used."""

import builtins
import os
import re
import signal
import sys
import time
from importlib.abc import MetaPathFinder


class _Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {"extractor.api", "extractor.pipeline"} and self in sys.meta_path:
            sys.meta_path.remove(self)
            import extractor.parse as stage  # noqa: PLC0415

            stage.parse_record = _fail_for_some(stage.parse_record)


def _fail_for_some(parse_record):
    def parse(record):
        if found := re.search(r"fails by (\w+)", " ".join(section.text for section in record.sections)):
            if found[1] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if found[1] == "sleep":
                time.sleep(3600)
            raise getattr(builtins, found[1])("a word of the record")
        return parse_record(record)

    return parse


sys.meta_path.insert(0, _Watch())
