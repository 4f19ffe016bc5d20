"""What a job may reach over the network."""

from enum import StrEnum


class Network(StrEnum):
    """What a job may reach."""

    INTERNET = "internet"
    NONE = "none"
