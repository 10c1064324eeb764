"""The GPU backend gives the bits of the compiled engine.

On a real GPU where there is one, and everywhere with a stand-in for NVIDIA's driver that runs the same module on this
machine's processor.
"""

import contextlib
import ctypes
import re
import shutil
import subprocess
import types
from dataclasses import replace

import numpy as np
import pytest

from engager.bench import measure_trial, run_bench
from engager.core import InputError, UnsupportedModel
from engager.engine import Action, OdeProblem, Schedule, Stops, solve
from engager.engine.cuda import backend, gpu, kernel
from engager.engine.examples import blow_up, one_compartment, predator_and_prey, spread
from engager.engine.lowering.tableau import TABLEAUS
from engager.engine.native.compiler import this_machine
from engager.model import load_model, read_antimony
from engager.protocol import Protocol
from engager.trial import simulate_trial

_FOUND = ("values", "status", "last_step", "inputs", "n_steps", "n_rejected", "stopped", "end_time")


class _Driver(types.SimpleNamespace):
    """The calls that `Gpu` makes, answered with this machine's memory and processor; keeps count of what is held.

    An allocation is filled with NaN: nothing is right that was not written.
    """

    CUdevice_attribute = types.SimpleNamespace(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT=1)

    def __init__(self, most_bytes=2**40):
        super().__init__(memory={}, modules=[], launched=[], most_bytes=most_bytes)

    def cuDeviceGetAttribute(self, which, device):
        assert which == self.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
        return 0, 2

    def __getattr__(self, name):  # calls whose answer does not matter here
        assert name.startswith("cu"), name
        return lambda *given: (0, 1)

    def cuDeviceGetName(self, length, device):
        return 0, b"stand-in\0\0"

    def cuGetErrorName(self, error):
        return 0, b"CUDA_ERROR_OUT_OF_MEMORY"

    def cuModuleLoadData(self, text):
        self.modules.append(_on_this_machine(text.decode().rstrip("\0")))
        return 0, len(self.modules) - 1

    def cuModuleGetFunction(self, module, name):
        assert name == b"follow"
        return 0, self.modules[module][0]

    def cuMemAlloc(self, n_bytes):
        if n_bytes > self.most_bytes:
            return (2, None)
        held = np.full(-(-n_bytes // 8), np.nan)
        self.memory[held.ctypes.data] = held
        return 0, held.ctypes.data

    def cuMemFree(self, place):
        del self.memory[place]
        return (0,)

    def cuMemcpyHtoD(self, place, source, n_bytes):
        assert n_bytes <= self.memory[place].nbytes
        ctypes.memmove(place, source, n_bytes)
        return (0,)

    def cuMemcpyDtoH(self, target, place, n_bytes):
        assert n_bytes <= self.memory[place].nbytes
        ctypes.memmove(target, place, n_bytes)
        return (0,)

    def cuOccupancyMaxActiveBlocksPerMultiprocessor(self, function, block, shared):
        return 0, 2

    def cuLaunchKernel(self, function, blocks, *rest):
        threads, (values, kinds) = rest[2], rest[7]
        assert (rest[:2], kinds) == ((1, 1), (ctypes.c_void_p,))
        self.launched.append((blocks, threads))
        for _ in range(blocks * threads):
            function(*values)
        return (0,)


def _on_this_machine(text):
    import llvmlite.binding as llvm

    machine = this_machine()
    target = llvm.Target.from_triple(machine.triple)
    plain = text.replace("ptx_kernel ", "").replace(" addrspace(5)", "")
    plain = plain.replace("addrspacecast ptr %block to ptr", "getelementptr i8, ptr %block, i64 0")
    module = llvm.parse_assembly(plain)
    engine = llvm.create_mcjit_compiler(module, target.create_target_machine(cpu=machine.cpu, opt=2, jit=True))
    engine.finalize_object()
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("follow")), engine


@pytest.fixture
def driver(monkeypatch):
    found = _Driver()
    monkeypatch.setattr(gpu, "to_ptx", lambda text: text)
    stand_in = gpu.Gpu(found)
    monkeypatch.setattr(backend, "first_gpu", lambda: stand_in)
    yield found
    assert found.memory == {}  # everything is given back


@pytest.fixture(params=["stand-in", "GPU"])
def device(request):
    if request.param == "stand-in":
        return request.getfixturevalue("driver")
    try:
        return gpu.first_gpu()
    except InputError as error:
        pytest.skip(str(error))


def _same(problem, **options):
    want = solve(problem, backend="native", **options)
    got = solve(problem, backend="cuda", **options)
    for name in _FOUND:
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name), err_msg=name)
    return got


