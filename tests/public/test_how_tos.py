"""The how-tos for developers, followed to the letter in a copy of the package: what they say to type, no file more.

The blocks of code of a page go, in their order, where `STEPS` says. Each page promises how many files a change costs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src/engager")
RULES, WORDS = PACKAGE / "analysis/endpoints.py", PACKAGE / "evidence/data/vocabulary.yaml"
COVARIATES, POPULATION = PACKAGE / "core/covariates.py", PACKAGE / "protocol/population.py"
MODEL = PACKAGE / "model/data/b-all"
CONTENT, FILLED = PACKAGE / "report/content.py", PACKAGE / "study/run/content.py"
PAGE, TEMPLATE = PACKAGE / "report/pages/run.py", PACKAGE / "report/data/report.html.j2"
# Of each page, its steps: the file, the line that the block is typed below, and by how much it is moved right there.
STEPS = {
    "add-an-endpoint": [
        (WORDS, "endpoints:", 2),
        (RULES, "    return Share(_counted(request), soon.fill_null(False))", 0),
        (RULES, '    "early_death_30d": _early_death_30d,', 4),
    ],
    "add-a-covariate": [
        (COVARIATES, "    # of a study that names them", 4),
        (POPULATION, "    unrelated_donor: YesNo | None = None", 4),
        (MODEL / "parameters.yaml", "effects:", 2),
    ],
    "add-a-mechanism": [
        (MODEL / "model.ant", "  var Lp, Ln, Lb, Sp", 2),
        (MODEL / "parameters.yaml", "parameters:", 2),
        (MODEL / "roles.yaml", "", 0),
    ],
    "add-a-report-section": [
        (CONTENT, "    drivers: DriversSection | None = None", 4),
        (FILLED, "def planned_doses(", 0),
        (FILLED, "        survival=_survival(protocol, data, replicates),", 8),
        (PAGE, '        "sources": sources,', 8),
        (PAGE, '        ("sources", "Sources", context["sources"]),', 8),
        (TEMPLATE, "{% if sources %}", 0),
    ],
}
FILES = {"add-an-endpoint": 2, "add-a-covariate": 3, "add-a-mechanism": 3, "add-a-report-section": 4}


def page_of(name):
    return (ROOT / "docs/how-to" / f"{name}.md").read_text(encoding="utf-8")


def blocks_of(name):
    """What the page says to type: its blocks of code, without the commands to run."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^ *```", page_of(name), flags=re.S | re.M)
    return [textwrap.dedent(text) for _, language, text in found if language]


def typed_below(text, line, block):
    """The text with the block behind the first line that begins so; before it where it begins something new."""
    starts = [match.start() for match in re.finditer(rf"^{re.escape(line)}", text, flags=re.M)]
    assert starts, f"{line!r} stands nowhere: the how-to's place for its block is gone"
    if line.startswith(("def ", "{%")):
        return text[: starts[0]] + block + "\n\n" + text[starts[0] :]
    end = text.index("\n", starts[0]) + 1
    return text[:end] + block + text[end:]


