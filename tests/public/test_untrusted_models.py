"""Model files are untrusted: whatever they hold, the answer is a system or an `InputError`, nothing else."""

import contextlib
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from engager.core import InputError, UnsupportedModel
from engager.engine import OdeProblem
from engager.engine.reference.backend import solve_reference
from engager.model import read_antimony, read_sbml
from engager.model.sbml import antimony as antimony_text, math as sbml_math
from engager.model.sbml.antimony import MAX_CHARACTERS, MAX_NESTING
from engager.model.sbml.limits import MAX_BYTES, MAX_DEPTH, MAX_NAME

NAMESPACE = "http://www.sbml.org/sbml/level3/version2/core"
HEAD = f'<sbml xmlns="{NAMESPACE}" level="3" version="2"><model id="m">'
TAIL = "</model></sbml>"
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'


def with_rule(formula, names=("y",), target="y"):
    parameters = "".join(f'<parameter id="{name}" value="1" constant="false"/>' for name in names)
    rule = f'<rateRule variable="{target}">{MATH}{formula}</math></rateRule>'
    return f"{HEAD}<listOfParameters>{parameters}</listOfParameters><listOfRules>{rule}</listOfRules>{TAIL}"


def solved(system):
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    return solve_reference(OdeProblem(system, parameters, np.array([0.0, 1.0])), max_steps=2000)


@pytest.mark.parametrize(
    "name",
    [
        "__import__",
        "lambda",
        "class",
        "None",
        "exec",
        "nan",
        "inf",
        "t",
        "y0",
        "p",
        "u",
        "z",
        "v1",
        "_pow",
        "abs",
    ],
)
def test_names_that_mean_something_in_python_are_only_names(name):
    system = read_sbml(with_rule(f"<apply><times/><cn>2</cn><ci>{name}</ci></apply>", (name,), name))
    assert system.states == (name,)
    assert solved(system).state(name)[0, -1] == pytest.approx(math.exp(2), rel=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "a&quot;b",
        "a'b",
        "a\nb",
        "__import__('os').system('x')",
        "a b",
        "1a",
        "",
        "a;b",
        "é",
        "a" * 10_000,
        "[y]",
    ],
)
def test_ids_that_are_no_ids_are_refused(name):
    with pytest.raises(InputError):
        read_sbml(with_rule("<cn>1</cn>", (name,), name))


def test_deep_mathematics_within_the_limit_is_read_without_recursion():
    depth = MAX_DEPTH - 10
    system = read_sbml(with_rule("<apply><abs/>" * depth + "<ci>y</ci>" + "</apply>" * depth))
    assert solved(system).n_failed == 0


@pytest.mark.parametrize("depth", [MAX_DEPTH, 10_000, 200_000])
def test_deeper_mathematics_is_refused_before_the_parser_sees_it(depth):
    with pytest.raises(InputError, match="nested"):
        read_sbml(with_rule("<apply><minus/>" * depth + "<ci>y</ci>" + "</apply>" * depth))


