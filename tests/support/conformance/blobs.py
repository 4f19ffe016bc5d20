"""Rows about single blobs: every way to push one, reads, ranges and mounts."""

import itertools
from collections.abc import Iterator
from typing import Any

from tests.support.conformance.steps import (
    LOCATION,
    OCTETS,
    Step,
    digest_by,
    random_bytes,
    step,
)

# -- pushes of a blob ------------------------------------------------------------------------


def begin(repository: int = 0) -> Step:
    """Begin an upload."""
    headers = {"Content-Length": "0"}
    return step(
        "POST",
        "blobs/uploads/",
        202,
        headers=headers,
        answers={"Location": ""},
        repository=repository,
    )


def end(digest: str, repository: int = 0, **more: Any) -> Step:
    """End an upload."""
    query = {"digest": digest}
    accepted = more.pop("accepted", (201,))
    answers = {"Location": ""} if accepted == (201,) else {}
    return step(
        "PUT", LOCATION, *accepted, query=query, answers=answers, repository=repository, **more
    )


def pulled(data: bytes, repository: int = 0) -> Step:
    """Fetch what an upload ended in, from where its answer said."""
    return step("GET", LOCATION, 200, content=data, repository=repository)


def post_put(data: bytes, digest: str, repository: int = 0) -> list[Step]:
    """Push by POST, then PUT."""
    put = end(digest, repository, headers=OCTETS, body=data)
    return [begin(repository), put, pulled(data, repository)]


def post_only(data: bytes, digest: str, repository: int = 0) -> list[Step]:
    """Push by one POST."""
    post = step(
        "POST",
        "blobs/uploads/",
        201,
        query={"digest": digest},
        headers=OCTETS,
        body=data,
        answers={"Location": ""},
        repository=repository,
    )
    return [post, pulled(data, repository)]


def stream(data: bytes, digest: str, repository: int = 0) -> list[Step]:
    """Push by one PATCH without a length."""
    patch = step(
        "PATCH",
        LOCATION,
        202,
        headers=OCTETS,
        body=data,
        is_chunked=True,
        answers={"Location": ""},
        repository=repository,
    )
    return [begin(repository), patch, end(digest, repository), pulled(data, repository)]


