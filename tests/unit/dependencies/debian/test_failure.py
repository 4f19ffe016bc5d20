"""Failed plans are told in the words of packages.txt."""

from au2.dependencies.debian.failure import explain_end, explain_plan
from au2.dependencies.debian.routes import PlanFailure
from au2.package.debian import DebianPackage

MISSING = """\
The following packages have unmet dependencies:
 satisfy:command-line : Depends: curll but it is not installable
                        Depends: sysvinit (= 1) but it is not installable
E: Unable to correct problems, you have held broken packages.
"""
NAMES = "curl\ncurlew\nsysvinit\njq\n"


def test_an_unknown_name_is_told_with_near_ones() -> None:
    asked = (DebianPackage("curl", None, 1), DebianPackage("curll", None, 3))
    found = explain_plan(asked, PlanFailure(MISSING, "", NAMES))
    assert found.message == "line 3 of packages.txt: the runtime's sources have no package 'curll'."
    assert found.hint == "Near names: curl, curlew."


def test_a_name_that_others_only_mention_is_unknown() -> None:
    found = explain_plan((DebianPackage("sysvinit", "1", 2),), PlanFailure(MISSING, "", NAMES))
    assert (
        "line 2 of packages.txt: the runtime's sources have no package 'sysvinit'" in found.message
    )


def test_a_version_is_told_with_those_that_are_there() -> None:
    versions = " jq | 1.7 | http://x bookworm/main amd64 Packages\n jq | 1.6 | y\n jq | 1.6 | z\n"
    found = explain_plan((DebianPackage("jq", "9", 4),), PlanFailure("E: x", versions, NAMES))
    assert found.message == "line 4 of packages.txt: the runtime's sources have no version 9 of jq."
    assert found.hint is not None
    assert "There is 1.7, 1.6;" in found.hint


def test_a_package_that_is_there_and_conflicts_is_not_told_as_unknown() -> None:
    text = MISSING.replace("curll", "jq")
    found = explain_plan(
        (DebianPackage("jq", None, 1),), PlanFailure(text, " jq | 1.7 | http://x\n", NAMES)
    )
    assert found.message == (
        "the Debian packages can't be installed together: packages.txt: Depends: jq but it is not "
        "installable"
    )


def test_a_removal_is_told() -> None:
    text = "  perl\nE: Packages need to be removed but remove is disabled.\n"
    found = explain_plan((DebianPackage("jq", None, 1),), PlanFailure(text, "", NAMES))
    assert "without removing packages of the runtime" in found.message


def test_other_ends_quote_apt() -> None:
    found = explain_plan((), PlanFailure("E: One.\nE: Two.\n", "", ""))
    assert found.message == "the Debian packages can't be installed: One.; Two."
    ended = explain_end(100, ["Get:1", "E: Sub-process returned an error", "gone"])
    assert ended.message.endswith("installed: Sub-process returned an error")
    assert explain_end(137, []).message.endswith("apt ended with exit code 137")
    assert len(explain_end(1, ["x" * 10_000]).message) < 600


def test_the_package_whose_script_failed_is_named() -> None:
    cause = (
        "installed bomb package post-installation script subprocess returned error exit status 1"
    )
    ended = explain_end(
        100,
        [
            "Setting up bomb (1.0) ...",
            "dpkg: error processing package bomb (--configure):",
            "a line of the script",
            f" {cause}",
            "dpkg: dependency problems prevent configuration of other:",
            "dpkg: error processing package other (--configure):",
            " dependency problems - leaving unconfigured",
            "Errors were encountered while processing:",
            " bomb",
            " other",
            "E: Sub-process /usr/bin/dpkg returned an error code (1)",
        ],
    )
    assert ended.message == f"the Debian package 'bomb' could not be installed: {cause}"
