"""Requests and answers in a provider's batch files, exchanged by hand or through its batch API."""