def test_huge_files_are_refused_unread():
    with pytest.raises(InputError, match=str(MAX_BYTES)):
        read_sbml(b" " * (100 * 2**20))
    with pytest.raises(InputError, match=str(MAX_CHARACTERS)):
        read_antimony("#" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("formula", ["<apply><plus/>{}</apply>", "<apply><lt/>{}</apply>"])
def test_very_wide_formulas_are_refused_before_the_parser_sees_them(formula):
    with pytest.raises(InputError, match="at most"):
        read_sbml(with_rule(formula.format("<ci>y</ci>" * 100_000)))
    assert read_sbml(with_rule(formula.format("<ci>y</ci>" * 1000))).states == ("y",)


def test_entities_and_document_types_are_refused():
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(InputError, match="document types"):
        read_sbml(laughs + HEAD + TAIL)
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    with pytest.raises(InputError, match="document types"):
        read_sbml(outside + HEAD + TAIL)


def test_functions_that_double_at_every_call_do_not_explode(monkeypatch):
    monkeypatch.setattr(sbml_math, "MAX_NODES", 20_000)  # the same at any limit, but quick

    def function(k):
        inside = (
            "<ci>x</ci>"
            if k == 0
            else "".join(
                f"<apply><ci>f{k - 1}</ci><apply><plus/><ci>x</ci><cn>{n}</cn></apply></apply>"
                for n in (1, 2 ** (k + 1))
            )
        )
        body = inside if k == 0 else f"<apply><times/>{inside}</apply>"
        whole = f"{MATH}<lambda><bvar><ci>x</ci></bvar>{body}</lambda></math>"
        return f'<functionDefinition id="f{k}">{whole}</functionDefinition>'

    functions = "".join(function(k) for k in range(40))
    text = with_rule("<apply><ci>f39</ci><ci>y</ci></apply>").replace(
        HEAD, f"{HEAD}<listOfFunctionDefinitions>{functions}</listOfFunctionDefinitions>"
    )
    with pytest.raises(InputError, match="distinct parts"):
        read_sbml(text)


def test_long_chains_of_rules_need_no_recursion():
    n = 3000
    parameters = "".join(f'<parameter id="a{k}" constant="false"/>' for k in range(n))
    rules = "".join(
        f'<assignmentRule variable="a{k}">{MATH}<apply><plus/><ci>a{k + 1}</ci><cn>1</cn></apply>'
        "</math></assignmentRule>"
        for k in range(n - 1)
    )
    text = f"{HEAD}<listOfParameters>{parameters}</listOfParameters><listOfRules>{rules}</listOfRules>{TAIL}"
    system = read_sbml(text)
    last = f"a{n - 1}"
    assert system.graph.evaluate([system.outputs["a0"]], {last: 0.0}) == [n - 1]


@pytest.mark.parametrize(
    "formula",
    [
        "<apply><divide/><cn>1</cn><cn>0</cn></apply>",
        "<apply><divide/><ci>y</ci><apply><minus/><ci>y</ci><ci>y</ci></apply></apply>",
        "<apply><ln/><apply><minus/><ci>y</ci></apply></apply>",
        "<apply><exp/><apply><exp/><apply><exp/><apply><exp/><ci>y</ci></apply></apply></apply></apply>",
        "<apply><power/><apply><minus/><ci>y</ci></apply><cn>0.5</cn></apply>",
        "<apply><factorial/><cn>1000000000</cn></apply>",
        "<apply><rem/><ci>y</ci><cn>0</cn></apply>",
    ],
)
def test_arithmetic_without_a_result_fails_that_patient(formula):
    result = solved(read_sbml(with_rule(formula)))
    assert result.status[0] != 0
    assert np.isnan(result.values[0, -1]).all()


@pytest.mark.parametrize(
    "text",
    [
        'import "{path}"\nmodel m; a = 1; end',
        'model m; a = 1; end\nimport "{path}"',
        'import \\\n "{path}"\na = 1',
        'import /* a comment */ "{path}"\na = 1',
        'x = "\\" import "{path}"\na = 1',
        '# import "{path}"\na = 1',
        'a identity "b\nimport "{path}"',
    ],
)
def test_antimony_may_not_read_files(text, tmp_path):
    other = tmp_path / "other.ant"
    other.write_text("model other; secret = 42; end")
    with pytest.raises(UnsupportedModel, match="import"):
        read_antimony(text.replace("{path}", str(other)))


@pytest.mark.parametrize(
    "text",
    [
        "model m; a = " + "(" * (MAX_NESTING + 1) + "1" + ")" * (MAX_NESTING + 1) + "; end",
        "model m; a = " + "sin(" * 50_000 + "1" + ")" * 50_000 + "; end",
        "model m; a := " + "1+" * 50_000 + "b; b = 1; end",
        "model m; b = 1; a := " + "b-" * 9000 + "b; end",
        "model m; b = 1; a := " + "b/" * 5000 + "b; end",
        "model m; " + "a" * (MAX_NAME + 1) + " = 1; end",
        "model m; a = \x00; end",
        "model m; a = = 1; end",
        "model m; a = 'b'; end",
        'model m; "a" = 1; end',
        ")" * 100_000,
        "".join(f"model m{k}; a: m{k - 1}(); b: m{k - 1}(); end\n" for k in range(60)),
        "model a; x: b(); end\nmodel b; y: a(); end",
        "é",
    ],
)
def test_bad_antimony_is_an_input_error(text):
    with pytest.raises(InputError):
        read_antimony(text)


def test_text_that_takes_the_library_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(antimony_text, "MAX_SECONDS", 2)
    rules = ";".join(f"x{k} := x{k + 1} + 1" for k in range(600))
    with pytest.raises(InputError, match="within 2 seconds"):
        read_antimony(f"model m; {rules}; x600 = 1; end")


def test_big_texts_are_read_in_a_process_of_their_own():
    rules = ";".join(f"x{k} := k + {k}" for k in range(150))
    system = read_antimony(f"model m; {rules}; k = 1; end")
    assert system.graph.evaluate([system.outputs["x149"]], {"k": 1.0}) == [150.0]
    with pytest.raises(InputError, match="Antimony"):
        read_antimony(f"model m; {rules}; k = = 1; end")


#: Modules that a program may import, beside a model from somebody else.
PLANTED = ("json.py", "antimony.py", "numpy.py", "libsbml.py", "pickle.py", "socket.py", "engager/__init__.py")
RUN = "from engager.app.cli import main; main()"


def plant(folder):
    """Files that leave a mark when they are imported."""
    for name in PLANTED:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"open({str(folder / 'run')!r}, 'a').write({name!r})\nraise SystemExit(9)\n")