def chunked(
    data: bytes, digest: str, *, put_last: bool = False, out_of_order: bool = False
) -> list[Step]:
    """Push in chunks; before each, on demand, one that does not follow."""
    size = max(1024, len(data) // 3 + 1)
    starts = range(0, len(data), size)
    rows = [begin()]
    for start in starts:
        is_last = start + size >= len(data)
        if out_of_order:
            wrong = start + size if not is_last else 0
            rows += _out_of_order(data, digest, start, wrong, size, by_put=put_last)
        rows.append(_chunk(data, digest, start, size, by_put=put_last and is_last))
    return [*rows, *([] if put_last else [end(digest)]), pulled(data)]


def _out_of_order(
    data: bytes, digest: str, received: int, wrong: int, size: int, *, by_put: bool
) -> list[Step]:
    is_end = wrong + size >= len(data)
    refused = _chunk(data, digest, wrong, size, by_put=by_put and is_end, accepted=(416,))
    told = {"Location": "", "Range": f"0-{received - 1}" if received else ""}
    return [] if wrong == received else [refused, step("GET", LOCATION, 204, answers=told)]


def _chunk(
    data: bytes,
    digest: str,
    start: int,
    size: int,
    *,
    by_put: bool = False,
    accepted: tuple[int, ...] | None = None,
) -> Step:
    body = data[start : start + size]
    headers = {**OCTETS, "Content-Range": f"{start}-{start + len(body) - 1}"}
    if by_put:
        return end(digest, headers=headers, body=body, accepted=accepted or (201,))
    answers = {} if accepted else {"Location": ""}
    return step(
        "PATCH", LOCATION, *(accepted or (202,)), headers=headers, body=body, answers=answers
    )


PUSHES = (post_only, post_put, chunked, stream)


# -- what follows a push ---------------------------------------------------------------------


def read_and_delete(data: bytes, digest: str, repository: int = 0) -> list[Step]:
    """Ask for a blob, fetch it, and ask for its deletion, which we do not offer."""
    length = {"Content-Length": str(len(data))}
    path = f"blobs/{digest}"
    return [
        step("HEAD", path, 200, answers=length, content=b"", repository=repository),
        step("GET", path, 200, answers=length, content=data, repository=repository),
        step("DELETE", path, 405, answers={"Allow": "GET, HEAD"}, repository=repository),
    ]


def blob_groups(algorithm: str) -> Iterator[tuple[str, list[Step]]]:
    """Yield the groups of rows about single blobs."""
    missing = digest_by(algorithm, random_bytes(9))
    yield "missing", [step("GET", f"blobs/{missing}", 404)]
    pushed: list[Step] = []
    for push in PUSHES:
        data = random_bytes(512)
        digest = digest_by(algorithm, data)
        pushed += [*push(data, digest), *read_and_delete(data, digest)]
    yield "pushes", pushed
    yield "mounts", list(_mounts(algorithm))
    chunks: list[Step] = []
    for put_last, out_of_order in itertools.product((False, True), repeat=2):
        data = random_bytes(3067)
        digest = digest_by(algorithm, data)
        chunks += chunked(data, digest, put_last=put_last, out_of_order=out_of_order)
        chunks += read_and_delete(data, digest)
    yield "chunks", chunks
    yield "ranges", list(_ranges(algorithm))
    known: list[Step] = []
    for data in (b"", b"{}"):
        digest = digest_by(algorithm, data)
        for push in (post_only, post_put, stream):
            known += [*push(data, digest), *read_and_delete(data, digest)]
    yield "known", known
    yield "bad digest", list(_bad_digests(algorithm))


def _mounts(algorithm: str) -> Iterator[Step]:
    for with_source in (True, False):
        data = random_bytes(512)
        digest = digest_by(algorithm, data)
        yield from post_only(data, digest, 1)
        source = {"from": "{second}"} if with_source else {}
        yield step(
            "POST",
            "blobs/uploads/",
            201,
            query={"mount": digest, **source},
            answers={"Location": ""},
        )
        yield pulled(data)
        yield from read_and_delete(data, digest)
        yield from read_and_delete(data, digest, 1)
    data = random_bytes(512)
    digest = digest_by(algorithm, data)
    query = {"mount": digest, "from": "{second}"}
    yield step("POST", "blobs/uploads/", 202, query=query, answers={"Location": ""})
    yield end(digest, headers=OCTETS, body=data)
    yield from (pulled(data), *read_and_delete(data, digest))


def _ranges(algorithm: str) -> Iterator[Step]:
    data = random_bytes(2048)
    digest = digest_by(algorithm, data)
    yield from post_put(data, digest)
    for asked, first, last in (
        ("500-1499", 500, 1499),
        ("500-", 500, 2047),
        ("-500", 1548, 2047),
        ("2000-5000", 2000, 2047),
    ):
        part = data[first : last + 1]
        answers = {
            "Content-Length": str(len(part)),
            "Content-Range": f"bytes {first}-{last}/2048",
        }
        headers = {"Range": f"bytes={asked}"}
        yield step("GET", f"blobs/{digest}", 206, headers=headers, answers=answers, content=part)
    for asked in ("500-0", "5000-10000"):
        yield step("GET", f"blobs/{digest}", 416, headers={"Range": f"bytes={asked}"})


def _bad_digests(algorithm: str) -> Iterator[Step]:
    data = random_bytes(3067)
    digest = digest_by(algorithm, data)
    body = data + b"oh no"
    yield step("POST", "blobs/uploads/", 400, query={"digest": digest}, headers=OCTETS, body=body)
    yield from (begin(), end(digest, headers=OCTETS, body=body, accepted=(400,)))
    yield begin()
    yield step("PATCH", LOCATION, 202, headers=OCTETS, body=body, is_chunked=True)
    yield end(digest, accepted=(400,))
    for put_last in (False, True):
        yield begin()
        size = 1024
        starts = range(0, len(body), size)
        for start in starts:
            is_last = start + size >= len(body)
            by_put = put_last and is_last
            accepted = (400,) if by_put else None
            yield _chunk(body, digest, start, size, by_put=by_put, accepted=accepted)
        if not put_last:
            yield end(digest, accepted=(400,))
    yield step("GET", f"blobs/{digest}", 404)
