"""Outputs of the JavaScript library, with the machine's own Node.js."""

import json
import subprocess
from pathlib import Path

from tests.support.checkout import ROOT

LIBRARY = ROOT / "sdk" / "js"

VALUES = [
    ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    ("new Map([['a', {b: new Set([1, 2])}], [1, 2]])", {"a": {"b": [1, 2]}, "1": 2}),
    ("[new Float32Array([0.5]), new Uint8Array([1])]", [[0.5], [1]]),
    ("[10n, 1.5, true, null, 'ü', new Number(3)]", [10, 1.5, True, None, "ü", 3]),
    ("[undefined, {a: undefined}]", [None, {}]),
    ("{toJSON() { return [new Set([1])]; }}", [[1]]),
    ("Object.create({toJSON() { return this; }}, {a: {value: 1, enumerable: true}})", {"a": 1}),
    ("JSON.parse('{\"__proto__\": 1}')", {"__proto__": 1}),
    ("new (class { constructor() { this.x = 1; } get y() { return 2; } })()", {"x": 1}),
]
WITHOUT_A_FORM = [
    ("{a: [1, NaN]}", "RangeError: {e}: '/a/1' is NaN, which no number of JSON is"),
    ("{a: {b: -Infinity}}", "RangeError: {e}: '/a/b' is -Infinity"),
    ("{a: 2n ** 70n}", "RangeError: {e}: '/a' is a BigInt that no number holds"),
    ("{a: Buffer.from('x')}", "TypeError: {e}: '/a' is bytes, which JSON has not; Buffer.from"),
    ("{a: new ArrayBuffer(1)}", "TypeError: {e}: '/a' is bytes"),
    ("{a: Promise.resolve(1)}", "TypeError: {e}: '/a' is a Promise; await it"),
    ("{a: new Error('x')}", "TypeError: {e}: '/a' is an Error"),
    ("{a: new Date(NaN)}", "RangeError: {e}: '/a' is an invalid Date"),
    ("{a: () => 1}", "TypeError: {e}: '/a' is a function"),
    ("{a: Symbol('x')}", "TypeError: {e}: '/a' is a symbol"),
    ("{'a/b': {'c~\\n': NaN}}", "RangeError: {e}: '/a~1b/c~0\\n' is NaN"),
    ("{m: new Map([[{}, 1]])}", "TypeError: {e}: '/m' has an object as a key"),
    ("{m: new Map([[1, 1], ['1', 2]])}", "TypeError: {e}: '/m/1' is there twice"),
    ("(() => { const o = {}; o.o = o; return o; })()", "is nested deeper than 100 levels"),
    ("[1]", "TypeError: the output must be an object"),
    ("null", "TypeError: the output must be an object"),
    ("new Set()", "TypeError: the output must be an object"),
]


def run(folder: Path, lines: str) -> list[str]:
    code = f"const aunsight = require({json.dumps(str(LIBRARY))});\n{lines}"
    variables = {"AU_OUTPUT_FILE": str(folder / "output.json"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["node", "-e", code], env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_values_have_their_forms(tmp_path: Path) -> None:
    show = "console.log(require('fs').readFileSync(process.env.AU_OUTPUT_FILE, 'utf8'));"
    values, expected = zip(*VALUES, strict=True)
    lines = [f"aunsight.writeOutput({{v: {value}}}); {show}" for value in values]
    written = [json.loads(line)["v"] for line in run(tmp_path, "\n".join(lines))]
    assert written == list(expected)
    assert run(tmp_path, f"aunsight.writeOutput(new Map([['a', 1]])); {show}") == ['{"a":1}']


def test_the_place_of_a_value_without_a_form_is_named(tmp_path: Path) -> None:
    lines = [
        f"try {{ aunsight.writeOutput({output}); console.log('written'); }} "
        "catch (e) { console.log(`${e.name}: ${e.message}`); }"
        for output, _ in WITHOUT_A_FORM
    ]
    errors = run(tmp_path, "\n".join(lines))
    for (output, said), error in zip(WITHOUT_A_FORM, errors, strict=True):
        assert said.format(e="the output can't be encoded as JSON") in error, output
    assert not (tmp_path / "output.json").exists()
