"""before.sh → entry point → after.sh, whatever the entry point is written in."""

import pytest

from au2.domain.jobs.container_contract import Language
from tests.support.packages.languages import Packages, Ran

AFTER = 'echo "after [$AU_EXIT_CODE]"\n'

EXIT = {
    Language.PYTHON: "import sys; print('main', flush=True); sys.exit({code})",
    Language.SHELL: "echo main; exit {code}",
    Language.JAVASCRIPT: "console.log('main'); process.exitCode = {code};",
    Language.R: "cat('main\\n'); quit(status = {code})",
}


@pytest.mark.parametrize("language", Language)
class TestEveryLanguage:
    """Scripts have no run bit here: the package format knows none unless it is given."""

    def test_order_and_exit_code(self, packages: Packages, language: Language) -> None:
        files = {
            "before.sh": 'echo "before [${AU_EXIT_CODE-unset}] $PWD"\n',
            language.entry_point: EXIT[language].format(code=3),
            "after.sh": AFTER + "exit 4\n",
        }
        ran = packages.run(language, files)
        assert (ran.exit_code, ran.stderr) == (3, "")
        assert ran.stdout.splitlines() == ["before [unset] /package", "main", "after [3]"]
        phases = [phase["name"] for phase in ran.launcher["phases"]]
        assert phases == ["before", "entry", "after"]

    def test_before_fails(self, packages: Packages, language: Language) -> None:
        files = {
            "before.sh": "exit 7\n",
            language.entry_point: EXIT[language].format(code=0),
            "after.sh": AFTER,
        }
        ran = packages.run(language, files)
        assert (ran.exit_code, ran.stdout) == (7, "after []\n")
        assert (ran.launcher["before_exit_code"], ran.launcher["entry_exit_code"]) == (7, None)

    @pytest.mark.parametrize(("entry", "after", "code"), [(0, 6, 6), (5, 6, 5), (5, 0, 5)])
    def test_a_failing_after_counts_if_all_else_went_well(
        self, packages: Packages, language: Language, entry: int, after: int, code: int
    ) -> None:
        files = {
            language.entry_point: EXIT[language].format(code=entry),
            "after.sh": f"echo SUCCEEDED\nexit {after}\n",
        }
        ran = packages.run(language, files)
        assert (ran.exit_code, ran.stdout) == (code, "main\nSUCCEEDED\n")

    def test_windows_line_ends(self, packages: Packages, language: Language) -> None:
        main = EXIT[language].format(code=3).replace("; ", "\n").replace("\n", "\r\n")
        files = {
            "before.sh": "if true\r\nthen\r\n  echo before\r\nfi\r\n",
            language.entry_point: main + "\r\n",
            "after.sh": "\ufeff" + AFTER.replace("\n", "\r\n"),
        }
        ran = packages.run(language, files)
        assert (ran.exit_code, ran.stderr) == (3, "")
        assert ran.stdout == "before\nmain\nafter [3]\n"

    def test_names_and_texts_in_any_script(self, packages: Packages, language: Language) -> None:
        ending = language.entry_point.rpartition(".")[2]
        entry_point = f"源/задача ✅ 'a b'.{ending}"
        files = {
            "before.sh": "echo 'प्रारंभ 🚀'; cat 'données/文件 📄.txt'\n",
            entry_point: EXIT[language].format(code=0).replace("main", "مرحبا 👋"),
            "données/文件 📄.txt": "содержимое\n",
            "after.sh": "echo 'τέλος 🏁'\n",
        }
        image = packages.build(language, files, entry_point=entry_point)
        ran = packages.finish(packages.start(image))
        assert (ran.exit_code, ran.stderr) == (0, "")
        assert ran.stdout.splitlines() == ["प्रारंभ 🚀", "содержимое", "مرحبا 👋", "τέλος 🏁"]

    def test_variables_reach_all_three(self, packages: Packages, language: Language) -> None:
        read = {
            Language.PYTHON: "import os; print(os.environ['version'], os.environ['PHASE'])",
            Language.SHELL: 'echo "$version $PHASE"',
            Language.JAVASCRIPT: "console.log(process.env.version, process.env.PHASE)",
            Language.R: "cat(Sys.getenv('version'), Sys.getenv('PHASE'), '\\n')",
        }
        files = {
            "before.sh": 'echo "$version $PHASE"\n',
            language.entry_point: read[language],
            "after.sh": 'echo "$version $PHASE"\n',
        }
        environment = {"version": "1.10", "PHASE": "é 'x'"}
        image = packages.build(language, files, environment=environment)
        ran = packages.finish(packages.start(image))
        assert [line.rstrip() for line in ran.stdout.splitlines()] == ["1.10 é 'x'"] * 3