@pytest.fixture(params=["rodas5p", "rodas4", "dopri5"])
def how(request):
    return {"method": request.param, "rtol": 1e-3}


def test_doses_have_the_same_bits(device, how):
    times = np.array([0.0, 0.4, 1.0])
    prey = predator_and_prey()
    doses = [(0.5, Action.ADD_TO_STATE, 0, 0.3), (0.7, Action.MULTIPLY_STATE, 1, 0.5)]
    _same(OdeProblem(prey, spread(prey, 200), times, schedule=Schedule.same_for_all(200, doses)), **how)
    one = one_compartment()
    infusion = [(0.0, Action.SET_INPUT, 0, 2.0), (0.6, Action.RESET, 0, 0.0), (0.8, Action.SET_STATE, 0, 1.0)]
    _same(OdeProblem(one, spread(one, 2), times, schedule=Schedule.same_for_all(2, infusion)), **how)


def test_failures_have_the_same_bits(device, how):
    problem = OdeProblem(blow_up(), np.array([[1.0], [0.2]]), np.array([0.0, 0.5, 1.5]))
    assert _same(problem, max_steps=30, **how).n_failed


def test_stops_have_the_same_bits(device, how):
    """Limits met within a step, at the start, at a dose, and never; saved at times of each patient's own."""
    prey = predator_and_prey()
    limits = np.array([[1.2, np.inf, np.inf], [np.inf, 0.1, -0.01], [1.9, np.inf, -1e-9], [np.inf] * 3])
    stops = Stops(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, -1.0]]), limits)
    times = np.array([[0.0, 0.3, 1.0], [0.0, 0.5, 0.6], [0.1, 0.5, 0.9], [0.0, 0.0, 0.4]])
    doses = [(0.5, Action.ADD_TO_STATE, 0, 1.0), (0.7, Action.MULTIPLY_STATE, 1, 0.5)]
    dosed = Schedule.same_for_all(4, doses)
    found = _same(OdeProblem(prey, spread(prey, 4), times, schedule=dosed, stops=stops), **how)
    assert len(set(found.stopped.tolist())) > 1


def test_jumps_of_time_have_the_same_bits(device, how):
    pulse = read_antimony("model m; X = 0; R := piecewise(100, time >= 24 && time < 25, 0); X' = R - 0.1*X; end")
    found = _same(OdeProblem(pulse, np.zeros((1, 0)), np.array([0.0, 48.0])), **how)
    np.testing.assert_allclose(found.values[0, 1, 0], 9.5409, rtol=1e-2)


def test_states_are_written_in_place_where_asked(device, how):
    one = one_compartment()
    both = []
    for name in ("native", "cuda"):
        initial = np.array([[1.0], [2.0], [3.0]])
        problem = OdeProblem(
            one, spread(one, 3), np.array([0.0, 0.5, 1.0]), initial=initial, rows=np.array([2, 0]), in_place=True
        )
        found = solve(problem, backend=name, **how).values
        assert found.shape == (2, 1, 1)
        assert initial[1] == 2.0
        assert initial[0] != 1.0
        # and without rows, which the GPU's own code then carries out
        whole = solve(replace(problem, rows=None), backend=name, **how).values
        both.append(np.concatenate([found.ravel(), whole.ravel(), initial.ravel()]))
    np.testing.assert_array_equal(*both)


def test_shipped_models_have_the_same_bits(device):
    for name in ("b-all", "hosseini-2020"):
        system = load_model(name).system
        _same(OdeProblem(system, spread(system, 2), np.array([0.0, 2.0])), method="rodas5p")


