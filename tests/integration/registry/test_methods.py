"""Methods of the registry's paths, conditional requests, and its prefix without a slash."""

from itertools import product

import httpx

from tests.integration.registry.guest import NOWHERE, Guest, code
from tests.support.images.busybox import digest_of

BLOB = b"layer"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
ALLOWED = {
    "/v2/": "GET, HEAD",
    "/v2": "GET, HEAD",
    "/v2/token": "GET, HEAD, POST",
    "blobs/uploads/": "POST",
    "blobs/uploads": "POST",
    "blobs/uploads/x": "DELETE, GET, HEAD, PATCH, PUT",
    f"blobs/{NOWHERE}": "GET, HEAD",
    "manifests/1.0": "DELETE, GET, HEAD, PUT",
    "tags/list": "GET, HEAD",
    f"referrers/{NOWHERE}": "GET, HEAD",
}


# -- methods ---------------------------------------------------------------------------------


def test_a_refused_method_is_answered_with_those_that_work(developer: Guest) -> None:
    for path, allowed in ALLOWED.items():
        for method in sorted(METHODS - set(allowed.split(", "))):
            answer = developer.ask(method, path)
            assert answer.status_code == 405, (method, path)
            assert answer.headers["Allow"] == allowed
            assert method == "HEAD" or code(answer) == (405, "UNSUPPORTED")
        for method in allowed.split(", "):
            assert developer.ask(method, path).status_code != 405, (method, path)


def test_a_method_without_end_is_not_repeated_whole(developer: Guest) -> None:
    answer = developer.ask("A" * 5000, "tags/list")
    assert answer.status_code in {400, 405}
    assert len(answer.content) < 500


# -- the prefix without a slash --------------------------------------------------------------


def test_the_prefix_needs_no_slash(client: httpx.Client, developer: Guest) -> None:
    assert code(client.get("/v2")) == (401, "UNAUTHORIZED")
    assert client.get("/v2").headers["WWW-Authenticate"].startswith("Bearer realm=")
    for method in ("GET", "HEAD"):
        answer = developer.ask(method, "/v2", follow_redirects=False)
        assert answer.status_code == 200
        assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"
    assert developer.ask("GET", "/v2x").status_code == 404
    assert developer.ask("GET", "//v2").status_code == 404


# -- If-None-Match ---------------------------------------------------------------------------


def present(guest: Guest) -> tuple[tuple[str, str], ...]:
    """Push an image; return the paths of its content and their entity tags."""
    manifest = digest_of(guest.push("1.0", BLOB))
    blob = digest_of(BLOB)
    return (
        ("manifests/1.0", f'"{manifest}"'),
        (f"manifests/{manifest}", f'"{manifest}"'),
        (f"blobs/{blob}", f'"{blob}"'),
    )


def test_unchanged_content_is_not_sent_again(developer: Guest) -> None:
    forms = ["{tag}", "W/{tag}", '"other", W/"another" ,{tag}', "*", '"other"\n{tag}']
    for (path, tag), method, form in product(present(developer), ("GET", "HEAD"), forms):
        asked = [("If-None-Match", line.replace("{tag}", tag)) for line in form.split("\n")]
        answer = developer.client.request(
            method,
            f"/v2/{developer.repository}/{path}",
            headers=[*developer.headers.items(), *asked, ("Range", "bytes=900-")],
        )
        assert (answer.status_code, answer.content) == (304, b""), (path, form)
        assert answer.headers["ETag"] == tag
        assert answer.headers["Docker-Content-Digest"] == tag.strip('"')


def test_other_content_is_sent(developer: Guest) -> None:
    for path, tag in present(developer):
        for stated in (
            *('"other"', tag.strip('"'), tag.upper(), '"*"', "**", ""),
            *('"' * 3000 + "x", '"x",' * 3000 + tag, tag.replace("sha256:", "sha512:")),
        ):
            answer = developer.ask("GET", path, headers={"If-None-Match": stated})
            assert answer.status_code == 200, stated[:100]
            assert digest_of(answer.content) == tag.strip('"')


def test_who_may_not_see_content_learns_nothing_of_it(
    client: httpx.Client, developer: Guest, stranger: Guest
) -> None:
    elsewhere = developer.repository.replace("/base", "/other")
    for path, tag in present(developer):
        for stated, method in product(("*", tag), ("GET", "HEAD")):
            condition = {"If-None-Match": stated}
            assert stranger.ask(method, path, headers=condition).status_code == 404
            url = f"/v2/{developer.repository}/{path}"
            assert client.request(method, url, headers=condition).status_code == 401
            url = f"/v2/{elsewhere}/{path}"
            assert developer.ask(method, url, headers=condition).status_code == 404
