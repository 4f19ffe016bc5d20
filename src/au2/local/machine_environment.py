"""Variables of this process that code and installers of plain runs get.

No credential is among them: none of au2's own (``AU_TOKEN``), and none of other tools, however the
variable begins.
"""

import re
from collections.abc import Mapping

_PASSED_ON = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        *("NODE_PATH", "R_HOME", "R_LIBS", "R_LIBS_USER", "R_LIBS_SITE", "R_PROFILE_USER"),
    }
)
_PASSED_ON_PREFIXES = ("VIRTUAL_ENV", "CONDA_", "PYENV_", "NVM_", "ASDF_", "MISE_")
"""Variables for interpreters, their packages and proxies; no others of the user's shell."""
_FOR_INSTALLERS = ("PIP_", "UV_", "XDG_", "NPM_CONFIG_", "npm_config_")
"""Prefixes of variables for pip, uv and npm: indexes, proxies, certificates, caches."""
_NOT_FOR_INSTALLERS = re.compile(
    r"PIP_(TARGET|PREFIX|ROOT|USER|REQUIREMENT|CONSTRAINT|PYTHON|DRY_RUN)|"
    r"UV_(TARGET|PREFIX|PYTHON|SYSTEM_PYTHON|CONSTRAINT|REQUIREMENT|OVERRIDE|PROJECT.*)",
)
"""Would put the packages elsewhere, or other packages."""
_ENVIRONMENT_OF_ANOTHER = ("VIRTUAL_ENV", "CONDA_")
_CREDENTIAL = re.compile(r"(^|_)(AUTH|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|$)")


def machine_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of this process for a run."""
    return {
        name: value
        for name, value in own.items()
        if name in _PASSED_ON
        or (name.startswith(_PASSED_ON_PREFIXES) and not _CREDENTIAL.search(name))
    }


def installer_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of this process for an installer, which may run code of packages.

    The settings of pip, uv and npm may hold a password for an index: they need it.
    """
    machine = {
        name: value
        for name, value in machine_environment(own).items()
        if not name.startswith(_ENVIRONMENT_OF_ANOTHER)
    }
    settings = {
        name: value
        for name, value in own.items()
        if name.startswith(_FOR_INSTALLERS) and not _NOT_FOR_INSTALLERS.fullmatch(name)
    }
    return {**machine, **settings, "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
