"""The only place that chooses a concrete database, store, engine and way to send notices.

One module per process's needs, so that no process imports what it does not use.
"""
