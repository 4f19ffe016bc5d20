"""The small library of each language, where jobs find it."""

import pytest

from au2.domain.jobs.container_contract import Language
from au2.package.template import make_files
from tests.support.checkout import ROOT
from tests.support.packages.languages import Packages

ALL = {
    Language.PYTHON: """\
import aunsight
arguments = aunsight.arguments()
aunsight.status("hälf 😀", progress=0.5)
aunsight.write_output({"first": 1})
aunsight.write_output({"got": arguments, "scratch": aunsight.scratch_directory()})
""",
    Language.SHELL: """\
set -eu
. aunsight.sh
aunsight_status "hälf 😀" 0.5
aunsight_write_output '{"first": 1}'
aunsight_arguments | jq --arg scratch "$(aunsight_scratch_directory)" \\
    '{got: ., scratch: $scratch}' | aunsight_write_output
""",
    Language.JAVASCRIPT: """\
const aunsight = require("aunsight");
aunsight.status("hälf 😀", 0.5);
aunsight.writeOutput({ first: 1 });
aunsight.writeOutput({ got: aunsight.arguments(), scratch: aunsight.scratchDirectory() });
""",
    Language.R: """\
library(aunsight)
status("hälf 😀", progress = 0.5)
write_output(list(first = 1))
write_output(list(got = arguments(), scratch = scratch_directory()))
""",
}
ARGUMENTS = {
    "name": 'Zoë \\ " 李 😀',
    "list": [1, 2.5, 3],
    "texts": ["a", "b"],
    "nested": {"yes": True, "nothing": None, "objects": [{"a": 1}, {"b": "c"}]},
    "lines": "one\ntwo\t",
}


@pytest.mark.parametrize("language", Language)
def test_in_a_job(packages: Packages, language: Language) -> None:
    ran = packages.run(language, {language.entry_point: ALL[language]}, ARGUMENTS)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "")
    assert ran.output == {"got": ARGUMENTS, "scratch": "/run/au2/scratch"}
    assert ran.status == {"text": "hälf 😀", "progress": 0.5}


@pytest.mark.parametrize("language", Language)
def test_what_init_writes_runs(packages: Packages, language: Language) -> None:
    files = make_files(name="n", description="", runtime="r", language=language)
    ran = packages.run(language, files, {"name": "Zoë", "times": 2})
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "Hello, Zoë!\nHello, Zoë!\n", "")
    assert ran.output == {"message": "Hello, Zoë!", "times": 2}
    assert ran.status == {"text": "Greeting 2 of 2", "progress": 1.0}
    assert packages.run(language, files).output == {"message": "Hello, world!", "times": 3}


@pytest.mark.parametrize("language", Language)
def test_hooks_have_the_shells(packages: Packages, language: Language) -> None:
    hook = '. aunsight.sh\naunsight_status "$(aunsight_scratch_directory) is 100% \\"clean\\""\n'
    ran = packages.run(language, {language.entry_point: "", "after.sh": hook})
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.status == {"text": '/run/au2/scratch is 100% "clean"'}


@pytest.mark.parametrize(
    ("entry_point", "code", "more"),
    [
        ("main.mjs", "import aunsight from 'aunsight'; aunsight.writeOutput({ ok: 1 });", {}),
        (
            "main.js",
            "import { arguments as given, writeOutput } from 'aunsight';\n"
            "await null; writeOutput({ ok: 1, ...given() });",
            {"package.json": '{"type": "module"}'},
        ),
        ("main.cjs", "require('aunsight').writeOutput({ ok: 1 });", {}),
        ("src/deep/main.js", "require('aunsight').writeOutput({ ok: 1 });", {}),
    ],
)
def test_modules_of_javascript(
    packages: Packages, entry_point: str, code: str, more: dict[str, str]
) -> None:
    image = packages.build(
        Language.JAVASCRIPT, {entry_point: code, **more}, entry_point=entry_point
    )
    ran = packages.finish(packages.start(image))
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.output == {"ok": 1}


@pytest.mark.parametrize(
    ("language", "files"),
    [
        (Language.PYTHON, {"main.py": "import aunsight", "aunsight.py": "print('mine')"}),
        (
            Language.JAVASCRIPT,
            {
                "main.js": "require('aunsight')",
                "node_modules/aunsight/index.js": "console.log('mine')",
            },
        ),
        (
            Language.SHELL,
            {
                "main.sh": 'PATH="/package/mine:$PATH"; . aunsight.sh',
                "mine/aunsight.sh": "echo mine",
            },
        ),
        (
            Language.R,
            {
                "main.r": "suppressWarnings(library(aunsight))",
                "before.sh": "mkdir -p lib && cp -r /opt/au2/sdk/r/aunsight lib/ &&\n"
                "echo 'cat(\"mine\\n\")' >lib/aunsight/R/aunsight && : >lib/aunsight/NAMESPACE",
                "env.yml": "",
            },
        ),
    ],
)
def test_what_the_code_brings_comes_first(
    packages: Packages, language: Language, files: dict[str, str]
) -> None:
    ran = packages.run(language, files, environment={"R_LIBS": "/package/lib"})
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "mine\n", "")


