"""Run over many records, into a folder or a stream. Import the modules directly, so that workers
start quickly.
"""
