"""The use cases, made from the settings."""

from dataclasses import dataclass

from au2.app.accounts.accounts import Accounts, SessionOptions
from au2.app.accounts.password_resets import PasswordResets
from au2.app.accounts.passwords import Passwords, make_hasher
from au2.app.organizations.organizations import Organizations
from au2.app.services import ServiceOptions, Services
from au2.app.services import make_services as make_all_services
from au2.app.uploads.image.sessions import ImageUploadOptions
from au2.app.uploads.package.begin import PackageUploadOptions
from au2.app.uploads.package.sessions import PackageUploads
from au2.domain.network import Network
from au2.domain.run_limits import RunLimits
from au2.oci.spec.platform import find_platform
from au2.package.tree.paths import PackageLimits
from au2.secrets.key_file import KeyFile
from au2.server.settings.sections import Settings
from au2.stores.content.protocol import ContentStore
from au2.stores.database.database import Database
from au2.stores.notices.base import Notices


@dataclass(frozen=True, slots=True)
class BootstrapServices:
    """The use cases that make the first user and where that user works."""

    accounts: Accounts
    organizations: Organizations


def make_services(
    database: Database,
    blobs: ContentStore,
    notices: Notices,
    settings: Settings,
    *,
    keys: KeyFile,
) -> Services:
    """Make all use cases: for the API."""
    options = ServiceOptions(
        session=SessionOptions(login_seconds=settings.login.token_hours * 3600.0),
        run=make_run_limits(settings),
        upload=make_upload_options(settings),
        image_upload=ImageUploadOptions(
            lease_seconds=settings.uploads.lease_seconds,
            blob_max_bytes=settings.limits.image_max_bytes,
            platform=find_platform(),
        ),
        places=settings.jobs.concurrent,
    )
    return make_all_services(database, blobs, notices, options, keys=keys)


def make_bootstrap_services(database: Database) -> BootstrapServices:
    """Make what the operator's own command needs to make users."""
    return BootstrapServices(Accounts(database, Passwords(make_hasher())), Organizations(database))


def make_password_resets(database: Database) -> PasswordResets:
    """Make what the operator's own command needs to replace a password."""
    return PasswordResets(database, Passwords(make_hasher()))


def make_uploads(
    database: Database, blobs: ContentStore, notices: Notices, settings: Settings
) -> PackageUploads:
    """Make the use cases about uploads: the dispatcher ends those that were given up."""
    return PackageUploads(database, blobs, notices, options=make_upload_options(settings))


def make_run_limits(settings: Settings) -> RunLimits:
    """Return what a run gets and may ask for."""
    jobs = settings.jobs
    return RunLimits(
        default_cpu=jobs.default_cpu,
        default_memory_bytes=jobs.default_memory_bytes,
        default_timeout_seconds=jobs.default_timeout_seconds,
        default_network=Network(settings.network.default_mode),
        processes=jobs.default_processes,
        max_cpu=jobs.max_cpu,
        max_memory_bytes=jobs.max_memory_bytes,
        max_timeout_seconds=jobs.max_timeout_seconds,
        max_arguments_bytes=settings.limits.arguments_max_bytes,
    )


def make_upload_options(settings: Settings) -> PackageUploadOptions:
    """Return how large packages may be and how long an upload is waited for."""
    limits = PackageLimits(
        files=settings.limits.package_max_files, total_bytes=settings.limits.package_max_bytes
    )
    return PackageUploadOptions(lease_seconds=settings.uploads.lease_seconds, limits=limits)
