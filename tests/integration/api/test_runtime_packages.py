"""Packages of runtimes, as the API tells them."""

import httpx

from au2.domain.jobs.container_contract import Language
from tests.support.servers.backend import IMAGE, OPERATOR, Backend

RUNTIME = "d0ac9e71-9d5f-45f4-bc7a-71aae7c68349"
PYTHON = {
    "name": "numpy",
    "version": "2.5.5",
    "architecture": "cp311-cp311-manylinux_2_28_x86_64",
    "sha256": "ab" * 32,
    "kind": "python",
}
DEBIAN = {"name": "python3", "version": "3.11.2-1+b1", "architecture": "amd64", "sha256": ""}


def test_one_runtime_tells_its_packages_and_a_list_does_not(
    client: httpx.Client, backend: Backend
) -> None:
    context = backend.organization(project=None)
    backend.services.runtimes.register_build(
        runtime_id=RUNTIME,
        name="Data",
        language=Language.PYTHON,
        first_version=1,
        image_digest=IMAGE,
        recipe_digest=IMAGE,
        packages=[PYTHON, DEBIAN],
    )
    headers = backend.bearer(OPERATOR)

    one = client.get(f"/runtimes/{RUNTIME}", headers=headers).json()
    listed = client.get(
        "/runtimes", params={"organization": context.organization_id}, headers=headers
    ).json()["items"]

    # What was kept before there were Python packages names no kind.
    assert one["packages"] == [DEBIAN | {"kind": "debian"}, PYTHON]
    assert [runtime["packages"] for runtime in listed] == [None]
