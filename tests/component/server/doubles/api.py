"""An API with one page, its process id, and one endless stream."""

import asyncio
import os
import signal
import socket
import threading
from typing import Any

from au2.server.http.server import ApiServer
from au2.server.supervision.worker import Worker

stopping = threading.Event()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    endless = scope["path"] == "/stream"
    body = str(os.getpid()).encode()
    await send({"type": "http.response.body", "body": body, "more_body": endless})
    while endless and not stopping.is_set():
        await asyncio.sleep(0.01)
    if endless:
        await send({"type": "http.response.body", "body": b" end"})


for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stopping.set())
child = Worker("api")
server = ApiServer(app, on_ready=child.ready, beat=child.beat, stopping=stopping)
signal.signal(signal.SIGHUP, lambda *_: server.reload())
child.when_orphaned(server.stop)
server.run(sockets=[socket.socket(fileno=child.config.descriptors["listen"])])
