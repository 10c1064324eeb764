"""IR text to machine code for this machine, kept on disk between runs.

What is cached: one file per model, method and machine, named by a hash of the equations, of this package's
code generator, of the CPU and of llvmlite; `core.disk.kept` says where, and which files are trusted.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engager.core import cache_folder, held_back, read_kept, write_kept
from engager.engine.lowering.tableau import Tableau
from engager.engine.native.kernel import Kernel, generate_routines, print_kernel
from engager.model import System

_LOCK = threading.Lock()


@dataclass(frozen=True)
class Machine:
    """The CPU that code is made for."""

    triple: str
    cpu: str
    features: str

    @functools.cached_property
    def width(self) -> int:
        """Doubles in the widest vector register that pays."""
        have = set(self.features.split(","))
        return 8 if "+avx512f" in have else 4 if "+avx2" in have else 2


@dataclass
class Compiled:
    """Loaded machine code. Keep it alive while `drive` may be called."""

    drive: Callable[[int, int], None]
    repeat: Callable[[int, int, int, int], None]
    kernel: Kernel
    from_cache: bool
    keep: Any


@functools.cache
@held_back()
def this_machine() -> Machine:
    import llvmlite.binding as llvm

    # routines come in the order they should run (see `schedule`); LLVM's own reordering is slower here
    for option in ("-enable-misched=false", "-pre-RA-sched=source"):
        llvm.set_option("engager", option)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return Machine(llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def compile_system(system: System, tableau: Tableau, width: int | None = None) -> Compiled:
    """Machine code for a model, from the cache when it is there.

    Raises
    ------
    UnsupportedModel
        When the model uses what the native engine refuses.
    """
    machine = this_machine()
    key = _key(system, tableau, width or machine.width, machine)
    with _LOCK:
        if key not in _loaded:
            _loaded[key] = make_or_load(system, tableau, width, cache_folder())
        return _loaded[key]


def compile_beside(system: System, tableau: Tableau) -> threading.Thread:
    """Begin `compile_system` in a thread of its own; whoever asks for the same code meanwhile waits for it.

    Most of the time is LLVM's, which lets go of the interpreter. The thread works on a copy: lowering adds the
    derivatives to a model's graph, in which others may be reading.
    """
    own = pickle.loads(pickle.dumps(system))
    thread = threading.Thread(target=compile_system, args=(own, tableau), name="engager-compile")
    thread.start()
    return thread


_loaded: dict[str, Compiled] = {}


def make_or_load(system: System, tableau: Tableau, width: int | None, folder: Path | None) -> Compiled:
    """Code from `folder`, or made and put there."""
    machine = this_machine()
    width = width or machine.width
    name = f"{_key(system, tableau, width, machine)}.bin"
    stored = _read(folder, name)
    if stored:
        facts, binary = stored
        kernel = Kernel.from_facts(facts.decode())
    else:
        kernel = print_kernel(generate_routines(system, tableau), tableau, width)
        binary = build(kernel.text, machine, width)
        _write(folder, name, kernel.facts().encode(), binary)
    drive, repeat, keep = load_functions(binary, machine)
    return Compiled(drive, repeat, kernel, stored is not None, keep)


@held_back()
def build(text: str, machine: Machine, width: int) -> bytes:
    """An object file of the module `text`. Optimization removes stack slots only: arithmetic stays as printed."""
    import llvmlite.binding as llvm

    target = _target_machine(machine)
    bits = 64 * width
    attributes = (
        f'nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}" '
        f'"target-cpu"="{machine.cpu}" "target-features"="{machine.features}"'
    )
    whole = f"{text}\nattributes #0 = {{ noinline {attributes} }}\nattributes #1 = {{ alwaysinline {attributes} }}\n"
    module = llvm.parse_assembly(f'target triple = "{machine.triple}"\n{whole}')
    optimize(module, target)
    found: bytes = target.emit_object(module)
    return found


def optimize(module: Any, target: Any) -> None:
    """Checks a parsed module and removes its stack slots, for the machine of `target`."""
    import llvmlite.binding as llvm

    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    options.loop_unrolling = False
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)


def _target_machine(machine: Machine) -> Any:
    import llvmlite.binding as llvm

    target = llvm.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=2, reloc="pic", codemodel="jitdefault", jit=True
    )


@held_back()
def load_functions(binary: bytes, machine: Machine) -> tuple[Callable[..., None], Callable[..., None], Any]:
    import ctypes

    import llvmlite.binding as llvm

    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, _target_machine(machine))
    engine.add_object_file(llvm.ObjectFileRef.from_data(binary))
    engine.finalize_object()
    # a ctypes call lets go of the interpreter lock, so threads run side by side
    pointer, whole = ctypes.c_void_p, ctypes.c_int64
    drive = ctypes.CFUNCTYPE(None, pointer, pointer)(engine.get_function_address("drive"))
    repeat = ctypes.CFUNCTYPE(None, pointer, pointer, whole, whole)(engine.get_function_address("repeat"))
    return drive, repeat, engine


# ---- cache ----
def _key(system: System, tableau: Tableau, width: int, machine: Machine) -> str:
    return _key_of(fingerprint(system), tableau, width, machine)


@functools.lru_cache(maxsize=64)
def _key_of(print_of_system: str, tableau: Tableau, width: int, machine: Machine) -> str:
    import llvmlite

    text = repr((print_of_system, tableau, width, machine, llvmlite.__version__, generator_hash()))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


_fingerprints: dict[int, tuple[weakref.ref[System], str]] = {}


def fingerprint(system: System) -> str:
    """Hash of `describe`, remembered while the system lives: a trial asks thousands of times."""
    known = _fingerprints.get(id(system))
    if known is None or known[0]() is not system:
        text = hashlib.sha256(repr(describe(system)).encode()).hexdigest()
        _fingerprints[id(system)] = known = weakref.ref(system), text
    return known[1]


def describe(system: System) -> tuple[object, ...]:
    """Everything of a system that shapes its code; equal for equal models whatever else their graphs hold."""
    roots = [*system.rates, *system.initial]
    nodes = system.graph.topological(roots)
    number = {node: k for k, node in enumerate(nodes)}
    place = {name: (kind, i) for kind, names in enumerate((system.states, system.parameters, system.inputs))
             for i, name in enumerate(names)}  # fmt: skip
    entries = []
    for node in nodes:
        entry = system.graph.entries[node]
        value = place.get(str(entry.value), entry.value) if entry.op == "symbol" else entry.value
        entries.append((entry.op, tuple(number[arg] for arg in entry.args), value))
    sizes = len(system.states), len(system.parameters), len(system.inputs)
    return (sizes, tuple(entries), tuple(number[root] for root in roots))


@functools.cache
def generator_hash() -> str:
    """Hash of the modules that make code."""
    engine = Path(__file__).parents[1]
    sources = [*sorted((engine / "lowering").glob("*.py")), *sorted((engine / "native").glob("*.py"))]
    joined = b"".join(path.read_bytes() for path in [*sources, engine / "problem.py"])
    return hashlib.sha256(joined).hexdigest()


def read_number(name: str) -> float | None:
    """A number kept in the cache, None when it is not there or not readable."""
    body = read_kept(cache_folder(), name)
    try:
        return None if body is None else float(body)
    except ValueError:
        return None


def keep_number(name: str, value: float) -> None:
    """Keeps a number in the cache where that is possible."""
    write_kept(cache_folder(), name, repr(value).encode())


def _read(folder: Path | None, name: str) -> tuple[bytes, bytes] | None:
    """Facts and object code, or None when there is no file to be trusted."""
    body = read_kept(folder, name)
    if body is None:
        return None
    length = int.from_bytes(body[:8], "little")
    return body[8 : 8 + length], body[8 + length :]


def _write(folder: Path | None, name: str, facts: bytes, binary: bytes) -> None:
    write_kept(folder, name, len(facts).to_bytes(8, "little") + facts + binary)
