"""Garbage collection: removed and kept resources."""

import gzip
import hashlib
import json

import pytest

from au2.app.jobs.jobs import RunOrder
from au2.app.maintenance.garbage_collection import GCOptions, GCReport, ResourceKind
from au2.app.uploads.package_begin import OpenUpload
from au2.domain.errors import Conflict
from au2.domain.ids import make_guid
from au2.domain.jobs.job import JobState, Outcome
from au2.domain.processes.repository import Repository, process_repository
from au2.domain.processes.runtime import DependencyLayer
from au2.domain.processes.version import ImageStatus
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import format_document
from au2.oci.spec.manifest import Descriptor
from au2.stores.content.images import load_image
from au2.stores.database import tables
from au2.stores.database.content import repository_blobs
from au2.stores.database.content import stale_rows as forgetting
from au2.stores.database.content.layers import find_dependency_layer, put_dependency_layer
from au2.stores.logs.record import Record, format_record
from tests.support.images.busybox import make_image, make_layer
from tests.support.images.stored_images import DAY, StoredImages
from tests.support.packages.built_versions import add_image_version
from tests.support.servers.backend import OPERATOR, creation

LINE = format_record(Record("2026-01-02T03:04:05.678901234Z", "stdout", False, b"hello"))
PLAN = GCOptions(grace_seconds=DAY, unused_seconds=90 * DAY, plan=True)


def gone(report: GCReport, kind: ResourceKind) -> tuple[int, int | None]:
    found = [line for line in report.lines() if line.kind is kind and line.goes]
    return (sum(line.number for line in found), sum(line.size_bytes or 0 for line in found))


def test_what_nothing_needs_goes_when_it_is_old(stored_images: StoredImages) -> None:
    kept = stored_images.image("kept")
    stored_images.version(kept)
    process, number = stored_images.version(stored_images.image("deleted"))
    stored_images.put(b"lonely")
    stored_images.backend.services.versions.delete(stored_images.actor, process, number)

    assert gone(stored_images.collect(), ResourceKind.BLOBS) == (0, 0), "all of it is young"
    stored_images.make_old()
    lost = stored_images.present() - stored_images.blobs_of(kept)
    sizes = sum(map(stored_images.backend.blobs.size_bytes, lost))
    before = stored_images.present()
    plan = stored_images.collect(PLAN)
    assert stored_images.present() == before
    report = stored_images.collect()

    assert gone(plan, ResourceKind.BLOBS) == gone(report, ResourceKind.BLOBS) == (4, sizes)
    assert list(plan.lines()) == list(report.lines())
    assert stored_images.present() == stored_images.blobs_of(kept)
    assert report.freed_bytes == sizes


def test_a_blob_that_somebody_asks_for_stays(stored_images: StoredImages) -> None:
    digest = stored_images.put(b"asked for")
    stored_images.make_old()
    assert stored_images.backend.blobs.lease(digest)
    stored_images.collect()
    assert stored_images.present() == {digest}


def test_versions_of_deleted_processes_need_nothing(stored_images: StoredImages) -> None:
    process, _ = stored_images.version(stored_images.image("one"))
    stored_images.backend.services.processes.delete(stored_images.actor, process)
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == set()


def test_runtimes_that_can_be_used_or_are_in_use_stay(stored_images: StoredImages) -> None:
    images = [stored_images.image(name) for name in ("older", "newest")]
    runtime = stored_images.runtime(images[0])
    stored_images.runtime(images[1], runtime)
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == stored_images.blobs_of(images[0]) | stored_images.blobs_of(
        images[1]
    )

    stored_images.backend.services.runtimes.retire(runtime)
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == stored_images.blobs_of(images[1]), (
        "comes back with the next build"
    )


def test_a_retired_runtime_in_use_stays(stored_images: StoredImages) -> None:
    backend = stored_images.backend
    images = [stored_images.image(name) for name in ("older", "newest")]
    runtime = stored_images.runtime(images[0])
    begun = backend.services.upload_starter.begin(
        stored_images.actor, stored_images.context, creation({"main.py": b"x"}, runtime)
    )
    assert isinstance(begun, OpenUpload)
    stored_images.runtime(images[1], runtime)
    backend.services.runtimes.retire(runtime)
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == stored_images.blobs_of(images[0]) | stored_images.blobs_of(
        images[1]
    )


