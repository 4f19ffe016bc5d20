from au2.runtimes.layers import InstalledPackage, parse_packages

TEXT = """Package: zlib1g
Version: 1:1.2.13
Architecture: amd64
Description: compression library
 continued: here
SHA256: abc

Package: adduser
Version: 3.134
Architecture: all

nonsense
"""


def test_packages() -> None:
    assert parse_packages(TEXT + "\n" + TEXT) == (
        InstalledPackage("adduser", "3.134", "all", ""),
        InstalledPackage("zlib1g", "1:1.2.13", "amd64", "abc"),
    )
    assert parse_packages("") == ()