def test_python_paths_of_ones_own_keep_the_library(packages: Packages) -> None:
    files = {"main.py": "import aunsight, other", "lib/other.py": "print('found')"}
    ran = packages.run(Language.PYTHON, files, environment={"PYTHONPATH": "/package/lib"})
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "found\n", "")


MISTAKES = {
    Language.PYTHON: (
        """\
import aunsight
for call in CALLS:
    try:
        eval(call)
    except Exception as problem:
        print(type(problem).__name__)
""",
        [
            "aunsight.write_output([1])",
            "aunsight.write_output({'a': float('inf')})",
            "aunsight.status('x', 1.5)",
        ],
        "TypeError\nValueError\nValueError\n",
    ),
    Language.JAVASCRIPT: (
        """\
const aunsight = require("aunsight");
for (const call of CALLS) {
  try {
    eval(call);
    console.log("passed: " + call);
  } catch (problem) {
    console.log(problem.name);
  }
}
""",
        [
            "aunsight.writeOutput([1])",
            "aunsight.writeOutput(null)",
            "aunsight.writeOutput()",
            "aunsight.writeOutput(new Date())",
            "aunsight.writeOutput({a: [NaN]})",
            "aunsight.writeOutput({a: Promise.resolve(1)})",
            "aunsight.status('x', 1.5)",
            "aunsight.status('x', NaN)",
        ],
        "TypeError\n" * 4 + "RangeError\nTypeError\nRangeError\nRangeError\n",
    ),
    Language.R: (
        """\
library(aunsight)
for (call in CALLS) {
  said <- tryCatch({ eval(parse(text = call)); "passed" }, error = conditionMessage)
  cat(said, "\\n")
}
""",
        [
            "write_output(1)",
            "write_output(list(1))",
            "write_output(list(a = 1, a = 2))",
            "write_output(list(a = list(NaN)))",
            "write_output(list(a = c(1, Inf)))",
            "write_output(list(b = I(Inf)))",
            "write_output(list(b = NaN))",
            "write_output(list(rows = data.frame(n = 1:2, x = c(1, NaN))))",
            "write_output(list(f = list(sum)))",
            "status('x', 1.5)",
            "status('x', NA)",
            "status('x', '1')",
        ],
        "the output must be a list in which everything has a name \n" * 3
        + "".join(
            f"the output can't be encoded as JSON: {wrong}, which no number of JSON is; "
            "NA stands for no value \n"
            for wrong in (
                "'/a/0' is NaN",
                "'/a/1' is Inf",
                "'/b/0' is Inf",
                "'/b' is NaN",
                "'/rows/1/x' is NaN",
            )
        )
        + "the output can't be encoded as JSON: '/f/0' is of class function \n"
        + "progress goes from 0 to 1, not 1.5 \n"
        + "progress goes from 0 to 1, not NA \n"
        + "progress goes from 0 to 1, not 1 \n",
    ),
}


@pytest.mark.parametrize("language", MISTAKES)
def test_mistakes_are_errors(packages: Packages, language: Language) -> None:
    code, calls, said = MISTAKES[language]
    listed = ", ".join(f'"{call}"' for call in calls)
    brackets = f"c({listed})" if language is Language.R else f"[{listed}]"
    ran = packages.run(language, {language.entry_point: code.replace("CALLS", brackets)})
    assert (ran.stdout, ran.stderr) == (said, "")
    assert "output" not in ran.files
    assert "status" not in ran.files


def test_what_statisticians_have_as_output(packages: Packages) -> None:
    code = """\
library(aunsight)
write_output(list(
  day = as.Date("2026-01-02"), at = as.POSIXct("2026-01-02 03:04:05", tz = "UTC"),
  levels = factor(c("low", "high")), nothing = NA, some = c(1.5, NA), one = I(1), text = "ü",
  rows = data.frame(n = 1:2, f = factor(c("a", NA)), d = as.Date(c("2026-01-02", NA)), x = c(1, NA))
))
"""
    ran = packages.run(Language.R, {"main.r": code})
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.output == {
        "day": "2026-01-02",
        "at": "2026-01-02T03:04:05Z",
        "levels": ["low", "high"],
        "nothing": None,
        "some": [1.5, None],
        "one": [1],
        "text": "ü",
        "rows": [
            {"n": 1, "f": "a", "d": "2026-01-02", "x": 1},
            {"n": 2, "f": None, "d": None, "x": None},
        ],
    }


