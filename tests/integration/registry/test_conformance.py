"""The requests of the OCI distribution conformance suite (tests/support/conformance)."""

from collections.abc import Iterable, Iterator

import httpx
import pytest

from tests.integration.registry.guest import Guest
from tests.support.conformance.blobs import blob_groups, post_put
from tests.support.conformance.data_sets import (
    DATA_SETS,
    INDEX,
    MANIFEST,
    data_set_steps,
    make_data_set,
)
from tests.support.conformance.steps import (
    ALGORITHMS,
    LOCATION,
    OCTETS,
    Step,
    digest_by,
    random_bytes,
    step,
)


def ask(guest: Guest, row: Step, location: str) -> httpx.Response:
    """Send the request of a row."""
    repository = guest.repository + ("-2" if row.repository else "")
    path = f"/v2/{repository}/{row.path}"
    if row.path == LOCATION or row.path.startswith("/"):
        path = location if row.path == LOCATION else row.path
    names = {name: text.format(second=guest.repository + "-2") for name, text in row.query.items()}
    content = iter([row.body or b""]) if row.is_chunked else row.body
    return guest.ask(row.method, path, params=names, headers=row.headers, content=content)


def check(row: Step, answer: httpx.Response) -> None:
    """Compare an answer with a row."""
    what = f"{row.method} {answer.url}"
    assert answer.status_code in row.accepted, f"{what}: {answer.status_code} {answer.text[:300]}"
    for name, value in row.answers.items():
        found = answer.headers.get(name, "")
        assert found == value or (found and not value), f"{what}: {name} is {found!r}"
    if row.content is not None:
        assert answer.content == row.content, what
    if row.holds is not None:
        assert row.holds(answer.json()), f"{what}: {answer.text[:1000]}"
    told = answer.headers.get("Docker-Content-Digest")
    asked = row.query.get("digest", row.query.get("mount", row.path.rpartition("/")[2]))
    if told is not None and ":" in asked:
        assert told == asked, what


def run(guest: Guest, rows: Iterable[Step]) -> int:
    """Ask for all rows, one after the other; return their number."""
    location, count = "", 0
    for row in rows:
        count += 1
        answer = ask(guest, row, location)
        check(row, answer)
        location = answer.headers.get("Location", location)
    return count


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_blobs_are_pushed_and_read_in_every_way(developer: Guest, algorithm: str) -> None:
    for name, rows in blob_groups(algorithm):
        assert run(developer, rows), name


@pytest.mark.parametrize("group", ["image", "index", "artifact", "others"])
def test_images_indexes_and_artifacts_are_kept(developer: Guest, group: str) -> None:
    known = ("image", "index", "artifact")
    for name in DATA_SETS:
        if next((one for one in known if one in name), "others") == group:
            assert run(developer, data_set_steps(make_data_set(name))), name


def without_anything() -> Iterator[Step]:
    """Yield the rows about an empty repository, and what it lacks."""
    missing = digest_by("sha256", random_bytes(9))
    yield step("GET", "/v2/", 200)
    yield step("GET", "tags/list", 200, 404)
    yield step(
        "GET",
        f"referrers/{missing}",
        200,
        answers={"Content-Type": INDEX},
        holds=lambda found: (found["schemaVersion"], found["manifests"]) == (2, []),
    )
    yield step("GET", f"manifests/{missing}", 404)
    yield step("GET", "manifests/missing-tag", 404)


def of_a_bad_digest() -> Iterator[Step]:
    """Yield the rows about manifests whose digest is none, or another."""
    manifest = {"Content-Type": MANIFEST}
    one = make_data_set("image")
    for digest, blob in one.blobs.items():
        yield from post_put(blob, digest)
    ((digest, (_, data)),) = one.manifests.items()
    bad = "manifests/sha256:baddigeststring"
    yield step("PUT", bad, 400, headers=manifest, body=data)
    yield step("GET", bad, 400, 404)
    yield step("DELETE", bad, 400, 404)
    yield step("PUT", f"manifests/{digest}", 400, headers=manifest, body=data + b"  ")
    yield step("GET", f"manifests/{digest}", 404)


def test_what_is_not_there_is_told_as_that(developer: Guest) -> None:
    assert run(developer, without_anything())
    assert run(developer, of_a_bad_digest())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_upload_is_given_up_and_over(developer: Guest, algorithm: str) -> None:
    data = random_bytes(512)
    digest = digest_by(algorithm, data)
    rows = [
        step("POST", "blobs/uploads/", 202, query={"digest-algorithm": algorithm}),
        step("PATCH", LOCATION, 202, headers=OCTETS, body=data),
        step("DELETE", LOCATION, 204),
        step("GET", f"blobs/{digest}", 404),
        step("POST", "blobs/uploads/", 400, query={"digest-algorithm": "md5"}),
    ]
    assert run(developer, rows)