STOPPING = {
    Language.PYTHON: """\
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told", flush=True), sys.exit(9)))
print("ready", flush=True)
time.sleep(600)
""",
    Language.SHELL: """\
trap 'echo told; exit 9' TERM
echo ready
while :; do sleep 0.05; done
""",
    Language.JAVASCRIPT: """\
process.on("SIGTERM", () => { console.log("told"); process.exit(9); });
console.log("ready");
setInterval(() => {}, 1000);
""",
    Language.R: """\
work <- function() {
  on.exit(cat("cleaned\\n"))
  cat("ready\\n")
  Sys.sleep(600)
}
tryCatch(work(), interrupt = function(condition) { cat("told\\n"); quit(status = 9) })
""",
}
CARELESS = {
    Language.PYTHON: "import time\nprint('ready', flush=True)\ntime.sleep(600)\n",
    Language.SHELL: "echo ready\nexec sleep 600\n",
    Language.JAVASCRIPT: "console.log('ready'); setInterval(() => {}, 1000);\n",
    Language.R: "cat('ready\\n')\nSys.sleep(600)\n",
}
WAITING = {
    Language.PYTHON: "import os\nprint('ready', flush=True)\nos.system('sleep 600')\n",
    Language.SHELL: "echo ready\nsleep 600\n",
    Language.JAVASCRIPT: "console.log('ready');require('child_process').execSync('sleep 600')\n",
    Language.R: "cat('ready\\n')\nsystem('sleep 600')\n",
}


@pytest.mark.parametrize("language", Language)
class TestStop:
    """What an engine sends is SIGTERM; a time-out sends the same."""

    def test_code_can_catch_it(self, packages: Packages, language: Language) -> None:
        ran = self._stop(packages, language, STOPPING[language], "300")
        assert (ran.exit_code, ran.stderr) == (9, "")
        cleaned = ["told", "cleaned"] if language is Language.R else ["told"]
        assert sorted(ran.stdout.splitlines()) == sorted(["ready", *cleaned, "after [9]"])
        assert ran.launcher["stopped"] is True

    def test_code_that_does_not_is_ended(self, packages: Packages, language: Language) -> None:
        """Within the grace time, which would be five minutes here."""
        ran = self._stop(packages, language, CARELESS[language], "300")
        code = ran.launcher["entry_exit_code"]
        assert ran.exit_code == code != 0
        assert ran.stdout == f"ready\nafter [{code}]\n"

    def test_code_that_waits_for_another_program(
        self, packages: Packages, language: Language
    ) -> None:
        ran = self._stop(packages, language, WAITING[language], "1")
        code = ran.launcher["entry_exit_code"]
        assert ran.exit_code == code != 0
        assert ran.stdout == f"ready\nafter [{code}]\n"

    def _stop(self, packages: Packages, language: Language, code: str, grace: str) -> Ran:
        files = {language.entry_point: code, "after.sh": AFTER}
        image = packages.build(language, files)
        container_id = packages.start(image, environment={"AU_STOP_GRACE_SECONDS": grace})
        packages.native_harness.wait_for_output(container_id, b"ready\n")
        packages.native_harness.engine.signal(container_id, "SIGTERM")
        return packages.finish(container_id)


@pytest.mark.parametrize("language", Language)
def test_a_hook_that_hangs(packages: Packages, language: Language) -> None:
    """The platform stops the container when its time is up; both hooks have their grace."""
    files = {
        "before.sh": "echo ready; sleep 600\n",
        language.entry_point: EXIT[language].format(code=0),
        "after.sh": AFTER + "echo hanging; sleep 600\n",
    }
    image = packages.build(language, files)
    grace = {"AU_STOP_GRACE_SECONDS": "1", "AU_AFTER_GRACE_SECONDS": "1"}
    container_id = packages.start(image, environment=grace)
    packages.native_harness.wait_for_output(container_id, b"ready\n")
    packages.native_harness.engine.signal(container_id, "SIGTERM")
    ran = packages.finish(container_id)
    assert ran.exit_code != 0
    assert ran.stdout == "ready\nafter []\nhanging\n"
    assert ran.launcher["entry_exit_code"] is None


def test_hooks_run_in_the_shell_that_they_name(packages: Packages) -> None:
    script = '#!/usr/bin/env bash\nlist=(one two)\n[[ -n $BASH ]] && echo "${list[1]} $0"\n'
    files = {"before.sh": script, "main.sh": script, "after.sh": script}
    ran = packages.run(Language.SHELL, files)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == "two before.sh\ntwo main.sh\ntwo after.sh\n"


def test_a_shell_that_the_runtime_lacks_is_named(packages: Packages) -> None:
    ran = packages.run(Language.SHELL, {"main.sh": "#!/bin/zsh\necho never\n"})
    assert ran.exit_code == 127
    assert "zsh" in ran.stderr
