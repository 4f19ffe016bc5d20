"""A small real HTTP server that answers as the API would: routes are plain data or functions."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ORGANIZATION = "20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0"
PROJECT = "8283de3e-2cce-4bc8-a523-0c7f84399530"
PROCESS = "eadf98c2-8e85-46ae-b81a-640d9d326109"
NOW = "2026-03-04T05:06:07Z"


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int
    """Which connection it came on."""

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back. ``cut``: the connection ends after the body, before its stated end."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    cut: bool = False
    chunked: bool = False
    hold: Event | None = None
    """The answer goes on after its body, silently, until this is set."""


Route = Callable[[Request], Answer] | Answer


@dataclass
class Api:
    """Routes by ``METHOD /path`` below the prefix (the end may be ``/*``), and all requests."""

    url: str = ""
    routes: dict[str, Route] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def answer(self, route: str, document: object, status: int = 200) -> None:
        """Answer ``route`` with a JSON document; a list is the only page of a list."""
        if isinstance(document, list):
            document = {"items": document, "next": None}
        self.routes[route] = Answer(status, json.dumps(document).encode())

    def fail(self, route: str, status: int, code: str, message: str, **more: object) -> None:
        """Answer ``route`` with an error of the contract."""
        error = {"code": code, "message": message, "hint": None, "details": []} | more
        self.answer(route, {"error": error}, status)

    def in_turn(self, route: str, *answers: Answer) -> None:
        """Answer ``route`` with one after the other; the last stays."""
        waiting = list(answers)
        self.routes[route] = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def asked(self) -> list[str]:
        """``METHOD /path`` of all requests."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def of(self, route: str) -> list[Request]:
        """All requests of ``route``."""
        return [r for r in self.requests if f"{r.method} {r.path}" == route]

    def handle(self, request: Request) -> Answer:
        """Return the answer of the request's route."""
        self.requests.append(request)
        name = f"{request.method} {request.path}"
        route = self.routes.get(name) or self.routes.get(f"{name.rpartition('/')[0]}/*")
        if route is None:
            error = {"code": "not-found", "message": "There is no such thing here."}
            return Answer(404, json.dumps({"error": error}).encode())
        return route if isinstance(route, Answer) else route(request)


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            pass

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                parts.path.removeprefix("/api/v1"),
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                self._body(),
                self.client_address[1],
            )
            self._send(api.handle(request))

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            if answer.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                length = len(answer.body) + (100 if answer.cut else 0)
                self.send_header("Content-Length", str(length))
            self.end_headers()
            if answer.chunked and answer.body:
                self.wfile.write(f"{len(answer.body):x}\r\n".encode() + answer.body + b"\r\n")
            elif not answer.chunked:
                self.wfile.write(answer.body)
            if answer.hold is not None:
                answer.hold.wait()
            if answer.cut:
                self.close_connection = True
            elif answer.chunked:
                self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the tests."""


@contextmanager
def serve() -> Iterator[Api]:
    """Serve an empty API on a free loopback port."""
    api = Api()
    server = _Server(("127.0.0.1", 0), _handler(api))
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sse(*events: tuple[str, object, int | None]) -> bytes:
    """Return server-sent events: name, document, id."""
    lines = [": keep-alive", ""]
    for name, document, offset in events:
        lines += [f"event: {name}"] + ([f"id: {offset}"] if offset is not None else [])
        lines += [f"data: {json.dumps(document)}", ""]
    return ("\n".join(lines) + "\n").encode()


def log_event(offset: int, *records: tuple[str, str]) -> tuple[str, object, int | None]:
    """Return a log event of whole lines: stream and text."""
    found = [{"time": NOW, "stream": s, "partial": False, "text": t} for s, t in records]
    return ("log", {"records": found}, offset)


def job_document(job_id: int = 12, **changes: object) -> dict[str, Any]:
    """Return a JobView document of a job that succeeded."""
    return {
        "id": job_id,
        "type": "au-process:run",
        "state": "SUCCEEDED",
        "reason": None,
        "reason_text": None,
        "name": "forecast",
        "organization": ORGANIZATION,
        "organization_name": None,
        "project": PROJECT,
        "project_name": None,
        "process": PROCESS,
        "version": 3,
        "version_choice": None,
        "submitted_by": "me@example.org",
        "created_at": NOW,
        "started_at": NOW,
        "ended_at": NOW,
        "exit_code": 0,
        "arguments": {"days": 7},
        "environment": {"A": "1"},
        "secrets": None,
        "resources": {
            "cpu": 1.0,
            "memory_bytes": 536870912,
            "processes": 256,
            "timeout_seconds": 3600.0,
            "network": "internet",
            "shared_memory_bytes": None,
        },
        "output": {"ok": True},
        "status_text": None,
        "progress": None,
        "stop_requested_at": None,
        "attempts": [
            {
                "number": 1,
                "created_at": NOW,
                "started_at": NOW,
                "ended_at": NOW,
                "state": "SUCCEEDED",
                "reason": None,
                "reason_text": None,
                "exit_code": 0,
                "image_digest": "sha256:" + "a" * 64,
                "phases": [{"name": "run", "started_at": NOW, "ended_at": "2026-03-04T05:06:09Z"}],
                "used": {"cpu_seconds": 0.25},
            }
        ],
        "waiting": None,
        **changes,
    }


def version_document(number: int = 3, **changes: object) -> dict[str, Any]:
    """Return a VersionView document of a packaged version with its image."""
    return {
        "process": PROCESS,
        "version": number,
        "type": "packaged",
        "description": "",
        "image_status": "AVAILABLE",
        "image_digest": "sha256:" + "a" * 64,
        "published_at": None,
        "published_by": None,
        "created_at": NOW,
        "created_by": "me@example.org",
        "runtime": None,
        "runtime_version": None,
        "upload_job": 1,
        "environment": None,
        "dependencies": None,
        "args_schema": None,
        "out_schema": None,
        "resources": None,
        **changes,
    }
