"""Requests of the OCI distribution conformance suite at its defaults, as a table.

A row is a request and the answers that the suite accepts; rows that push take the place of the
answer before (``Location``). The suite skips what a registry answers with "unsupported": here a
skip is a failure, but for the deletion of blobs.
"""
