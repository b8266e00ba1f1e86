"""The stages of an extraction, in the order of ``extractor.pipeline``: read, parse, ask, proof, assemble, audit."""
