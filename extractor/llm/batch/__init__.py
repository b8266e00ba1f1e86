"""Requests and answers by file, and by a provider's batch API."""
