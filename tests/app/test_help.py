"""Every command shows an example that it would read, and options mean the same wherever they stand."""

from __future__ import annotations

import re
import shlex

import pytest
import typer
from typer.testing import CliRunner

from engager.app.cli import app

ROOT = typer.main.get_command(app)


def commands(command=ROOT, path=()):
    for name, one in command.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield (*path, name), one


COMMANDS = dict(commands())
OPTIONS = [
    pytest.param(path, one, id=f"{'-'.join(path)}:{one.name}")
    for path, command in COMMANDS.items()
    for one in command.params
    if one.name != "help" and not getattr(one, "is_flag", False)
]
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*(=[A-Z]+)?|N,N,\.\.\.")
SAME = ("--json", "--quiet", "--threads")


@pytest.mark.parametrize("path", COMMANDS, ids="-".join)
def test_help_ends_with_an_example_of_that_command(path):
    example = re.search(r"Example: (engager .*)", COMMANDS[path].help or "")
    assert example, f"engager {' '.join(path)} has no example"
    words = shlex.split(example[1].split(" > ")[0])
    assert tuple(words[1 : len(path) + 1]) == path
    # every option of the example is one of the command, and every value can be read; nothing is run
    COMMANDS[path].make_context(path[-1], words[len(path) + 1 :])


@pytest.mark.parametrize("path", COMMANDS, ids="-".join)
def test_help_can_be_printed(path):
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "Example: engager" in done.output
    # types of Python beside a switch or an argument
    assert not re.search(r"<(bool|str|path|int|float)>", done.output, re.IGNORECASE)


@pytest.mark.parametrize(("path", "option"), OPTIONS)
def test_placeholder_says_what_is_wanted(path, option):
    assert option.metavar is not None
    assert PLACEHOLDER.fullmatch(option.metavar), option.metavar


@pytest.mark.parametrize("name", SAME)
def test_shared_option_has_one_meaning(name):
    told = {
        one.help
        for path, command in COMMANDS.items()
        for one in command.params
        if name in getattr(one, "opts", ()) and path != ("bench",)  # there: how many cores to compare
    }
    assert len(told) == 1


def test_patients_are_those_of_one_virtual_trial_wherever_one_is_run():
    told = {
        path: one.help
        for path, command in COMMANDS.items()
        for one in command.params
        if "--patients" in getattr(one, "opts", ()) and path != ("bench",)  # there no trial is run
    }
    assert set(told) == {("trial", "run"), ("design",), ("sensitivity",)}
    assert all(text.startswith("Patients of one virtual trial") for text in told.values())


@pytest.mark.parametrize("path", COMMANDS, ids="-".join)
def test_no_two_arguments_share_a_placeholder(path):
    named = [one.metavar for one in COMMANDS[path].params if one.param_type_name == "argument"]
    assert len(named) == len(set(named))


def test_a_run_folder_is_called_so_wherever_one_is_asked_for():
    told = {
        one.metavar
        for command in COMMANDS.values()
        for one in command.params
        if (getattr(one, "help", None) or "").lower().startswith(("run folder whose", "a run folder"))
    }
    assert told == {"RUN"}


def test_whatever_takes_the_name_of_something_that_ships_completes_it():
    # a study with a design is a file of one's own, and the solvers are compared on two models alone
    of_their_own = {("design",), ("bench",)}
    missing = [
        (*path, one.name)
        for path, command in COMMANDS.items()
        for one in command.params
        if one.metavar in ("STUDY", "RECORD", "REGIMEN", "MODEL") and path not in of_their_own
        if one._custom_shell_complete is None
    ]
    assert not missing


def test_commands_stand_in_the_order_of_use():
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    places = [told.index(f"│ {name} ") for name in ("trial", "patient", "evidence", "design", "calibrate", "bench")]
    assert places == sorted(places)
    trial = [path[1] for path in COMMANDS if path[0] == "trial"]
    assert trial == ["list", "show", "schema", "run", "compare", "export"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("engager trial run tow", "tower"),
        ("engager evidence show tower-20", "tower-2017"),
        ("engager tri", "trial"),
        ("engager model show hoss", "hosseini-2020"),
        ("engager patient --compare fl", "flag"),
        ("engager validate --against tow", "tower"),
        ("engager calibrate --targets tim", "time-courses"),
    ],
)
def test_shell_completes_commands_and_what_ships(typed, offered):
    variables = {"_ENGAGER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": typed}
    done = CliRunner().invoke(app, [], env=variables, prog_name="engager")
    assert offered in done.output
