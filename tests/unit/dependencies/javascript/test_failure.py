import pytest

from au2.dependencies.javascript.failure import NpmFailure

SCRIPT = """\
npm error code 7
npm error path /package/node_modules/@scope/thing
npm error command failed
npm error command sh -c node install.js
"""


def failure_of(text: str) -> NpmFailure:
    failure = NpmFailure()
    for line in text.splitlines():
        failure.take(line)
    return failure


def test_a_failing_script_is_told_with_its_package_and_words() -> None:
    said = "npm error one\nnpm error path /package/node_modules/other\nnpm error last\n"
    end = "npm error A complete log of this run can be found in: /x\nnpm error Log files were not"
    end += " written due to the config logs-max=0"
    failure = failure_of(f"npm warn deprecated\n{SCRIPT}{said}{end}\n")
    assert failure.message == (
        "The install script of @scope/thing failed ('node install.js'). "
        "It said: one / path /package/node_modules/other / last"
    )
    assert "choose another version of @scope/thing" in failure.hint


def test_lines_that_say_why_are_told_before_those_that_end_a_dump() -> None:
    said = "Error: getaddrinfo EAI_AGAIN example.org\n    errno: -3001\n  }\n}\n}"
    failure = failure_of(SCRIPT + "".join(f"npm error {line}\n" for line in said.splitlines()))
    assert failure.message.endswith("It said: Error: getaddrinfo EAI_AGAIN example.org")


def test_causes_are_found_however_early_they_are_told() -> None:
    said = "npm error getaddrinfo EAI_AGAIN\nnpm error gyp ERR! build\n" + "npm error x\n" * 5000
    assert "Builds have no compiler and no network" in failure_of(SCRIPT + said).hint


def test_a_long_output_does_not_hide_whose_it_is() -> None:
    failure = failure_of(SCRIPT + "npm error x\n" * 10_000 + f"npm error {'y' * 9000}\n")
    assert failure.message.startswith("The install script of @scope/thing failed")
    assert len(failure.message) < 500


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("getaddrinfo ENOTFOUND example.org", "Builds have no network"),
        ("gyp ERR! stack Error: not found: make", "Builds have no compiler"),
        ("sh: 1: g++: not found", "Builds have no compiler"),
    ],
)
def test_the_usual_causes_are_named(said: str, hint: str) -> None:
    assert hint in failure_of(f"{SCRIPT}npm error {said}\n").hint


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("EUSAGE", "must fit package.json"),
        ("ETARGET", "must fit package.json"),
        ("EBADPLATFORM", "optionalDependencies"),
        ("EWHATEVER", "makes the lock anew"),
    ],
)
def test_other_failures_are_not_told_as_scripts(code: str, hint: str) -> None:
    failure = failure_of(f"npm error code {code}\nnpm error something\n")
    assert failure.message == "The dependencies could not be installed: see the log."
    assert hint in failure.hint


def test_the_output_of_a_script_is_shown_safely() -> None:
    assert "\x1b" not in failure_of(f"{SCRIPT}npm error \x1b[2J\n").message