def test_jobs_under_way_keep_the_image_of_a_deleted_version(stored_images: StoredImages) -> None:
    backend = stored_images.backend
    process, number = stored_images.version(stored_images.image("one"))
    job = backend.services.jobs.submit_run(
        stored_images.actor, stored_images.context, RunOrder(process)
    )
    claim = backend.claim(job.id)
    backend.services.versions.delete(stored_images.actor, process, number)
    stored_images.make_old()
    present = stored_images.present()
    stored_images.collect()
    assert stored_images.present() == present

    backend.end(claim, Outcome(JobState.SUCCEEDED))
    stored_images.collect()
    assert stored_images.present() == set()


@pytest.mark.parametrize("tagged", [True, False])
def test_what_was_pushed_to_a_repository_stays(stored_images: StoredImages, tagged: bool) -> None:
    image = stored_images.image("pushed")
    values = {"organization_id": stored_images.context.organization_id, "repository": "base/debian"}
    index = format_document(
        {
            "schemaVersion": 2,
            "mediaType": media_types.INDEX,
            "manifests": [
                Descriptor(media_types.MANIFEST, image, 1).to_document(),
                Descriptor(media_types.MANIFEST, sha256_of(b"not pushed"), 1).to_document(),
            ],
        }
    )
    digest = stored_images.put(index)
    if tagged:
        at = stored_images.backend.clock()
        stored_images.row(
            "repository_tags", **values, name="1", digest=digest, updated_at=at, updated_by="x"
        )
    else:
        stored_images.row("repository_manifests", **values, **manifest_row(stored_images, digest))
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == {digest, *stored_images.blobs_of(image)}


def manifest_row(
    stored_images: StoredImages, digest: str, subject: str | None = None
) -> dict[str, object]:
    return {
        "digest": digest,
        "media_type": media_types.MANIFEST,
        "size_bytes": 1,
        "subject_digest": subject,
        "annotations": {},
        "pushed_at": stored_images.backend.clock(),
        "pushed_by": "x",
    }


def test_what_is_about_a_version_goes_with_it(stored_images: StoredImages) -> None:
    image = stored_images.image("version")
    signature = stored_images.image("signature")
    process, number = stored_images.version(image)
    repository = process_repository(stored_images.context.organization_id, process)
    values = {"organization_id": repository.organization_id, "repository": repository.name}
    stored_images.row(
        "repository_manifests", **values, **manifest_row(stored_images, signature, image)
    )
    stored_images.row("repository_manifests", **values, **manifest_row(stored_images, image))
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == stored_images.blobs_of(image) | stored_images.blobs_of(
        signature
    )
    assert stored_images.count("repository_manifests") == 2

    stored_images.backend.services.versions.delete(stored_images.actor, process, number)
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == set()
    assert stored_images.count("repository_manifests") == 0


@pytest.mark.parametrize("by", ["session", "registry"])
def test_blobs_stay_while_more_is_coming_to_their_repository(
    stored_images: StoredImages, by: str
) -> None:
    backend = stored_images.backend
    process = backend.process(stored_images.context)
    repository = process_repository(stored_images.context.organization_id, process)
    digest = stored_images.put(b"came before")
    with backend.database.write() as transaction:
        repository_blobs.add_repository_blobs(
            transaction, repository, {digest: 11}, at=backend.clock()
        )
    stored_images.make_old()
    if by == "session":
        number = backend.version(process, ImageStatus.NONE)
        backend.services.image_uploads.begin(stored_images.actor, process, number)
    else:
        stored_images.row(
            "blob_uploads",
            id=make_guid(),
            organization_id=repository.organization_id,
            repository=repository.name,
            user_id=backend.operator.user_id,
            created_at=backend.clock(),
        )
    stored_images.collect()
    assert stored_images.present() == {digest}

    with backend.database.write() as transaction:
        transaction.execute(tables.uploads.update().values(state="abandoned"))
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == set()
    assert stored_images.count("repository_blobs") == 0
    assert stored_images.count("blob_uploads") == 0


