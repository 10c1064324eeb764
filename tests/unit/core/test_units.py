"""Units at the edges."""

import subprocess
import sys

import pytest

from engager.core import UnitError, convert, factor
from engager.core.units import KNOWN, _worked_out


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (2.22, "L/h", "L/day", 53.28),
        (9, "ug/day", "ug/day", 9),
        (1, "mg/m2", "ug/m2", 1000),
        (12, "month", "year", 1),
        (50, "percent", "1", 0.5),
        (1, "ng/mL", "ug/L", 1),
        (3, "1/h", "1/day", 72),
    ],
)
def test_conversion(value, unit, to, expected):
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-12)


def test_a_wrong_dimension_names_place_value_and_rule():
    with pytest.raises(UnitError) as caught:
        factor("L/h", "ug/day", "study.yaml: doses[0].unit")
    message = str(caught.value)
    assert "study.yaml: doses[0].unit" in message
    assert "L/h" in message
    assert "dimension of ug/day" in message


def test_a_unit_nobody_knows_is_refused():
    with pytest.raises(UnitError, match="is not a unit"):
        factor("furlongz", "day")


@pytest.mark.parametrize(("unit", "to"), KNOWN)
def test_factors_known_beforehand_are_what_pint_says(unit, to):
    # the last bit is pint's, and differs between its versions
    assert KNOWN[unit, to] == pytest.approx(_worked_out(unit, to), rel=4e-16)


def test_a_shipped_model_and_regimen_are_read_without_starting_pint():
    code = (
        "import sys; from engager.model import load_model; from engager.protocol import executable_regimen;"
        "load_model('b-all'); executable_regimen('blinatumomab'); sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
