"""Getting along with another packet filter: Docker's and others' drop what they don't know."""

import shutil
from contextlib import suppress

from au2.domain.errors import EngineFailure
from au2.engines.native.commands import run_tool

_IPTABLES = ("iptables", "--wait")


def allow_forwarding(bridge: str) -> None:
    """Let packets of the bridge pass where iptables drops by default.

    Ours are filtered before (:mod:`.firewall`): to be let pass here opens nothing.
    """
    chain = _find_chain()
    if chain is not None:
        for rule in _rules(bridge):
            if not _succeeds("--check", chain, *rule):
                run_tool([*_IPTABLES, "--insert", chain, *rule])


def forget_forwarding(bridge: str) -> None:
    """Remove what :func:`allow_forwarding` added."""
    if shutil.which(_IPTABLES[0]):
        for chain in ("DOCKER-USER", "FORWARD"):
            for rule in _rules(bridge):
                with suppress(EngineFailure):
                    run_tool([*_IPTABLES, "--delete", chain, *rule])


def _find_chain() -> str | None:
    """Return the chain to add to: the one that Docker leaves to others, or the one that drops."""
    if not shutil.which(_IPTABLES[0]):
        return None
    if _succeeds("--list-rules", "DOCKER-USER"):
        return "DOCKER-USER"
    try:
        policy = run_tool([*_IPTABLES, "--list-rules", "FORWARD"])
    except EngineFailure:
        return None  # Installed, but not of use on this kernel: then nothing is dropped by it.
    return "FORWARD" if "-P FORWARD DROP" in policy else None


def _rules(bridge: str) -> tuple[tuple[str, ...], ...]:
    answers = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
    return (
        ("-i", bridge, "-j", "ACCEPT"),
        ("-o", bridge, *answers, "-j", "ACCEPT"),
    )


def _succeeds(*arguments: str) -> bool:
    try:
        run_tool([*_IPTABLES, *arguments])
    except EngineFailure:
        return False
    return True
