"""Default values of the operator's settings that also hold without a server's settings.

``au2.server.settings.sections`` and the options of the packages below it take them from here.
The defaults of a run's resources are in ``au2.domain.jobs.job.RunLimits``.
"""

LOGIN_SECONDS = 24 * 3600.0
"""How long a login holds without use."""
LONGEST_LOGIN_SECONDS = 30 * 24 * 3600.0
"""How long a login holds at most, however often it is used."""
LEASE_SECONDS_OF_UPLOAD = 120.0
"""How long an upload is kept open after its last request."""
IMAGE_BYTES = 64 << 30
"""All layers of an image together, uncompressed."""

STOP_GRACE_SECONDS = 10.0
"""Between the stop signal of a job and the kill."""
AFTER_GRACE_SECONDS = 10.0
"""For ``after.sh`` of a job that was stopped or reached its time limit."""
OUTPUT_BYTES = 1 << 20
"""A job's output, as JSON."""
LOG_BYTES = 1 << 30
"""Log of one attempt."""
DISK_BYTES = 10 << 30
"""Files, scratch folder and log of a job."""

BUILD_MEMORY_BYTES = 2 << 30
"""Main memory of one installation of dependencies."""
BUILD_SECONDS = 1800.0
"""Time until an installation is ended."""
DEPENDENCY_BYTES = 16 << 30
"""Most that may be installed for one package."""
DOWNLOAD_CACHE_BYTES = 8 << 30
"""Downloaded packages that are kept for the next installation."""
