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
from au2.domain.job import JobState, Outcome
from au2.domain.layer import DependencyLayer
from au2.domain.repository import Repository, process_repository
from au2.domain.version import ImageStatus
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import format_document
from au2.oci.spec.manifest import Descriptor
from au2.stores.content.images import load_image
from au2.stores.database import tables
from au2.stores.database.content import repositories
from au2.stores.database.content import stale_rows as forgetting
from au2.stores.database.content.layers import find_dependency_layer, put_dependency_layer
from tests.support.house import DAY, House
from tests.support.world import creation

PLAN = GCOptions(grace_seconds=DAY, unused_seconds=90 * DAY, plan=True)


def gone(report: GCReport, kind: ResourceKind) -> tuple[int, int | None]:
    found = [line for line in report.lines() if line.kind is kind and line.goes]
    return (sum(line.number for line in found), sum(line.size_bytes or 0 for line in found))


def test_what_nothing_needs_goes_when_it_is_old(house: House) -> None:
    kept = house.image("kept")
    house.version(kept)
    process, number = house.version(house.image("deleted"))
    house.put(b"lonely")
    house.world.services.versions.delete(house.actor, process, number)

    assert gone(house.collect(), ResourceKind.BLOBS) == (0, 0), "all of it is young"
    house.make_old()
    lost = house.present() - house.blobs_of(kept)
    sizes = sum(map(house.world.blobs.size_bytes, lost))
    before = house.present()
    plan = house.collect(PLAN)
    assert house.present() == before
    report = house.collect()

    assert gone(plan, ResourceKind.BLOBS) == gone(report, ResourceKind.BLOBS) == (4, sizes)
    assert list(plan.lines()) == list(report.lines())
    assert house.present() == house.blobs_of(kept)
    assert report.freed_bytes == sizes


def test_a_blob_that_somebody_asks_for_stays(house: House) -> None:
    digest = house.put(b"asked for")
    house.make_old()
    assert house.world.blobs.lease(digest)
    house.collect()
    assert house.present() == {digest}


def test_versions_of_deleted_processes_need_nothing(house: House) -> None:
    process, _ = house.version(house.image("one"))
    house.world.services.processes.delete(house.actor, process)
    house.make_old()
    house.collect()
    assert house.present() == set()


def test_runtimes_that_can_be_used_or_are_in_use_stay(house: House) -> None:
    images = [house.image(name) for name in ("older", "newest")]
    runtime = house.runtime(images[0])
    house.runtime(images[1], runtime)
    house.make_old()
    house.collect()
    assert house.present() == house.blobs_of(images[0]) | house.blobs_of(images[1])

    house.world.services.runtimes.retire(runtime)
    house.make_old()
    house.collect()
    assert house.present() == house.blobs_of(images[1]), "comes back with the next build"


def test_a_retired_runtime_in_use_stays(house: House) -> None:
    world = house.world
    images = [house.image(name) for name in ("older", "newest")]
    runtime = house.runtime(images[0])
    begun = world.services.upload_starter.begin(
        house.actor, house.context, creation({"main.py": b"x"}, runtime)
    )
    assert isinstance(begun, OpenUpload)
    house.runtime(images[1], runtime)
    world.services.runtimes.retire(runtime)
    house.make_old()
    house.collect()
    assert house.present() == house.blobs_of(images[0]) | house.blobs_of(images[1])


def test_jobs_under_way_keep_the_image_of_a_deleted_version(house: House) -> None:
    world = house.world
    process, number = house.version(house.image("one"))
    job = world.services.jobs.submit_run(house.actor, house.context, RunOrder(process))
    claim = world.claim(job.id)
    world.services.versions.delete(house.actor, process, number)
    house.make_old()
    present = house.present()
    house.collect()
    assert house.present() == present

    world.end(claim, Outcome(JobState.SUCCEEDED))
    house.collect()
    assert house.present() == set()


