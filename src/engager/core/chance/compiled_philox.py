"""The draws of `randomness.uniform_with` as machine code, for lists long enough to pay for it; the same bits.

A trial draws some hundred numbers for each patient. In NumPy a block of Philox takes about eighty passes over arrays,
here one over registers, in a quarter of the time. The text below is LLVM's intermediate language: read it beside
`randomness._rounds`, whose names it keeps. LLVM puts eight patients side by side where the CPU has vectors that wide.

In: arrays as `uniform_with` has them. Out: uniform draws. Not here: what is drawn, and for whom.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engager.core.arrays import FloatArray
from engager.core.interrupts import held_back

#: Lists of fewer blocks are drawn in NumPy, which needs no compiler, until a longer one has called for the code.
_WORTHWHILE = 2048


def compiled_uniform(
    keys: NDArray[np.uint64],
    numbers: NDArray[np.uint64],
    occasion: NDArray[np.uint64],
    n_draws: int,
    rounds: Sequence[tuple[int, int]],
    multipliers: tuple[int, int],
) -> FloatArray:
    """Uniform draws: array (patient, draw).

    Parameters
    ----------
    keys : array (patient, 3) of 32-bit words: two of key and one of salt.
    numbers, occasion : array (patient,), below 2^64 and 2^31.
    rounds : what is added to the two words of key in each round, modulo 2^32.
    multipliers : of words 0 and 2 of the counter.
    """
    n_blocks = (n_draws + 1) // 2
    # a block holds two draws; of an odd number the last is cut off
    drawn = np.empty((numbers.size, 2 * n_blocks))
    given = [np.ascontiguousarray(one) for one in (keys, numbers, occasion)]
    code = _code(tuple(rounds), multipliers)
    code(*(one.ctypes.data for one in given), drawn.ctypes.data, numbers.size, n_blocks)
    return np.ascontiguousarray(drawn[:, :n_draws])


def is_worthwhile(n_blocks: int) -> bool:
    """Whether a list of so many blocks is drawn by machine code: a long one, or any that finds the code there."""
    return n_blocks >= _WORTHWHILE or (n_blocks > 0 and _code.cache_info().currsize > 0)


@functools.cache
@held_back()
def _code(rounds: tuple[tuple[int, int], ...], multipliers: tuple[int, int]) -> Callable[..., None]:
    import ctypes

    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )
    bits = 512 if features.get("avx512dq") else 256
    module = llvm.parse_assembly(_text(rounds, multipliers, bits))
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    whole, pointer = ctypes.c_int64, ctypes.c_void_p
    code: Any = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, pointer, whole, whole)(
        engine.get_function_address("draw")
    )
    code.engine = engine  # the code lives as long as what made it
    found: Callable[..., None] = code
    return found


def _text(rounds: Sequence[tuple[int, int]], multipliers: tuple[int, int], bits: int) -> str:
    """One block for each patient in the inner loop, block after block in the outer one."""
    lines, (x0, x1, y0, y1) = [], ("%x0", "%x1", "%y0", "%y1")
    for k, added in enumerate(rounds):
        for word, (x, weight) in enumerate(zip((x0, x1), multipliers, strict=True)):
            lines += [
                f"%p{word}.{k} = mul i64 {x}, {weight}",
                f"%h{word}.{k} = lshr i64 %p{word}.{k}, 32",
                f"%l{word}.{k} = and i64 %p{word}.{k}, 4294967295",
                f"%a{word}.{k} = add i64 %k{word}, {added[word]}",
                f"%s{word}.{k} = and i64 %a{word}.{k}, 4294967295",
            ]
        for word, y in enumerate((y0, y1)):
            lines += [
                f"%m{word}.{k} = xor i64 %h{1 - word}.{k}, {y}",
                f"%x{word}.{k} = xor i64 %m{word}.{k}, %s{word}.{k}",
            ]
        x0, x1, y0, y1 = f"%x0.{k}", f"%x1.{k}", f"%l1.{k}", f"%l0.{k}"
    for word, (x, y) in enumerate(((x0, y0), (x1, y1))):
        # 52 bits and half a step: never 0, never 1
        lines += [
            f"%w{word} = shl i64 {x}, 20",
            f"%v{word} = lshr i64 {y}, 12",
            f"%i{word} = or i64 %w{word}, %v{word}",
            f"%f{word} = uitofp i64 %i{word} to double",
            f"%g{word} = fadd double %f{word}, 0.5",
            f"%u{word} = fmul double %g{word}, 0x3CB0000000000000 ; 2^-52",
        ]
    body = "\n  ".join(lines)
    return f"""
define void @draw(ptr noalias %keys, ptr noalias %numbers, ptr noalias %occasions, ptr noalias %out,
                  i64 %n, i64 %blocks) #0 {{
entry:
  %width = shl i64 %blocks, 1
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %outer, label %end
outer:
  %block = phi i64 [ 0, %entry ], [ %next.block, %outer.next ]
  br label %inner
inner:
  %i = phi i64 [ 0, %outer ], [ %next, %inner ]
  %at = mul i64 %i, 3
  %key.0 = getelementptr i64, ptr %keys, i64 %at
  %key.1 = getelementptr i64, ptr %key.0, i64 1
  %key.2 = getelementptr i64, ptr %key.0, i64 2
  %k0 = load i64, ptr %key.0
  %k1 = load i64, ptr %key.1
  %salt = load i64, ptr %key.2
  %y1 = and i64 %salt, 4294967295
  %number.at = getelementptr i64, ptr %numbers, i64 %i
  %number = load i64, ptr %number.at
  %occasion.at = getelementptr i64, ptr %occasions, i64 %i
  %occasion = load i64, ptr %occasion.at
  %before = mul i64 %occasion, %blocks
  %word = add i64 %before, %block
  %x0 = and i64 %word, 4294967295
  %x1 = lshr i64 %number, 32
  %y0 = and i64 %number, 4294967295
  {body}
  %row = mul i64 %i, %width
  %column = shl i64 %block, 1
  %place = add i64 %row, %column
  %out.0 = getelementptr double, ptr %out, i64 %place
  %out.1 = getelementptr double, ptr %out.0, i64 1
  store double %u0, ptr %out.0
  store double %u1, ptr %out.1
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %inner, label %outer.next
outer.next:
  %next.block = add i64 %block, 1
  %more.blocks = icmp slt i64 %next.block, %blocks
  br i1 %more.blocks, label %outer, label %end
end:
  ret void
}}
attributes #0 = {{ nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}" }}
"""
