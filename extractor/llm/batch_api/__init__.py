"""Requests and answers by a provider's batch files: exchanged by hand, or through its batch API."""
