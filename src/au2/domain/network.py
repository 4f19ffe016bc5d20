"""Network access of jobs."""

from enum import StrEnum


class Network(StrEnum):
    """Network access of one job."""

    INTERNET = "internet"
    NONE = "none"
