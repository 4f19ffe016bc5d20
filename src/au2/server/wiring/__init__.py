"""The only place that chooses a concrete database, content store, engine and notices.

One module per process, so that no process imports unused libraries.
"""
