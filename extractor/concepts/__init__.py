"""The concepts of a trial record, a folder each: rules, reader, proof and assembly side by side."""
