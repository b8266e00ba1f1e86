"""Load the modules that every command needs in the process from which ``tests.commands`` forks
commands.
"""

import gc
import signal
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import extractor.apps.cli
from extractor import Extractor, read_records
from extractor.run.manifest import digest_rules

# the service blocks Ctrl-C while it starts processes, and this may be one of them
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
RECORD = Path(__file__).parent / "records" / "study.json"

for module in iter_modules(extractor.apps.cli.__path__, "extractor.apps.cli."):
    import_module(module.name)
for name in ("sdk", "sending", "batches"):
    import_module(f"extractor.model.{name}")
Extractor(effort="none").extract(next(read_records(RECORD)))
digest_rules()  # of the modules that are loaded here, even if their files change later
gc.collect()
gc.freeze()  # a fork copies what is written to, and the collector writes to what it looks at