def test_a_blob_upload_that_goes_on_keeps_its_row(stored_images: StoredImages) -> None:
    upload_id = make_guid()
    stored_images.row(
        "blob_uploads",
        id=upload_id,
        organization_id=stored_images.context.organization_id,
        repository="base",
        user_id=stored_images.backend.operator.user_id,
        created_at=stored_images.backend.clock(),
    )
    stored_images.make_old()
    with stored_images.backend.blobs.resume(upload_id) as part:
        part.write(b"still coming")
    stored_images.collect()
    assert stored_images.count("blob_uploads") == 1
    assert stored_images.backend.blobs.ingest_bytes(upload_id) == 12

    stored_images.make_old()
    assert gone(stored_images.collect(), ResourceKind.UNFINISHED) == (1, 12)
    assert stored_images.count("blob_uploads") == 0


def test_files_of_packages_stay_with_their_version(stored_images: StoredImages) -> None:
    backend = stored_images.backend
    runtime = stored_images.runtime(stored_images.image("runtime"))
    begun = stored_images.upload({"main.py": b"print()", "data": b"1,2,3"}, runtime)
    stored_images.make_old()
    present = stored_images.present()
    stored_images.collect()
    assert stored_images.present() == present
    assert stored_images.count("contents") == 2

    backend.services.uploads.expire_abandoned()
    backend.services.versions.delete(
        stored_images.actor, begun.upload.process_id, begun.upload.version_number
    )
    stored_images.collect()
    assert present - stored_images.present() == {sha256_of(b"print()"), sha256_of(b"1,2,3")}
    assert stored_images.count("contents") == 0


def test_files_that_are_gone_are_sent_again(stored_images: StoredImages) -> None:
    """Rows that stayed without their blobs do no harm, and uploads under way keep them."""
    runtime = stored_images.runtime(stored_images.image("runtime"))
    begun = stored_images.upload({"main.py": b"print()"}, runtime)
    stored_images.backend.blobs.remove(sha256_of(b"print()"))
    stored_images.collect()
    assert stored_images.count("contents") == 1, "it belongs to an open upload"
    again = stored_images.backend.services.uploads.get(stored_images.actor, begun.upload.id)
    assert again.missing == [hashlib.sha256(b"print()").hexdigest()]


def test_dependencies_stay_as_long_as_builds_use_them(stored_images: StoredImages) -> None:
    backend = stored_images.backend
    layer, wheel = stored_images.put(b"layer"), stored_images.put(b"wheel")
    lock = {"packages": [{"name": "x", "digest": wheel, "source_digest": "sha256:0"}]}
    key = sha256_of(b"key")
    with backend.database.write() as transaction:
        put_dependency_layer(
            transaction, DependencyLayer(key, None, layer, 5, lock), at=backend.clock()
        )
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == {layer, wheel}

    backend.clock.move(days=89)
    stored_images.collect()
    assert stored_images.present() == set()
    with backend.database.read() as transaction:
        assert find_dependency_layer(transaction, key) is None


def test_a_raw_layer_needs_the_compressed_one_that_holds_it(stored_images: StoredImages) -> None:
    image = stored_images.image("one")
    raw = load_image(stored_images.backend.blobs, image).manifest.layers[0].digest
    packed = stored_images.put(gzip.compress(b"layer of one", mtime=0))
    stored_images.backend.blobs.remove(raw)
    stored_images.backend.blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    process, number = stored_images.version(image)
    stored_images.make_old()
    stored_images.collect()
    assert packed in stored_images.present()
    with stored_images.backend.blobs.open(raw) as file:
        assert file.read() == b"layer of one"

    stored_images.backend.services.versions.delete(stored_images.actor, process, number)
    plan = stored_images.collect(PLAN)
    report = stored_images.collect()
    assert gone(plan, ResourceKind.COMPRESSED) == gone(report, ResourceKind.COMPRESSED) == (1, 0)
    assert stored_images.present() == set()
    assert list(stored_images.backend.blobs.list_compressed()) == []


