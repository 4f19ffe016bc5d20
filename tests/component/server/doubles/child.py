"""A child of the supervisor that does nothing, in some manner: ``child.py NAME MANNER``."""

import signal
import sys
import threading

from au2.server.supervision.worker import Worker

name, manner = sys.argv[1:]
stop = threading.Event()
child = Worker(name)
pid_file = child.config.data.root / f"{name}.pid"
if manner == "broken":
    sys.exit(7)
if manner != "stubborn":
    child.when_orphaned(stop.set)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
child.ready()
if manner == "passing":
    sys.exit(0)
if manner == "hanging":
    signal.pause()
while not stop.wait(0.1):
    child.beat()
