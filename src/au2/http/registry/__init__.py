"""The registry endpoint ``/v2/`` (OCI distribution specification 1.1)."""
