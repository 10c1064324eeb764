"""The CUDA backend, in Numba's simulator: the same routines give the same bits as compiled code."""

import os
import subprocess
import sys

import pytest

_SCRIPT = """
import numpy as np
from engager.engine import Action, OdeProblem, Schedule, solve
from engager.engine.examples import blow_up, one_compartment, predator_and_prey, spread

def same(problem, **options):
    want = solve(problem, backend="native", **options)
    got = solve(problem, backend="cuda", **options)
    for name in ("values", "status", "last_step", "inputs", "n_steps", "n_rejected", "stopped", "end_time"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name), err_msg=name)

times = np.array([0.0, 0.4, 1.0])
prey = predator_and_prey()
doses = Schedule.same_for_all(2, [(0.5, Action.ADD_TO_STATE, 0, 0.3), (0.7, Action.MULTIPLY_STATE, 1, 0.5)])
same(OdeProblem(prey, spread(prey, 2), times, schedule=doses), method="{method}", rtol=1e-3)
one = one_compartment()
infusion = [(0.0, Action.SET_INPUT, 0, 2.0), (0.6, Action.RESET, 0, 0.0), (0.8, Action.SET_STATE, 0, 1.0)]
same(OdeProblem(one, spread(one, 2), times, schedule=Schedule.same_for_all(2, infusion)), method="{method}", rtol=1e-3)
same(OdeProblem(blow_up(), np.array([[1.0], [0.2]]), np.array([0.0, 0.5, 1.5])), method="{method}", rtol=1e-2,
     max_steps=30)
# limits met within a step, at the start, at a dose, and never; saved at times of each patient's own
from engager.engine import Stops
watched = Stops(
    np.array([[1.0, 0.0], [0.5, 0.5], [0.0, -1.0]]),
    np.array([[1.2, np.inf, np.inf], [np.inf, 0.1, -0.01], [1.9, np.inf, -1e-9], [np.inf] * 3]),
)
own = np.array([[0.0, 0.3, 1.0], [0.0, 0.5, 0.6], [0.1, 0.5, 0.9], [0.0, 0.0, 0.4]])
dosed = Schedule.same_for_all(4, [(0.5, Action.ADD_TO_STATE, 0, 1.0), (0.7, Action.MULTIPLY_STATE, 1, 0.5)])
stopping = OdeProblem(prey, spread(prey, 4), own, schedule=dosed, stops=watched)
same(stopping, method="{method}", rtol=1e-3)
assert len(set(solve(stopping, backend="native", method="{method}", rtol=1e-3).stopped.tolist())) > 1
from engager.model import read_antimony
pulse = read_antimony("model m; X = 0; R := piecewise(100, time >= 24 && time < 25, 0); X' = R - 0.1*X; end")
asked = OdeProblem(pulse, np.zeros((1, 0)), np.array([0.0, 48.0]))
same(asked, method="{method}", rtol=1e-3)
seen = solve(asked, backend="cuda", method="{method}", rtol=1e-3).values[0, 1, 0]
np.testing.assert_allclose(seen, 9.5409, rtol=1e-2)
print("same bits")
"""


_TRIAL = """
from engager.protocol import Protocol
from engager.trial import simulate_trial

raw = {"study": "tiny", "arms": {"a": {"n": 1, "regimen": "blinatumomab"}}, "follow_up": {"months": 0.25}}
study = Protocol.model_validate(raw)
want, got = (
    simulate_trial(study, replicates=range(1), seed=1, n_threads=1, n_sampled=1, backend=backend)
    for backend in ("native", "cuda")
)
for name in ("patients", "visits", "events", "trajectories"):
    assert getattr(got, name).equals(getattr(want, name)), name
assert want.trajectories.height > 5
print("same bits")
"""


@pytest.mark.parametrize("method", ["rodas5p", "dopri5"])
def test_simulated_gpu_has_the_bits_of_compiled_code(method):
    _simulated(_SCRIPT.replace("{method}", method))


def test_a_trial_on_a_simulated_gpu_has_the_bits_of_compiled_code():
    _simulated(_TRIAL)


def _simulated(script):
    """In a process of its own: the simulator must be chosen before Numba is imported."""
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", script],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "same bits"


def test_without_a_gpu_the_reason_is_told():
    import numpy as np

    from engager.core import InputError
    from engager.engine import OdeProblem, solve
    from engager.engine.examples import one_compartment

    cuda = pytest.importorskip("numba.cuda")
    if cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(InputError, match="NVIDIA GPU"):
        solve(OdeProblem(one_compartment(), np.ones((1, 1)), np.array([0.0, 1.0])), backend="cuda")
