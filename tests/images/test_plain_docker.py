"""A packaged image needs no au2 to run: everything of the contract is in it."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.support.commands.command import Au2
from tests.support.images.docker import Docker
from tests.support.packages.folders import Uploaded
from tests.support.servers.server_process import ServerProcess

CODE = """\
import json, os, pathlib, sys

assert os.getcwd() == "/package"
print("user", os.getuid(), "from", os.environ["COLOUR"])
print("apart", file=sys.stderr)
(pathlib.Path("written-here")).write_text("x")
raise SystemExit(5)
"""
FILES = {
    "main.py": CODE,
    "env.yml": "COLOUR: blue\n",
    "before.sh": "echo before\r\n",
    "after.sh": 'echo "after $AU_EXIT_CODE"\n',
}


def test_runs_under_plain_docker(
    server: ServerProcess, au2: Au2, make_process: Callable[..., Uploaded], docker: Docker
) -> None:
    process = make_process(au2, FILES)
    version = au2.json("process", "version", "show", process.process, "1")
    docker.copy_image(server.data_dir, version["image_digest"], "packaged:1")

    ran = docker("run", "--rm", "packaged:1")

    assert ran.exit_code == 5, ran
    assert ran.text.splitlines() == ["before", "user 1000 from blue", "after 5"]
    assert ran.errors.splitlines() == ["apart"]


def test_the_image_says_what_it_is(
    server: ServerProcess, au2: Au2, make_process: Callable[..., Uploaded], docker: Docker
) -> None:
    process = make_process(au2)
    version = au2.json("process", "version", "show", process.process, "1")
    docker.copy_image(server.data_dir, version["image_digest"], "inspected:1")

    [image] = json.loads(docker.ok("image", "inspect", "inspected:1").stdout)

    assert image["Config"]["User"].split(":")[0] == "1000"
    assert image["Config"]["WorkingDir"] == "/package"
    assert "au2.launcher.version" in image["Config"]["Labels"]


def test_job_files_may_be_given_by_hand(
    server: ServerProcess,
    au2: Au2,
    make_process: Callable[..., Uploaded],
    docker: Docker,
    tmp_path: Path,
) -> None:
    code = (
        "import json, os\n"
        "arguments = json.load(open(os.environ['AU_ARGS_FILE']))\n"
        "json.dump(arguments, open(os.environ['AU_OUTPUT_FILE'], 'w'))\n"
    )
    process = make_process(au2, {"main.py": code})
    version = au2.json("process", "version", "show", process.process, "1")
    docker.copy_image(server.data_dir, version["image_digest"], "files:1")
    files = tmp_path / "job-files"
    files.mkdir(mode=0o777)
    files.chmod(0o777)
    (files / "args.json").write_text('{"a": 1}')

    docker.ok(
        *("run", "--rm", "-v", f"{files}:/run/au2"),
        *("-e", "AU_ARGS_FILE=/run/au2/args.json", "-e", "AU_OUTPUT_FILE=/run/au2/output.json"),
        "files:1",
    )

    assert json.loads((files / "output.json").read_text()) == {"a": 1}