@pytest.mark.parametrize("tagged", [True, False])
def test_what_was_pushed_to_a_repository_stays(house: House, tagged: bool) -> None:
    image = house.image("pushed")
    values = {"organization_id": house.context.organization_id, "repository": "base/debian"}
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
    digest = house.put(index)
    if tagged:
        at = house.world.clock()
        house.row(
            "repository_tags", **values, name="1", digest=digest, updated_at=at, updated_by="x"
        )
    else:
        house.row("repository_manifests", **values, **manifest_row(house, digest))
    house.make_old()
    house.collect()
    assert house.present() == {digest, *house.blobs_of(image)}


def manifest_row(house: House, digest: str, subject: str | None = None) -> dict[str, object]:
    return {
        "digest": digest,
        "media_type": media_types.MANIFEST,
        "size_bytes": 1,
        "subject_digest": subject,
        "annotations": {},
        "pushed_at": house.world.clock(),
        "pushed_by": "x",
    }


def test_what_is_about_a_version_goes_with_it(house: House) -> None:
    image = house.image("version")
    signature = house.image("signature")
    process, number = house.version(image)
    repository = process_repository(house.context.organization_id, process)
    values = {"organization_id": repository.organization_id, "repository": repository.name}
    house.row("repository_manifests", **values, **manifest_row(house, signature, image))
    house.row("repository_manifests", **values, **manifest_row(house, image))
    house.make_old()
    house.collect()
    assert house.present() == house.blobs_of(image) | house.blobs_of(signature)
    assert house.count("repository_manifests") == 2

    house.world.services.versions.delete(house.actor, process, number)
    house.make_old()
    house.collect()
    assert house.present() == set()
    assert house.count("repository_manifests") == 0


@pytest.mark.parametrize("by", ["session", "registry"])
def test_blobs_stay_while_more_is_coming_to_their_repository(house: House, by: str) -> None:
    world = house.world
    process = world.process(house.context)
    repository = process_repository(house.context.organization_id, process)
    digest = house.put(b"came before")
    with world.database.write() as transaction:
        repositories.add_repository_blobs(transaction, repository, {digest: 11}, at=world.clock())
    house.make_old()
    if by == "session":
        number = world.version(process, ImageStatus.NONE)
        world.services.image_uploads.begin(house.actor, process, number)
    else:
        house.row(
            "blob_uploads",
            id=make_guid(),
            organization_id=repository.organization_id,
            repository=repository.name,
            user_id=world.operator.user_id,
            created_at=world.clock(),
        )
    house.collect()
    assert house.present() == {digest}

    with world.database.write() as transaction:
        transaction.execute(tables.uploads.update().values(state="abandoned"))
    house.make_old()
    house.collect()
    assert house.present() == set()
    assert house.count("repository_blobs") == 0
    assert house.count("blob_uploads") == 0


def test_a_blob_upload_that_goes_on_keeps_its_row(house: House) -> None:
    upload_id = make_guid()
    house.row(
        "blob_uploads",
        id=upload_id,
        organization_id=house.context.organization_id,
        repository="base",
        user_id=house.world.operator.user_id,
        created_at=house.world.clock(),
    )
    house.make_old()
    with house.world.blobs.resume(upload_id) as part:
        part.write(b"still coming")
    house.collect()
    assert house.count("blob_uploads") == 1
    assert house.world.blobs.ingest_bytes(upload_id) == 12

    house.make_old()
    assert gone(house.collect(), ResourceKind.UNFINISHED) == (1, 12)
    assert house.count("blob_uploads") == 0


def test_files_of_packages_stay_with_their_version(house: House) -> None:
    world = house.world
    runtime = house.runtime(house.image("runtime"))
    begun = house.upload({"main.py": b"print()", "data": b"1,2,3"}, runtime)
    house.make_old()
    present = house.present()
    house.collect()
    assert house.present() == present
    assert house.count("contents") == 2

    world.services.uploads.expire_abandoned()
    world.services.versions.delete(
        house.actor, begun.upload.process_id, begun.upload.version_number
    )
    house.collect()
    assert present - house.present() == {sha256_of(b"print()"), sha256_of(b"1,2,3")}
    assert house.count("contents") == 0


