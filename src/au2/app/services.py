"""All use cases of one installation, and their construction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from argon2 import PasswordHasher

from au2.app.accounts.accounts import Accounts, SessionOptions
from au2.app.accounts.passwords import Passwords, make_hasher
from au2.app.accounts.tokens import ManagedTokens
from au2.app.jobs.jobs import Jobs, JobWaiting
from au2.app.members import Members
from au2.app.organization_changes import OrganizationChanges
from au2.app.organizations import Organizations
from au2.app.processes import Processes
from au2.app.registry.blobs import DecompressionLimiter, RepositoryBlobs
from au2.app.registry.images import ImageBlobs
from au2.app.registry.manifests import RepositoryManifests
from au2.app.runtimes import Runtimes
from au2.app.secrets import Secrets
from au2.app.uploads.image_uploads import ImageUploadOptions, ImageUploads
from au2.app.uploads.package_begin import PackageUploadOptions, UploadStarter
from au2.app.uploads.package_uploads import PackageUploads
from au2.app.versions.archives import VersionArchives
from au2.app.versions.diffs import VersionDiffs
from au2.app.versions.versions import Versions
from au2.domain import clock as clocks
from au2.domain.jobs.job import RunLimits
from au2.secrets.keyring import KeyFile
from au2.stores.content.protocol import ContentStore
from au2.stores.database.database import Database
from au2.stores.notices import Notices


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Options of the use cases, from the operator's settings."""

    session: SessionOptions = field(default_factory=SessionOptions)
    run: RunLimits = field(default_factory=RunLimits)
    upload: PackageUploadOptions = field(default_factory=PackageUploadOptions)
    image_upload: ImageUploadOptions = field(default_factory=ImageUploadOptions)
    places: int = 1
    """How many jobs are worked on at once."""


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, by noun."""

    accounts: Accounts
    managed_tokens: ManagedTokens
    organizations: Organizations
    organization_changes: OrganizationChanges
    members: Members
    runtimes: Runtimes
    processes: Processes
    versions: Versions
    version_diffs: VersionDiffs
    version_archives: VersionArchives
    upload_starter: UploadStarter
    uploads: PackageUploads
    image_uploads: ImageUploads
    repository_blobs: RepositoryBlobs
    repository_manifests: RepositoryManifests
    jobs: Jobs
    job_waiting: JobWaiting
    secrets: Secrets
    decompression: DecompressionLimiter


def make_services(
    database: Database,
    blobs: ContentStore,
    notices: Notices,
    options: ServiceOptions | None = None,
    *,
    keys: KeyFile,
    clock: Callable[[], datetime] = clocks.now,
    hasher: PasswordHasher | None = None,
) -> Services:
    """Return the use cases on these stores."""
    chosen = options or ServiceOptions()
    passwords = Passwords(hasher or make_hasher())
    organizations = Organizations(database, clock)
    runtimes = Runtimes(database, clock)
    images = ImageBlobs(database, blobs)
    image_uploads = ImageUploads(
        database, blobs, notices, images, options=chosen.image_upload, clock=clock
    )
    repository_blobs = RepositoryBlobs(
        database,
        blobs,
        images,
        blob_max_bytes=chosen.image_upload.blob_max_bytes,
        clock=clock,
    )
    return Services(
        accounts=Accounts(database, passwords, chosen.session, clock),
        managed_tokens=ManagedTokens(database, clock),
        organizations=organizations,
        organization_changes=OrganizationChanges(database, organizations, clock),
        members=Members(database, passwords, clock),
        runtimes=runtimes,
        processes=Processes(database, clock),
        versions=Versions(database, clock),
        version_diffs=VersionDiffs(database),
        version_archives=VersionArchives(database, blobs),
        upload_starter=UploadStarter(
            database, blobs, runtimes=runtimes, options=chosen.upload, clock=clock
        ),
        uploads=PackageUploads(database, blobs, notices, options=chosen.upload, clock=clock),
        image_uploads=image_uploads,
        repository_blobs=repository_blobs,
        repository_manifests=RepositoryManifests(
            database,
            blobs,
            images,
            repository_blobs,
            image_uploads,
            platform=chosen.image_upload.platform,
            clock=clock,
        ),
        jobs=Jobs(database, notices, chosen.run, clock),
        job_waiting=JobWaiting(database, notices, places=chosen.places, clock=clock),
        secrets=Secrets(database, keys, clock),
        decompression=DecompressionLimiter(),
    )
