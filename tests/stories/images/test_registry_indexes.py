"""What registry clients push that is more than one image, or less."""

import gzip
import json
from pathlib import Path
from typing import Any

from tests.support.commands.command import Au2, Result, run_command
from tests.support.images.busybox import BUSYBOX, digest_of, make_layer
from tests.support.images.image_archives import on
from tests.support.images.image_tools import ImageTools
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess

LOGIN = f"{EMAIL}:{PASSWORD}"
PLAIN = "--tls-verify=false"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKERFILE = "FROM scratch\nCOPY --chmod=755 busybox /bin/\n"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def empty_version(au2: Au2, name: str) -> str:
    """A process whose version 1 waits for its image."""
    process = str(au2.json("process", "create", "--name", name)["id"])
    au2.ok("process", "version", "create", process)
    return process


def image_name(server: ServerProcess, process: str) -> str:
    organization = server.ids["organization"]
    return f"docker://127.0.0.1:{server.port}/org_{organization}/process_{process}:1"


def version_of(au2: Au2, process: str) -> dict[str, Any]:
    return dict(au2.json("process", "version", "show", process, "1"))


def write_image(folder: Path, *, diff_id: str | None = None) -> Path:
    """Write an image as skopeo's ``dir:``, which it sends as it is; ``diff_id`` may be a lie."""
    folder.mkdir()
    layer = make_layer({"bin/busybox": BUSYBOX.read_bytes(), "text": b"mended\n"})
    packed = gzip.compress(layer, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/bin/busybox", "cat", "/text"]},
            "rootfs": {"type": "layers", "diff_ids": [diff_id or digest_of(layer)]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(packed), "size": len(packed)}],
    }
    for blob in (config, packed):
        (folder / digest_of(blob).removeprefix("sha256:")).write_bytes(blob)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "version").write_text("Directory Transport Version: 1.1\n")
    return folder


def push(folder: Path, target: str) -> Result:
    """Push with skopeo, which may fail here."""
    options = ("--dest-tls-verify=false", "--dest-creds", LOGIN, "--preserve-digests")
    return run_command("skopeo", "copy", *options, f"dir:{folder}", target)


def test_an_index_of_several_platforms_is_pushed_to_a_version(
    au2: Au2, server: ServerProcess, image_tools: ImageTools
) -> None:
    process = empty_version(au2, "pushed by buildah")
    target = image_name(server, process)
    image_tools.buildah("manifest", "create", "registry-many")
    for platform in ("arm64", "amd64/v9", "amd64"):
        architecture, _, variant = platform.partition("/")
        name = f"localhost/registry-{architecture}{variant}:1"
        lines = f'{DOCKERFILE}CMD ["/bin/busybox", "echo", "on {platform}"]\n'
        image_tools.build(name, lines, {"busybox": BUSYBOX.read_bytes()})
        stated = ("--os", "linux", "--arch", architecture, "--variant", variant)
        image_tools.buildah("manifest", "add", *stated, "registry-many", name)
    send = ("manifest", "push", "--all", PLAIN, "--creds", LOGIN, "registry-many", target)

    image_tools.buildah(*send)

    # The image that this processor runs, runs, and the tag gives what was pushed.
    version = version_of(au2, process)
    assert version["image_status"] == "AVAILABLE"
    ran = au2("process", "run", process, "--follow")
    assert (ran.exit_code, ran.text.splitlines()[-1]) == (0, "on amd64"), ran
    given = image_tools.skopeo("inspect", "--raw", PLAIN, "--creds", LOGIN, target).document
    assert given["mediaType"] == INDEX
    platforms = {}
    for each in given["manifests"]:
        told = each["platform"]
        platforms[str(on(told["architecture"], told.get("variant", "")))] = each["digest"]
    assert set(platforms) == {"linux/arm64", "linux/amd64", "linux/amd64/v9"}
    assert platforms["linux/amd64"] == version["image_digest"]

    # Each of its images can be pulled, and the same once more is fine.
    other = target.removesuffix(":1") + f"@{platforms['linux/arm64']}"
    found = image_tools.skopeo("inspect", "--config", PLAIN, "--creds", LOGIN, other).document
    assert found["config"]["Cmd"][-1] == "on arm64"
    image_tools.buildah(*send)


def test_a_push_that_failed_may_be_tried_again(
    au2: Au2, server: ServerProcess, tmp_path: Path
) -> None:
    process = empty_version(au2, "pushed twice")
    target = image_name(server, process)

    refused = push(write_image(tmp_path / "broken", diff_id=digest_of(b"else")), target)

    assert refused.exit_code != 0
    version = version_of(au2, process)
    assert version["image_status"] == "FAILED"
    # Who pushes is told what the version's job says.
    job = au2.json("job", "show", str(version["upload_job"]))
    assert job["reason_text"] in refused.errors, refused

    mended = push(write_image(tmp_path / "mended"), target)

    assert mended.exit_code == 0, mended
    assert version_of(au2, process)["image_status"] == "AVAILABLE"
    ran = au2("process", "run", process, "--follow")
    assert (ran.exit_code, ran.text.splitlines()[-1]) == (0, "mended"), ran