def test_files_that_are_gone_are_sent_again(house: House) -> None:
    """Rows that stayed without their blobs do no harm, and uploads under way keep them."""
    runtime = house.runtime(house.image("runtime"))
    begun = house.upload({"main.py": b"print()"}, runtime)
    house.world.blobs.remove(sha256_of(b"print()"))
    house.collect()
    assert house.count("contents") == 1, "it belongs to an open upload"
    again = house.world.services.uploads.get(house.actor, begun.upload.id)
    assert again.lacking == [hashlib.sha256(b"print()").hexdigest()]


def test_dependencies_stay_as_long_as_builds_use_them(house: House) -> None:
    world = house.world
    layer, wheel = house.put(b"layer"), house.put(b"wheel")
    lock = {"packages": [{"name": "x", "digest": wheel, "source_digest": "sha256:0"}]}
    key = sha256_of(b"key")
    with world.database.write() as transaction:
        put_dependency_layer(
            transaction, DependencyLayer(key, None, layer, 5, lock), at=world.clock()
        )
    house.make_old()
    house.collect()
    assert house.present() == {layer, wheel}

    world.clock.move(days=89)
    house.collect()
    assert house.present() == set()
    with world.database.read() as transaction:
        assert find_dependency_layer(transaction, key) is None


def test_a_raw_layer_needs_the_compressed_one_that_holds_it(house: House) -> None:
    image = house.image("one")
    raw = load_image(house.world.blobs, image).manifest.layers[0].digest
    packed = house.put(gzip.compress(b"layer of one", mtime=0))
    house.world.blobs.remove(raw)
    house.world.blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    process, number = house.version(image)
    house.make_old()
    house.collect()
    assert packed in house.present()
    with house.world.blobs.open(raw) as file:
        assert file.read() == b"layer of one"

    house.world.services.versions.delete(house.actor, process, number)
    plan = house.collect(PLAN)
    report = house.collect()
    assert gone(plan, ResourceKind.COMPRESSED) == gone(report, ResourceKind.COMPRESSED) == (1, 0)
    assert house.present() == set()
    assert list(house.world.blobs.list_compressed()) == []


def test_of_a_layer_in_two_forms_the_one_that_no_image_names_goes(house: House) -> None:
    blobs, image = house.world.blobs, house.image("one")
    raw = load_image(blobs, image).manifest.layers[0].digest
    packed = house.put(gzip.compress(b"layer of one", mtime=0))
    manifest = json.loads(blobs.read_bytes(image, limit_bytes=1 << 20))
    size_bytes = blobs.size_bytes(packed)
    manifest["layers"][0] |= {"digest": packed, "size": size_bytes}
    house.version(house.put(json.dumps(manifest).encode()))
    blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    house.make_old()
    plan, report = house.collect(PLAN), house.collect()
    assert gone(plan, ResourceKind.BLOBS) == gone(report, ResourceKind.BLOBS)
    assert raw not in house.present()
    assert packed in house.present()
    # Archives for Docker want it.
    with blobs.open(raw) as file:
        assert file.read() == b"layer of one"


def test_of_a_layer_in_two_forms_the_raw_one_alone_may_be_needed(house: House) -> None:
    blobs, image = house.world.blobs, house.image("one")
    house.version(image)
    raw = load_image(blobs, image).manifest.layers[0].digest
    packed = house.put(gzip.compress(b"layer of one", mtime=0))
    blobs.keep_compressed(raw, len(b"layer of one"), compressed=packed)
    house.make_old()
    house.collect()
    assert raw in house.present()
    assert packed not in house.present()


def test_unpacked_layers_stay_as_long_as_an_image_has_them(house: House) -> None:
    house.version(house.image("one"))
    (diff_id,) = load_image(house.world.blobs, house.image("one")).config.diff_ids
    house.layers.sizes = {diff_id.removeprefix("sha256:"): 10, "0" * 64: 20, "x.incoming": 30}
    report = house.collect()
    assert gone(report, ResourceKind.LAYERS) == (2, 50)
    assert list(house.layers.sizes) == [diff_id.removeprefix("sha256:")]


