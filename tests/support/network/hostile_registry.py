"""A registry on loopback whose every answer a test decides."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back. ``stated_bytes``: another Content-Length than the true one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stated_bytes: int | None = None


@dataclass(slots=True)
class ScriptedRegistry:
    """Answers by calling ``answer``; keeps what it was asked."""

    name: str
    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        """What it was asked for."""
        return [asked.path for asked in self.asked]


@contextmanager
def scripted_registry(answer: Callable[[Asked], Answer]) -> Iterator[ScriptedRegistry]:
    """Serve while the block runs."""
    registry = ScriptedRegistry("", answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()})
            registry.asked.append(asked)
            told = registry.answer(asked)
            self.send_response(told.status)
            size = len(told.body) if told.stated_bytes is None else told.stated_bytes
            for name, value in {"Content-Length": str(size), **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(told.body)
            except OSError:
                self.close_connection = True
            # Else the other side would wait for the rest of what was stated.
            self.close_connection = self.close_connection or size != len(told.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.name = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