def run_in(folder, *command):
    """As the installed program does, whose first import folder is not the one it is started in."""
    return subprocess.run(
        [sys.executable, "-P", "-c", RUN, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_no_code_beside_a_large_antimony_model_is_run(tmp_path):
    plant(tmp_path)
    rules = ";".join(f"x{k} := k + {k}" for k in range(150))
    (tmp_path / "model.ant").write_text(f"model m; {rules}; k = 1; y' = -y; y = 1; end")
    done = run_in(tmp_path, "model", "simulate", "model.ant", "--until", "1", "--step", "1", "--column", "x149")
    assert done.stdout.splitlines() == ["time,x149", "0.0,150.0", "1.0,150.0"], done.stderr
    assert not (tmp_path / "run").exists()


def test_no_code_beside_the_models_of_a_folder_is_run(tmp_path):
    """`bench --models` and `model verify` start processes of their own."""
    plant(tmp_path)
    (tmp_path / "model.ant").write_text("model m; y' = -y; y = 1; end")
    done = run_in(tmp_path, "bench", "--models", ".", "--json")
    assert json.loads(done.stdout)["counts"]["same"] == 1, done.stderr
    verify = "from engager.engine import verify_directory; print(verify_directory('cases', processes=2).passed)"
    for name in ("00001", "00002"):
        case = tmp_path / "cases" / name
        case.mkdir(parents=True)
        (case / "model.xml").write_text(with_rule("<cn>1</cn>"))
        (case / "settings.txt").write_text(
            "start: 0\nduration: 1\nsteps: 1\nvariables: y\nabsolute: 1e-6\nrelative: 1e-6\n"
        )
        (case / "results.csv").write_text("time,y\n0,1\n1,2\n")
    script = f"if __name__ == '__main__': {verify}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "2", done.stderr
    assert not (tmp_path / "run").exists()


WORDS = (
    "model m;", "model", "end", "function f(x)", "S1 -> S2;", "k*S1", "k = 1;", "x' = -x;", "x := y;", "at (",
    ")", "(", ": a = 1", "compartment V", "species S1 in V", "const", "var", "$", "=>", "->", "+", "^",
    "time", "import", '"f"', "after 1", "unit", "has", "is", "\n", ";", "'", "\\", "#", "/*", "*/", "@", "1e999", "-",
    "piecewise(1, x<2, 3)", "delay(x,1)", "rateOf(x)", "x", "y", ",", "DNA", "module", "--", "...", "é",
    "__import__", ".", "A.b", "sbo = 1",
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_any_antimony_is_a_system_or_an_input_error(text):
    before = os.getcwd()
    with contextlib.suppress(InputError):
        system = read_antimony(text)
        assert len(system.states) == len(system.rates) == len(system.initial)
    assert os.getcwd() == before


OPERATIONS = (
    "plus",
    "minus",
    "times",
    "divide",
    "power",
    "lt",
    "and",
    "ln",
    "exp",
    "max",
    "rem",
    "factorial",
    "root",
)
LEAVES = (
    "<cn>0</cn>", "<cn>1e300</cn>", "<cn>-2.5</cn>", "<ci>y</ci>", "<ci>x</ci>", "<ci>z</ci>", "<true/>",
    "<cn>a</cn>", "<pi/>", "",
    '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol>',
)  # fmt: skip
FORMULAS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.builds(
        lambda op, args: f"<apply><{op}/>{''.join(args)}</apply>",
        st.sampled_from(OPERATIONS), st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(FORMULAS)
def test_any_formula_is_a_system_or_an_input_error_and_solving_never_crashes(formula):
    try:
        system = read_sbml(with_rule(formula, ("x", "y")))
    except InputError:
        return
    result = solved(system)
    if result.status[0]:
        assert np.isnan(result.values[0, -1]).all()
    else:
        assert np.isfinite(result.values).all()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_files_are_a_system_or_an_input_error(data):
    text = with_rule("<apply><times/><cn>2</cn><ci>y</ci></apply>")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 30))
    filling = data.draw(st.text(alphabet='<>/"=& aé\x00\n1', max_size=6))
    with contextlib.suppress(InputError):
        system = read_sbml(text[:start] + filling + text[start + length :])
        assert len(system.states) == len(system.rates)