@pytest.mark.parametrize("hurt", ["lose", "damage"])
def test_nothing_goes_while_an_image_hides_what_it_needs(house: House, hurt: str) -> None:
    image = house.image("one")
    process, number = house.version(image)
    house.put(b"lonely")
    layers = house.blobs_of(image) - {image}
    path = house.world.folder / "blobs" / "sha256" / image[7:9] / image[7:]
    if hurt == "lose":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"config", b"konfig"))
    house.make_old()
    present = house.present()

    with pytest.raises(Conflict) as caught:
        house.collect()

    assert house.present() == present
    assert f"version {number}" in str(caught.value.details[0])
    assert process in str(caught.value.details[0])
    house.collect(GCOptions(DAY, DAY, ignore_damaged=True))
    assert not house.present() & layers


def test_nonsense_in_a_repository_hides_nothing(house: House) -> None:
    """It was taken once: nobody's garbage may stay for it."""
    values = {"organization_id": house.context.organization_id, "repository": "base/debian"}
    kept = house.image("kept")
    index = {
        "schemaVersion": 2,
        "mediaType": media_types.INDEX,
        "manifests": [Descriptor(media_types.MANIFEST, kept, 1).to_document()],
        "config": 5,
    }
    nonsense = [house.put(format_document(index)), house.put(b'{"config": 5}'), house.put(b"no")]
    for digest in nonsense:
        house.row("repository_manifests", **values, **manifest_row(house, digest))
    house.put(b"lonely")
    house.make_old()

    house.collect()

    assert house.present() == {*nonsense, *house.blobs_of(kept)}


def test_the_index_that_a_version_was_pushed_with_stays_as_long_as_it(house: House) -> None:
    image, other = house.image("amd64"), house.image("arm64")
    process, number = house.version(image)
    repository = process_repository(house.context.organization_id, process)
    values = {"organization_id": repository.organization_id, "repository": repository.name}
    children = [Descriptor(media_types.MANIFEST, one, 1).to_document() for one in (image, other)]
    document = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": children}
    index = house.put(format_document(document))
    for digest in (image, other, index):
        house.row("repository_manifests", **values, **manifest_row(house, digest))
    manifests = house.world.services.repository_manifests
    manifests.name(house.actor, repository, str(number), index)
    house.make_old()

    house.collect()

    assert house.present() == {index, *house.blobs_of(image), *house.blobs_of(other)}
    for reference in (str(number), index, image, other):
        assert manifests.get(house.actor, repository, reference).data

    house.version(house.image("next"), process)
    house.world.services.versions.delete(house.actor, process, number)
    house.make_old()
    house.collect()
    assert house.present() == house.blobs_of(house.image("next"))
    assert house.count("repository_tags") == 0


def test_rows_of_deleted_processes_go_though_others_need_the_blob(house: House) -> None:
    image = house.image("shared")
    kept, _ = house.version(image)
    deleted, _ = house.version(image)
    organization = house.context.organization_id
    with house.world.database.write() as transaction:
        for process in (kept, deleted):
            repository = process_repository(organization, process)
            repositories.add_repository_blobs(
                transaction, repository, {image: 1}, at=house.world.clock()
            )
    house.world.services.processes.delete(house.actor, deleted)
    house.make_old()
    plan, report = house.collect(PLAN), house.collect()
    assert gone(plan, ResourceKind.RECORDS)[0] == gone(report, ResourceKind.RECORDS)[0] == 1
    with house.world.database.read() as transaction:
        holders = repositories.list_holders(transaction, organization, [image])
    assert holders == {image: [process_repository(organization, kept)]}


def test_a_blob_that_comes_again_keeps_its_row(house: House) -> None:
    """The time of a row says that its blob came again after the row was looked at."""
    world = house.world
    repository = Repository(house.context.organization_id, "base")

    def add() -> None:
        with world.database.write() as transaction:
            repositories.add_repository_blobs(
                transaction, repository, {sha256_of(b"x"): 1}, at=world.clock()
            )

    add()
    with world.database.read() as transaction:
        rows = forgetting.list_repository_rows(transaction, None)
    world.clock.move(seconds=1)
    add()
    with world.database.write() as transaction:
        assert forgetting.delete_repository_rows(transaction, rows) == 0
        again = forgetting.list_repository_rows(transaction, None)
        assert again[0].at == world.clock()
        assert forgetting.list_repository_rows(transaction, again[0].key) == []
        assert forgetting.delete_repository_rows(transaction, again) == 1
