"""What the documents name exists: files, links, commands and options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from engager.app.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
_PATH = re.compile(r"^(src|docs|tests|\.ci)/[\w./*-]+$|^[\w.-]+\.(md|toml|txt|cff)$|^Makefile$")
_COMMAND = re.compile(r"^\s*(?:\$ )?(engager [^\n|#`]+)", re.MULTILINE)


def named_paths(text: str) -> set[str]:
    return {word for word in _CODE.findall(text) if _PATH.match(word)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_named_exist(document):
    text = document.read_text(encoding="utf-8")
    missing = [
        path for path in named_paths(text) if not list(ROOT.glob(path)) and not (document.parent / path).exists()
    ]
    assert not missing
    broken = [link for link in _LINK.findall(text) if not (document.parent / link).exists()]
    assert not broken


def commands_in(text: str) -> set[str]:
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {line for block in blocks for line in _COMMAND.findall(block)} | {
        code for code in _CODE.findall(text) if code.startswith("engager ")
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_named_exist(document):
    for line in commands_in(document.read_text(encoding="utf-8")):
        words = shlex.split(line.replace("...", " "))[1:]
        command = get_command(app)
        while words and hasattr(command, "commands") and not words[0].startswith("-"):
            name = words.pop(0)
            assert name in command.commands, f"{line}: no command {name}"
            command = command.commands[name]
        known = {"--help", "-h"}
        known |= {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
        assert not unknown, f"{line}: no option {unknown}"
