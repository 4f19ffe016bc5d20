"""Dependencies of packages and runtimes: sources, resolving, installation, caches.

A package's dependencies become one layer of its image. Two build containers on the runtime make it,
without a network: one resolves (and builds sdists), one installs. The gateway (:mod:`.gateway`) on
their loopback serves the files of the operator's index and receives the results.
"""
