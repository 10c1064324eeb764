"""The compiled engine's own loop for a GPU: one thread follows one patient after another, one lane wide.

In: `System`, a tableau. Out: PTX, which the driver of any NVIDIA GPU since Volta turns into its own code. Not here:
the loop (`native.driver`), and running it.
"""

from __future__ import annotations

from typing import Any

from engager.core import Problem, UnsupportedModel, held_back
from engager.engine.lowering.tableau import Tableau
from engager.engine.native.compiler import optimize
from engager.engine.native.kernel import generate_routines, print_kernel
from engager.model import System

#: What a GPU is asked to run.
ENTRY = "follow"
_TRIPLE, _OLDEST = "nvptx64-nvidia-cuda", "sm_70"
# The workspace is the thread's own memory, which a GPU lays out so that neighbors read neighboring words; told that it
# is (address space 5), the GPU reads it directly.
_OWN = "ptr addrspace(5)"
_ENTRY = """
define ptx_kernel void @{entry}(ptr %ctx) #2 {{
  %block = alloca [{slots} x double], align 64
  %ws = addrspacecast ptr %block to {own}
  call void @drive({own} %ws, ptr %ctx)
  ret void
}}
attributes #0 = {{ noinline nounwind }}
attributes #1 = {{ alwaysinline nounwind }}
attributes #2 = {{ nounwind }}
"""


def thread_text(system: System, tableau: Tableau) -> str:
    """A module as LLVM IR text in which `ENTRY` is what one thread does."""
    kernel = print_kernel(generate_routines(system, tableau), tableau, 1, _OWN)
    return kernel.text + _ENTRY.format(entry=ENTRY, slots=kernel.workspace, own=_OWN)


@held_back()
def to_ptx(text: str) -> str:
    """The module as PTX. Sums and products stay apart: each is printed with a rounding of its own (``add.rn``).

    Raises
    ------
    UnsupportedModel
        When this llvmlite was built without NVIDIA's instructions.
    """
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple(_TRIPLE)
    except RuntimeError:
        rule = "was built without code for NVIDIA GPUs"
        hint = "The llvmlite on PyPI has it: pip install --force-reinstall llvmlite."
        raise UnsupportedModel(Problem("llvmlite", llvm.llvm_version_info, rule, hint)) from None
    machine = target.create_target_machine(cpu=_OLDEST, opt=2)
    module = llvm.parse_assembly(f'target triple = "{_TRIPLE}"\n{text}')
    for function in module.functions:
        if not function.is_declaration and function.name != ENTRY:
            function.linkage = "internal"  # what nobody calls is dropped
    optimize(module, machine)
    ptx: Any = machine.emit_assembly(module)
    return str(ptx)
