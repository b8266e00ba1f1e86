"""Batches: many records into a folder or a stream. Modules are imported directly, so that workers start quickly."""