def test_a_trial_has_the_same_bits(device):
    raw = {"study": "tiny", "arms": {"a": {"n": 2, "regimen": "blinatumomab"}}, "follow_up": {"months": 1}}
    study = Protocol.model_validate(raw)
    want, got = (
        simulate_trial(study, replicates=range(1), seed=1, n_threads=1, n_sampled=1, backend=name)
        for name in ("native", "cuda")
    )
    for name in ("patients", "visits", "events", "trajectories"):
        assert getattr(got, name).equals(getattr(want, name)), name
    assert want.trajectories.height > 5


def test_threads_are_no_more_than_patients_need_or_the_gpu_holds(driver):
    prey = predator_and_prey()
    for n in (1, 32, 33, 1000):
        solve(OdeProblem(prey, spread(prey, n), np.array([0.0, 0.1])), backend="cuda", method="dopri5")
    # two processors, each running two blocks at once
    assert driver.launched == [(1, 32), (1, 32), (2, 32), (4, 32)]


def test_code_is_made_once_for_a_model(driver):
    one = one_compartment()
    for _ in range(3):
        solve(OdeProblem(one, spread(one, 1), np.array([0.0, 0.1])), backend="cuda", method="dopri5")
    assert len(driver.modules) == 1


def test_too_many_patients_for_the_memory_of_a_gpu_are_refused(driver):
    driver.most_bytes = 4000
    one = one_compartment()
    with pytest.raises(InputError, match=r"patients: got 600; need 0.1 MiB.*does not have free.*solve_in_chunks"):
        solve(OdeProblem(one, spread(one, 600), np.array([0.0, 0.1])), backend="cuda")
    assert driver.memory == {}


def test_events_are_refused(device):
    eventful = read_antimony("model m; X = 1; at (X < 0.5): X = 1; X' = -X; end")
    with pytest.raises(UnsupportedModel, match="runs no events"):
        solve(OdeProblem(eventful, np.zeros((1, 0)), np.array([0.0, 1.0])), backend="cuda")


@pytest.mark.parametrize("method", ["rodas5p", "dopri5"])
def test_each_sum_and_product_is_rounded_by_itself(method, tmp_path):
    ptx = kernel.to_ptx(kernel.thread_text(load_model("hosseini-2020").system, TABLEAUS[method]))
    assert ".visible .entry follow" in ptx
    used = set(re.findall(r"\b(?:add|sub|mul|div|fma|sqrt)\.[a-z0-9.]*f64", ptx))
    assert {"add.rn.f64", "mul.rn.f64", "fma.rn.f64", "div.rn.f64"} <= used
    assert all(".rn." in one for one in used)
    assembler = shutil.which("ptxas")
    if assembler:  # NVIDIA's own, where it is installed
        written = tmp_path / "kernel.ptx"
        written.write_text(ptx)
        command = [assembler, "-arch=sm_90", str(written), "-o", str(tmp_path / "kernel.cubin")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_without_a_gpu_the_reason_is_told():
    with contextlib.suppress(InputError):
        pytest.skip(f"this machine has a GPU: {gpu.first_gpu().name}")
    with pytest.raises(InputError, match=r"needs (an NVIDIA GPU with its driver|NVIDIA's package cuda-bindings)"):
        gpu.first_gpu()


def test_the_bench_measures_on_it(device, monkeypatch):
    monkeypatch.setattr("engager.bench.trial._RECORDED_TRIALS", 1)
    found = measure_trial(1, threads=[1], rounds=1, device="cuda")
    assert found["device"] == "cuda"
    assert found["rows"][0]["share_in_solver"] > 0
    told = run_bench(
        device="cuda", models=["hosseini-2020"], solvers=["engager"], patients=3, gpu_patients=5, peer_patients=2,
        rounds=1, threads=[1], write=lambda text: None,
    )  # fmt: skip
    assert {(row["solver"], row["patients"]) for row in told["rows"]} == {
        ("engager", 3), ("engager rtol 1e-06", 3), ("engager-cuda", 5),
    }  # fmt: skip
    one, on_gpu = (next(row for row in told["rows"] if row["solver"] == name) for name in ("engager", "engager-cuda"))
    assert on_gpu["max_error"] >= one["max_error"]  # of more patients
    assert "compile_cold_s" not in on_gpu["detail"]