def test_of_a_layer_in_two_forms_the_one_that_no_image_names_goes(
    stored_images: StoredImages,
) -> None:
    blobs, image = stored_images.backend.blobs, stored_images.image("one")
    raw = load_image(blobs, image).manifest.layers[0].digest
    packed = stored_images.put(gzip.compress(b"layer of one", mtime=0))
    manifest = json.loads(blobs.read_bytes(image, limit_bytes=1 << 20))
    size_bytes = blobs.size_bytes(packed)
    manifest["layers"][0] |= {"digest": packed, "size": size_bytes}
    stored_images.version(stored_images.put(json.dumps(manifest).encode()))
    blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    stored_images.make_old()
    plan, report = stored_images.collect(PLAN), stored_images.collect()
    assert gone(plan, ResourceKind.BLOBS) == gone(report, ResourceKind.BLOBS)
    assert raw not in stored_images.present()
    assert packed in stored_images.present()
    # Archives for Docker want it.
    with blobs.open(raw) as file:
        assert file.read() == b"layer of one"


def test_of_a_layer_in_two_forms_the_raw_one_alone_may_be_needed(
    stored_images: StoredImages,
) -> None:
    blobs, image = stored_images.backend.blobs, stored_images.image("one")
    stored_images.version(image)
    raw = load_image(blobs, image).manifest.layers[0].digest
    packed = stored_images.put(gzip.compress(b"layer of one", mtime=0))
    blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    stored_images.make_old()
    stored_images.collect()
    assert raw in stored_images.present()
    assert packed not in stored_images.present()


def test_unpacked_layers_stay_as_long_as_an_image_has_them(stored_images: StoredImages) -> None:
    stored_images.version(stored_images.image("one"))
    (diff_id,) = load_image(stored_images.backend.blobs, stored_images.image("one")).config.diff_ids
    stored_images.layers.sizes = {
        diff_id.removeprefix("sha256:"): 10,
        "0" * 64: 20,
        "x.incoming": 30,
    }
    report = stored_images.collect()
    assert gone(report, ResourceKind.LAYERS) == (2, 50)
    assert list(stored_images.layers.sizes) == [diff_id.removeprefix("sha256:")]


@pytest.mark.parametrize("hurt", ["lose", "damage"])
def test_nothing_goes_while_an_image_hides_what_it_needs(
    stored_images: StoredImages, hurt: str
) -> None:
    image = stored_images.image("one")
    process, number = stored_images.version(image)
    stored_images.put(b"lonely")
    layers = stored_images.blobs_of(image) - {image}
    path = stored_images.backend.folder / "blobs" / "sha256" / image[7:9] / image[7:]
    if hurt == "lose":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"config", b"konfig"))
    stored_images.make_old()
    present = stored_images.present()

    with pytest.raises(Conflict) as caught:
        stored_images.collect()

    assert stored_images.present() == present
    assert f"version {number}" in str(caught.value.details[0])
    assert process in str(caught.value.details[0])
    stored_images.collect(GCOptions(DAY, DAY, ignore_damaged=True))
    assert not stored_images.present() & layers


def test_nonsense_in_a_repository_hides_nothing(stored_images: StoredImages) -> None:
    """It was taken once: nobody's garbage may stay for it."""
    values = {"organization_id": stored_images.context.organization_id, "repository": "base/debian"}
    kept = stored_images.image("kept")
    index = {
        "schemaVersion": 2,
        "mediaType": media_types.INDEX,
        "manifests": [Descriptor(media_types.MANIFEST, kept, 1).to_document()],
        "config": 5,
    }
    nonsense = [
        stored_images.put(format_document(index)),
        stored_images.put(b'{"config": 5}'),
        stored_images.put(b"no"),
    ]
    for digest in nonsense:
        stored_images.row("repository_manifests", **values, **manifest_row(stored_images, digest))
    stored_images.put(b"lonely")
    stored_images.make_old()

    stored_images.collect()

    assert stored_images.present() == {*nonsense, *stored_images.blobs_of(kept)}


