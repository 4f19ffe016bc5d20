from au2.dependencies.python.installer import advise


def test_a_clash_with_the_runtime_is_seen_across_broken_lines() -> None:
    tail = [
        "error: No solution found when resolving dependencies",
        "  cause: Because only",
        "         torch==2.13.0+cpu is available and you require torch<2, we can conclude that",
        "         your requirements are unsatisfiable.",
    ]
    advice = advise(tail, {"torch": "2.13.0+cpu", "numpy": "2.0", "tor": "2.13.0"})
    assert "The runtime has torch 2.13.0+cpu." in advice
    assert "override: [torch]" in advice


def test_every_failure_has_advice() -> None:
    assert "together" in advise(["No solution found"], {"torch": "2"})
    assert "written" in advise(["Because x was not found in the package registry and …"], {})
    assert "wheel" in advise(["error: Failed to build `x==1`"], {})
    assert "upload again" in advise([], {})
