"""The concepts of a trial record. Each has a folder with its rules, reader, proof and assembly."""
