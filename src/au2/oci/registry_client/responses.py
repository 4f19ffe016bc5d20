"""Responses of registries: small bodies, and errors for failed requests."""

from collections.abc import Iterator

import httpx

from au2.domain.errors import RegistryFailure


def read_small(response: httpx.Response, limit_bytes: int) -> bytes:
    """Return the whole body. Raises RegistryFailure above ``limit_bytes``."""
    data = bytearray()
    for chunk in raw_chunks(response):
        data += chunk
        if len(data) > limit_bytes:
            raise RegistryFailure(f"The registry's answer has more than {limit_bytes} bytes.")
    return bytes(data)


def raw_chunks(response: httpx.Response) -> Iterator[bytes]:
    """Return the body as sent. A compressed body might be a bomb, and was not requested."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise RegistryFailure("The registry compressed its answer although it was asked not to.")
    # In the pieces that come: with a size, what came before a break would be lost.
    return response.iter_raw()


def explain_refusal(name: str, status: int, what: str, *, logged_in: bool) -> RegistryFailure:
    """Return the error for a response with an unexpected status."""
    if status in {401, 403}:
        how = "with the login that is known" if logged_in else "without a login"
        return RegistryFailure(
            f"{name} does not give {what} {how} (HTTP {status}).",
            hint="Log in with 'docker login', or name another file of logins in the settings: "
            "[runtimes] registry_logins.",
        )
    if status == 404:
        return RegistryFailure(f"{name} has no {what}.", hint="Are the name and the digest right?")
    return RegistryFailure(f"{name} answered HTTP {status} when asked for {what}.")


def explain_trouble(name: str, error: Exception) -> RegistryFailure:
    """Return the error for an unreachable registry or a broken connection."""
    hint = "Is the name right, and is there a network, or a proxy in HTTPS_PROXY?"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = (
            "If its certificate is from an authority of your own, name that in the settings: "
            "[runtimes] registry_ca."
        )
    told = (str(error) or type(error).__name__)[:300]
    return RegistryFailure(f"The registry {name} is not reached: {told}", hint=hint)
