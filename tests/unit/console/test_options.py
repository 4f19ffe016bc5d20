"""Options of all commands."""

import pytest

from tests.support.commands.command_tree import Leaf, au2_commands, server_commands


@pytest.mark.parametrize("leaf", [*au2_commands(), *server_commands()], ids=lambda leaf: leaf.name)
def test_no_two_options_fill_one_parameter(leaf: Leaf) -> None:
    """Click would take the value of one for that of the other."""
    names = [parameter.name for parameter in leaf.command.params]
    assert len(names) == len(set(names)), sorted(map(str, names))