def test_the_index_that_a_version_was_pushed_with_stays_as_long_as_it(
    stored_images: StoredImages,
) -> None:
    image, other = stored_images.image("amd64"), stored_images.image("arm64")
    process, number = stored_images.version(image)
    repository = process_repository(stored_images.context.organization_id, process)
    values = {"organization_id": repository.organization_id, "repository": repository.name}
    children = [Descriptor(media_types.MANIFEST, one, 1).to_document() for one in (image, other)]
    document = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": children}
    index = stored_images.put(format_document(document))
    for digest in (image, other, index):
        stored_images.row("repository_manifests", **values, **manifest_row(stored_images, digest))
    manifests = stored_images.backend.services.repository_manifests
    manifests.name(stored_images.actor, repository, str(number), index)
    stored_images.make_old()

    stored_images.collect()

    assert stored_images.present() == {
        index,
        *stored_images.blobs_of(image),
        *stored_images.blobs_of(other),
    }
    for reference in (str(number), index, image, other):
        assert manifests.get(stored_images.actor, repository, reference).data

    stored_images.version(stored_images.image("next"), process)
    stored_images.backend.services.versions.delete(stored_images.actor, process, number)
    stored_images.make_old()
    stored_images.collect()
    assert stored_images.present() == stored_images.blobs_of(stored_images.image("next"))
    assert stored_images.count("repository_tags") == 0


def test_rows_of_deleted_processes_go_though_others_need_the_blob(
    stored_images: StoredImages,
) -> None:
    image = stored_images.image("shared")
    kept, _ = stored_images.version(image)
    deleted, _ = stored_images.version(image)
    organization = stored_images.context.organization_id
    with stored_images.backend.database.write() as transaction:
        for process in (kept, deleted):
            repository = process_repository(organization, process)
            repository_blobs.add_repository_blobs(
                transaction, repository, {image: 1}, at=stored_images.backend.clock()
            )
    stored_images.backend.services.processes.delete(stored_images.actor, deleted)
    stored_images.make_old()
    plan, report = stored_images.collect(PLAN), stored_images.collect()
    assert gone(plan, ResourceKind.RECORDS)[0] == gone(report, ResourceKind.RECORDS)[0] == 1
    with stored_images.backend.database.read() as transaction:
        holders = repository_blobs.list_holders(transaction, organization, [image])
    assert holders == {image: [process_repository(organization, kept)]}


def test_a_blob_that_comes_again_keeps_its_row(stored_images: StoredImages) -> None:
    """The time of a row says that its blob came again after the row was looked at."""
    backend = stored_images.backend
    repository = Repository(stored_images.context.organization_id, "base")

    def add() -> None:
        with backend.database.write() as transaction:
            repository_blobs.add_repository_blobs(
                transaction, repository, {sha256_of(b"x"): 1}, at=backend.clock()
            )

    add()
    with backend.database.read() as transaction:
        rows = forgetting.list_repository_rows(transaction, None)
    backend.clock.move(seconds=1)
    add()
    with backend.database.write() as transaction:
        assert forgetting.delete_repository_rows(transaction, rows) == 0
        again = forgetting.list_repository_rows(transaction, None)
        assert again[0].at == backend.clock()
        assert forgetting.list_repository_rows(transaction, again[0].key) == []
        assert forgetting.delete_repository_rows(transaction, again) == 1


def test_logs_of_a_deleted_organization_go(stored_images: StoredImages) -> None:
    backend, services = stored_images.backend, stored_images.backend.services
    jobs = {}
    for name in ("Gone", "Kept"):
        context = backend.organization(name)
        process = backend.process(context)
        add_image_version(backend, process, make_image([make_layer({"a": name.encode()})]))
        jobs[name] = services.jobs.submit_run(stored_images.actor, context, RunOrder(process)).id
        backend.append_log(jobs[name], LINE)
        backend.end(backend.claim(jobs[name]), Outcome(JobState.SUCCEEDED, exit_code=0))
        if name == "Gone":
            # As of a second attempt.
            backend.logs.writer(jobs[name], 2, 1).append(LINE, at=0)
            services.organization_changes.delete_organization(
                backend.actor(OPERATOR), context.organization_id, name="Gone"
            )

    plan = stored_images.collect(PLAN)
    assert set(backend.logs.list_jobs()) == set(jobs.values())
    report = stored_images.collect()

    sizes = (1, 2 * len(LINE))
    assert gone(plan, ResourceKind.LOGS) == gone(report, ResourceKind.LOGS) == sizes
    assert list(backend.logs.list_jobs()) == [jobs["Kept"]]
    assert gone(stored_images.collect(), ResourceKind.LOGS) == (0, 0)