def merged(text, block):
    """A mapping of YAML with the lines of a block that names keys it has already."""
    for key, lines in re.findall(r"^(\w+):\n((?: +.*\n)+)", block, flags=re.M):
        text = typed_below(text, f"{key}:", lines)
    return text


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package in which every page was followed."""
    place = tmp_path_factory.mktemp("followed")
    shutil.copytree(ROOT / PACKAGE, place / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    for name, steps in STEPS.items():
        for (path, line, indent), block in zip(steps, blocks_of(name), strict=True):
            file, moved = place / path, textwrap.indent(block, indent * " ")
            text = file.read_text(encoding="utf-8")
            file.write_text(typed_below(text, line, moved) if line else merged(text, moved), encoding="utf-8")
    return place


@pytest.mark.parametrize("name", STEPS)
def test_a_page_names_each_file_it_touches_and_touches_no_other(name):
    files = {path for path, _, _ in STEPS[name]}
    assert len(files) == FILES[name]
    named = page_of(name)
    assert [path for path in files if f"`{path}`" not in named] == []


def followed(copy, script, tmp_path):
    """What a script prints that imports the copy."""
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_what_was_added_is_simulated_estimated_and_printed(copy, tmp_path):
    script = """
    import json
    from pathlib import Path

    import engager

    study = {
        "study": "followed",
        "population": {"down_syndrome": 0.5},
        "arms": {"a": {"n": 20, "regimen": "blinatumomab"}},
        "follow_up": {"months": 6},
        "eligibility": ["not down_syndrome or age_years < 60"],
        "endpoints": ["CR", "death_100d_after_HSCT"],
    }
    Path("followed.yaml").write_text(json.dumps(study))
    run = engager.run("followed.yaml", replicates=2, seed=1, out="run")
    assert Path(engager.__file__).is_relative_to(%r)
    patients = run.table("patients")
    print(patients["down_syndrome"].unique().sort().to_list())
    estimates = run.table("estimates")
    print(estimates.filter(estimates["endpoint"] == "death_100d_after_HSCT").height)
    page = (run.path / "report.html").read_text()
    print("Death within 100 days of transplant" in page, 'id="cycles"' in page, 'href="#cycles"' in page)
    levels = engager.patient(days=10).frame["ldh_U_per_L"]
    print(levels[0] > 200, levels.max() < 2000)
    """
    told = followed(copy, textwrap.dedent(script) % str(copy), tmp_path).splitlines()
    assert told == ["[False, True]", "2", "True True True", "True True"]


def test_a_disease_model_is_a_folder_of_its_own(copy, tmp_path):
    """The usual model under other names, in a folder beside it, gives the same patients; no file of code is touched."""
    folder = copy / PACKAGE / "model/data"
    shutil.copytree(folder / "b-all", folder / "of-other-names")
    renamed = {"b-all": "of-other-names", "infusion": "pump", "Lp": "bright", "Ln": "dark", "Sp": "hidden"}
    renamed |= {"H_leukemia": "by_leukemia", "H_infection": "by_infection", "H_crs": "storms", "R_m": "calm_T"}
    for path in (folder / "of-other-names").iterdir():
        text = path.read_text(encoding="utf-8")
        for old, new in renamed.items():
            text = re.sub(rf"(?<![\w-]){old}(?![\w-])", new, text)
        path.write_text(text, encoding="utf-8")
    script = """
    from engager.protocol import Protocol
    from engager.trial import simulate_trial

    study = {
        "study": "two-models",
        "arms": {"a": {"n": 12, "regimen": "blinatumomab"}, "b": {"n": 12, "regimen": "flag-ida"}},
        "follow_up": {"months": 6},
        "hsct": {"probability": 0.6},
    }
    one, other = (
        simulate_trial(Protocol.model_validate(study | {"model": model}), replicates=[0], seed=1, n_threads=1)
        for model in ("b-all", "of-other-names")
    )
    print(one.patients.equals(other.patients), one.events.equals(other.events), one.patients["death_day"].count() > 0)
    """
    assert followed(copy, script, tmp_path).split() == ["True", "True", "True"]


def test_the_contracts_that_the_pages_name_hold_in_the_copy(copy, tmp_path):
    """All but the words for readers, which no page types."""
    contracts = [
        str(ROOT / "tests/contracts" / name) for name in ("test_endpoints.py", "test_covariates.py", "test_roles.py")
    ]
    chosen = "(death_100d_after_HSCT and not docs) or covariate or variables or roles"
    options = ["-n", "0", "-p", "no:cacheprovider", "--rootdir", str(ROOT), "-k", chosen]
    told = followed(copy, f"import sys, pytest; sys.exit(pytest.main({options + contracts!r}))", tmp_path)
    assert int(told.split(" passed")[0].split()[-1]) > 10