OUTSIDE = 'unset AU_ARGS_FILE AU_OUTPUT_FILE AU_STATUS_FILE AU_SCRATCH_DIR; cd "$(mktemp -d)"\n'
TRY_IT = "{run} && cat output.json status.json && ls -A && stat -c %a output.json\n"


@pytest.mark.parametrize(
    ("language", "command", "code"),
    [
        (
            Language.PYTHON,
            "python3 code",
            "from aunsight import *; status(progress=1); write_output(arguments())",
        ),
        (
            Language.JAVASCRIPT,
            "NODE_PATH=/node_modules node code",
            "const a = require('aunsight'); a.status(null, 1); a.writeOutput(a.arguments())",
        ),
        (
            Language.SHELL,
            "sh -eu code",
            ". aunsight.sh; aunsight_status '' 1; aunsight_arguments | aunsight_write_output",
        ),
        (
            Language.R,
            "Rscript code",
            "library(aunsight); status(progress = 1); write_output(arguments())",
        ),
    ],
)
def test_outside_a_container_local_files_are_used(
    packages: Packages, language: Language, command: str, code: str
) -> None:
    """In the runtimes, which have the interpreters, but with none of a job's variables."""
    quoted = code.replace('"', '\\"')
    script = (
        OUTSIDE
        + f'umask 077\nprintf "%s" "{quoted}" >code\n'
        + TRY_IT.format(run=command)
        + 'echo\necho \'{"a": "ü"}\' >args.json\n'
        + f"{command} && cat output.json\n"
    )
    ran = packages.run(language, {language.entry_point: "", "after.sh": script})
    assert (ran.exit_code, ran.stderr) == (0, "")
    squeezed = ran.stdout.replace(" ", "").replace("1.0", "1").split()
    shown = "".join(squeezed)
    assert shown == '{}{"progress":1}codeoutput.jsonstatus.json644{"a":"ü"}'


def test_the_shells_without_jq(packages: Packages) -> None:
    hook = """\
set -u
. aunsight.sh
command -v jq && exit 9
aunsight_write_output "{\\"text\\": $(aunsight_quote "$(printf 'a"b\\\\c\\n\\td\\001')")}" || exit 8
aunsight_write_output '[1]' && exit 7
aunsight_argument name && exit 6
aunsight_status x 2 && exit 5
aunsight_status x y && exit 4
aunsight_status x .25
exit 0
"""
    ran = packages.run(Language.PYTHON, {"main.py": "", "after.sh": hook}, {"name": "x"})
    assert ran.exit_code == 0
    assert ran.stderr.splitlines() == [
        "aunsight: the output must be a JSON object",
        "aunsight: aunsight_argument needs jq",
        "aunsight: progress goes from 0 to 1, not 2",
        "aunsight: progress goes from 0 to 1, not y",
    ]
    assert ran.output == {"text": 'a"b\\c\n\td\x01'}
    assert ran.status == {"text": "x", "progress": 0.25}


def test_arguments_in_the_shell(packages: Packages) -> None:
    script = """\
. aunsight.sh
for name in text number list nothing missing; do
    if value=$(aunsight_argument "$name"); then echo "$name=$value"; else echo "no $name"; fi
done
echo "$(aunsight_argument missing "a default") $(aunsight_argument nothing '')"
aunsight_argument no true
aunsight_write_output '{} {}' || echo refused
"""
    ran = packages.run(
        Language.SHELL,
        {"main.sh": script},
        {"text": "a b", "number": 1.5, "list": [1, 2], "nothing": None, "no": False},
    )
    assert ran.stdout.splitlines() == [
        "text=a b",
        "number=1.5",
        "list=[1,2]",
        "no nothing",
        "no missing",
        "a default ",
        "false",
        "refused",
    ]
    assert ran.exit_code == 0


def test_rs_package_is_what_r_would_install(packages: Packages) -> None:
    project = ROOT / "sdk" / "r"
    files = {
        "make.r": (project / "installed" / "make.r").read_text(),
        "DESCRIPTION": (project / "DESCRIPTION").read_text(),
        "main.r": 'source("check.r")',
        "before.sh": "Rscript make.r DESCRIPTION made && cat made\n",
        "check.r": "stopifnot(packageVersion('aunsight') == read.dcf('DESCRIPTION')[, 'Version'])",
    }
    ran = packages.run(Language.R, files)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == (project / "installed" / "package.rds").read_text()
