"""Imported by each Python process that starts with this folder on its path."""

import extractor.parse
from tests.poison import poison_reader

extractor.parse.read_eligibility = poison_reader()
