"""What a package asks for in ``requirements.txt`` is there when it runs."""

from collections.abc import Callable
from pathlib import Path

from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, fill_package, run_to_end, submitted_job

MakeProcess = Callable[..., Uploaded]
MAIN = """\
import importlib.metadata, six, aunsight
aunsight.write_output({"six": six.__version__, "meta": importlib.metadata.version("six")})
"""


def test_a_dependency_is_there_and_the_version_tells_which(
    au2: Au2, make_process: MakeProcess
) -> None:
    process = make_process(au2, {"main.py": MAIN, "requirements.txt": "six==1.17.0\n"})

    _, job = run_to_end(au2, process)
    version = au2.json("process", "version", "show", process.process, "1")

    assert job["output"] == {"six": "1.17.0", "meta": "1.17.0"}
    (package,) = version["dependencies"]["packages"]
    assert (package["name"], package["version"]) == ("six", "1.17.0")
    assert package["digest"].startswith("sha256:")
    assert "six 1.17.0" in au2.ok("process", "version", "show", process.process, "1").text


def test_a_change_of_code_takes_the_dependencies_as_they_are(
    au2: Au2, make_process: MakeProcess
) -> None:
    process = make_process(au2, {"main.py": MAIN, "requirements.txt": "six\nidna\n"})
    (process.directory / "main.py").write_text("import six, idna\n")

    upload = au2.ok("process", "repo", "upload", process.directory, "--yes", "--wait")
    log = au2.ok("job", "logs", submitted_job(upload)).text
    first, second = (
        au2.json("process", "version", "show", process.process, str(number))["dependencies"]
        for number in (1, 2)
    )

    assert "Dependencies are the same as before: 2 packages" in log
    assert first == second


def test_a_failing_installation_is_told_in_the_installer_s_words(au2: Au2, tmp_path: Path) -> None:
    files = {"main.py": "", "requirements.txt": "six==0.0.1.dev404\n"}
    directory = fill_package(au2, tmp_path / "failing", files)

    upload = au2("process", "repo", "upload", directory, "--yes", "--wait")
    job = au2.json("job", "show", submitted_job(upload))
    log = au2.ok("job", "logs", str(job["id"])).text

    assert upload.exit_code == 1
    assert (job["state"], job["reason"]) == ("FAILED", "build-failed")
    assert "there is no version of six==0.0.1.dev404" in log
    assert "Change the versions in requirements.txt" in job["reason_text"]
    assert [phase["name"] for phase in job["attempts"][0]["phases"]] == ["build", "dependencies"]


def test_a_local_file_is_refused_before_anything_is_sent(au2: Au2, tmp_path: Path) -> None:
    files = {"main.py": "", "requirements.txt": "six\nx @ file:///etc/passwd\n"}
    directory = fill_package(au2, tmp_path / "local", files)

    checked = au2("process", "repo", "check", directory)

    assert checked.exit_code == 1
    assert (
        "requirements.txt:2: files of the machine are not supported"
        in checked.errors + checked.text
    )
