"""Settings of the server: sections, keys and defaults.

A section here is a table of ``settings.toml``; every key can also be given as a variable
``AU2_<SECTION>_<KEY>``, which wins. The reference page is made from the notes of the fields.
"""

# ruff: noqa: RUF009 - setting() is dataclasses.field() with a note

import os
from dataclasses import dataclass, field
from pathlib import Path

from au2.domain import defaults
from au2.domain.jobs.job import RunLimits
from au2.server.http.limits import HttpLimits
from au2.server.settings.endpoint import ListenAddress, TlsFiles
from au2.server.settings.kinds import (
    ADDRESSES,
    DNS_WORDS,
    FLAG,
    HOSTS,
    LISTEN,
    LOCATIONS,
    NETWORKS,
    PATH,
    SUBNET,
    URL,
    choice,
    number,
    seconds,
    setting,
    size,
    whole,
)

_DAY = 86_400.0
_MIB = 1 << 20
_GIB = 1 << 30
_RUN = RunLimits()
_HTTP = HttpLimits()


def cores() -> int:
    """Return the number of processor cores available to this process."""
    return len(os.sched_getaffinity(0))


def memory_bytes_of_machine() -> int:
    """Return the size of main memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The server's own processes."""

    listen: ListenAddress = setting(
        ListenAddress("127.0.0.1", 8080), LISTEN, "Where the API listens; port 0: a free one."
    )
    allow_plain_http: bool = setting(
        False,
        FLAG,
        "Let it listen where other machines reach it although passwords and tokens then travel "
        "unencrypted.",
    )
    tls_certificate: Path | None = setting(
        None,
        PATH,
        "Certificate in PEM, followed by the rest of its chain: with it the server speaks TLS.",
        default_text="no TLS",
    )
    tls_key: Path | None = setting(None, PATH, "The certificate's key in PEM, without a password.")
    external_url: str | None = setting(
        None,
        URL,
        "How people and their Docker reach this server, where a proxy stands before it; with the "
        "path that the proxy removes, if any.",
        default_text="what a request was sent to",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        ADDRESSES,
        "Proxies in front of it: only from there is X-Forwarded-For believed, by which failed "
        "logins are counted.",
    )
    run_dir: Path | None = setting(
        None,
        PATH,
        "Where running containers are mounted: on a tmpfs, for root only.",
        default_text="/run/au2/<installation>",
    )
    max_connections: int = setting(
        _HTTP.connections, whole(16, 1_000_000), "Connections that are open at the same time."
    )
    max_connections_per_client: int = setting(
        _HTTP.connections_per_client,
        whole(1, 1_000_000),
        "Of these, from one client address (IPv6: from one /64 network); trusted proxies may have "
        "all.",
    )
    header_timeout_seconds: float = setting(
        _HTTP.head_seconds, seconds(1, 3600), "Time for a request's headers to come."
    )
    body_timeout_seconds: float = setting(
        _HTTP.body_seconds,
        seconds(1, 3600),
        "Longest pause in a request's body while the server waits for it.",
    )
    log_level: str = setting(
        "info", choice("debug", "info", "warning", "error"), "The least that is logged."
    )

    request_log: bool = setting(
        True,
        FLAG,
        "Log every request in a line (method, path, status, time, user, address); health checks "
        'at level "debug" only.',
    )

    @property
    def tls(self) -> TlsFiles | None:
        """The certificate and its key, if there are both."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return TlsFiles(self.tls_certificate, self.tls_key)

    @property
    def http_limits(self) -> HttpLimits:
        """Limits of connections and requests."""
        return HttpLimits(
            connections=self.max_connections,
            connections_per_client=self.max_connections_per_client,
            head_seconds=self.header_timeout_seconds,
            body_seconds=self.body_timeout_seconds,
        )


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """Logins of users."""

    token_hours: float = setting(
        defaults.LOGIN_SECONDS / 3600, number(0.01, 8760), "How long a login holds without use."
    )
    longest_days: float = setting(
        defaults.LONGEST_LOGIN_SECONDS / 86_400,
        number(0.001, 3650),
        "How long a login holds at most, however often it is used.",
    )


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Limits of uploads and requests."""

    package_max_bytes: int = setting(2 * _GIB, size(1), "All files of a package together.")
    package_max_files: int = setting(100_000, whole(1, 1_000_000), "Files in a package.")
    image_max_bytes: int = setting(
        defaults.IMAGE_BYTES, size(_MIB), "All layers of an image together, uncompressed."
    )
    file_list_max_bytes: int = setting(
        64 * _MIB, size(64 * 1024), "The list of files that begins an upload, as JSON."
    )
    arguments_max_bytes: int = setting(
        _RUN.max_arguments_bytes, size(2), "A job's arguments, as JSON."
    )
    output_max_bytes: int = setting(defaults.OUTPUT_BYTES, size(2), "A job's output, as JSON.")


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Default and largest resources of a job."""

    default_cpu: float = setting(_RUN.default_cpu, number(0.01, 1024), "Cores.")
    default_memory_bytes: int = setting(_RUN.default_memory_bytes, size(4 * _MIB), "Main memory.")
    default_processes: int = setting(_RUN.processes, whole(1, 1 << 22), "Processes and threads.")
    default_timeout_seconds: float = setting(
        _RUN.default_timeout_seconds, seconds(1, 365 * _DAY), "Time until the job is ended."
    )
    max_cpu: float = setting(
        lambda: float(max(cores(), 1)),
        number(0.01, 1024),
        "Most cores.",
        default_text="the machine's cores",
    )
    max_memory_bytes: int = setting(
        memory_bytes_of_machine, size(4 * _MIB), "Most memory.", default_text="the machine's memory"
    )
    max_timeout_seconds: float = setting(7 * _DAY, seconds(1, 365 * _DAY), "Longest time.")
    concurrent: int = setting(
        lambda: 4 * cores(),
        whole(1, 10_000),
        "Jobs that run at the same time; further ones wait.",
        default_text="4 for each of the machine's cores",
    )
    first_host_id: int = setting(
        1 << 20,
        whole(1 << 16, (1 << 32) - (1 << 21)),
        "The host id that root of a job is outside; those above are the other users' of jobs.",
    )
    host_ids: int = setting(
        1 << 31,
        whole(1 << 16, 1 << 31),
        "How many host ids jobs have: users and groups that an image may use. 1048576 more above "
        "them own the jobs' user namespaces.",
    )
    log_limit_bytes: int = setting(
        defaults.LOG_BYTES, size(64 * 1024), "Log of one attempt; what comes after is thrown away."
    )
    disk_limit_bytes: int = setting(
        defaults.DISK_BYTES,
        size(_MIB),
        "What a job may write to the disk: its files, scratch folder and log. One that writes more "
        "is ended.",
    )
    stop_grace_seconds: float = setting(
        defaults.STOP_GRACE_SECONDS, seconds(0, 3600), "Between the stop signal and the kill."
    )
    after_grace_seconds: float = setting(
        defaults.AFTER_GRACE_SECONDS,
        seconds(0, 3600),
        "For after.sh of a job that was stopped or timed out.",
    )


@dataclass(frozen=True, slots=True)
class UploadSettings:
    """Uploads of packages and images."""

    lease_seconds: float = setting(
        defaults.LEASE_SECONDS_OF_UPLOAD,
        seconds(5, _DAY),
        "How long an upload is kept open after its last sign of life.",
    )


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """Network of jobs."""

    default_mode: str = setting(
        _RUN.default_network.value,
        choice("internet", "none"),
        "The network of jobs that ask for none in particular.",
    )
    subnet: str | None = setting(
        None,
        SUBNET,
        "Addresses of the containers.",
        default_text="a private network that the machine does not use",
    )
    connections: int = setting(
        4096,
        whole(0, 1 << 20),
        "Connections of a job to others at a time (TCP, UDP, ICMP); 0: any number.",
    )
    dns: tuple[str, ...] = setting(
        (), ADDRESSES, "Name servers of the containers.", default_text="those of the machine"
    )
    dns_search: tuple[str, ...] = setting(
        (),
        DNS_WORDS,
        'Domains that names without a dot are looked for in; ["."]: none.',
        default_text="those of the machine",
    )
    dns_options: tuple[str, ...] = setting(
        (),
        DNS_WORDS,
        'Options of the containers\' resolv.conf, like "ndots:2".',
        default_text="those of the machine",
    )
    allow: tuple[str, ...] = setting(
        (), NETWORKS, "Private networks that jobs may reach all the same."
    )


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """Building of runtimes."""

    mirror: str | None = setting(
        None,
        URL,
        "Debian mirror that base images are made from.",
        default_text="that of the machine",
    )
    cache_dir: Path | None = setting(
        None, PATH, "Built runtimes, for sharing between data directories."
    )
    registry_logins: Path | None = setting(
        None,
        PATH,
        "Logins for image registries, as `docker login` writes them.",
        default_text="config.json in $DOCKER_CONFIG, else in ~/.docker",
    )
    registry_ca: Path | None = setting(
        None, PATH, "Certificates to trust in image registries, besides the machine's own."
    )
    registry_plain_http: tuple[str, ...] = setting(
        (),
        HOSTS,
        "Image registries that may be asked unencrypted; those on this machine always may.",
    )


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """Storage of secret values."""

    key_file: Path | None = setting(
        None,
        PATH,
        "The keys that encrypt them: on another disk, or where a key store puts them.",
        default_text="secrets.key in the data directory",
    )


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Installation of a package's dependencies."""

    python_indexes: tuple[str, ...] = setting(
        (),
        LOCATIONS,
        "Python package indexes; a package is taken from the first that knows it. Users and "
        "passwords in their URLs are shown nowhere.",
        default_text="what pip on this machine is configured to",
    )
    find_links: tuple[str, ...] = setting(
        (),
        LOCATIONS,
        "Folders with Python packages, besides the indexes.",
        default_text="what pip on this machine is configured to",
    )
    npm_registry: str | None = setting(
        None,
        URL,
        "The registry of JavaScript packages.",
        default_text="what npm on this machine is configured to",
    )
    ca_file: Path | None = setting(
        None,
        PATH,
        "Certificates to trust in package indexes.",
        default_text="what pip on this machine is configured to, else the machine's own",
    )
    proxy: str | None = setting(
        None,
        URL,
        "The proxy on the way to package indexes.",
        default_text="what pip or the environment say",
    )
    cpu: float = setting(
        lambda: float(max(cores(), 1)),
        number(0.01, 1024),
        "Cores of one installation.",
        default_text="the machine's cores",
    )
    memory_bytes: int = setting(
        defaults.BUILD_MEMORY_BYTES, size(64 * _MIB), "Main memory of one installation."
    )
    timeout_seconds: float = setting(
        defaults.BUILD_SECONDS, seconds(1, _DAY), "Time until an installation is ended."
    )
    layer_max_bytes: int = setting(
        defaults.DEPENDENCY_BYTES,
        size(_MIB),
        "Most that may be installed for one package. Its "
        "installation may write twice as much to the disk, and 1 GiB more.",
    )
    cache_max_bytes: int = setting(
        defaults.DOWNLOAD_CACHE_BYTES,
        size(_MIB),
        "Downloaded packages that are kept for the next time.",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked."""

    server: ServerSettings = field(default_factory=ServerSettings)
    login: LoginSettings = field(default_factory=LoginSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    uploads: UploadSettings = field(default_factory=UploadSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    runtimes: RuntimeSettings = field(default_factory=RuntimeSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    secrets: SecretSettings = field(default_factory=SecretSettings)
