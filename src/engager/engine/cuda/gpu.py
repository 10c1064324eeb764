"""The first NVIDIA GPU of this machine, through NVIDIA's own Python bindings of its driver (package ``cuda-bindings``).

In: PTX and arrays. Out: the arrays after a kernel ran. Not here: what the kernel does.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engager.core import FloatArray, InputError, IntArray, Problem
from engager.engine.cuda.kernel import ENTRY, to_ptx

# Threads of a block: one warp. Threads share nothing, and few patients spread over more processors, each with fast
# memory of its own.
_BLOCK = 32


class Gpu:
    """A GPU, ready for the thread that asks."""

    def __init__(self, driver: Any):
        self._driver = driver
        self._ask(driver.cuInit(0))
        self._device = self._ask(driver.cuDeviceGet(0))
        self._context = self._ask(driver.cuDevicePrimaryCtxRetain(self._device))
        count = driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
        self._processors: int = self._ask(driver.cuDeviceGetAttribute(count, self._device))
        self.name: str = self._ask(driver.cuDeviceGetName(256, self._device)).split(b"\0")[0].decode()

    def _ask(self, answer: tuple[Any, ...]) -> Any:
        """What the driver found; raises GpuError."""
        error, *found = answer
        if int(error):
            _, name = self._driver.cuGetErrorName(error)
            raise GpuError(name.decode() if name else str(error))
        return found[0] if len(found) == 1 else tuple(found)

    def use(self) -> None:
        """Let the calling thread speak to this GPU."""
        self._ask(self._driver.cuCtxSetCurrent(self._context))

    def load(self, text: str) -> Any:
        """A module of LLVM IR text as code of this GPU; keep it for the life of the process."""
        driver = self._driver
        module = self._ask(driver.cuModuleLoadData(to_ptx(text).encode() + b"\0"))
        return self._ask(driver.cuModuleGetFunction(module, ENTRY.encode()))

    @contextmanager
    def copies(self, arrays: dict[str, FloatArray | IntArray]) -> Iterator[dict[str, int]]:
        """Addresses on the GPU of copies of the arrays, which live as long as the block."""
        driver, held = self._driver, {}
        try:
            for name, array in arrays.items():
                held[name] = self._ask(driver.cuMemAlloc(max(array.nbytes, 8)))
                if array.nbytes:
                    self._ask(driver.cuMemcpyHtoD(held[name], array.ctypes.data, array.nbytes))
            yield {name: int(place) for name, place in held.items()}
        finally:
            for place in held.values():
                driver.cuMemFree(place)

    def run(self, kernel: Any, context: int, n_patients: int) -> None:
        """Let threads follow patients until none is left; `context` is the address of a copy."""
        driver = self._driver
        # no more than run at once: a thread takes another patient when it is done with one
        each: int = self._ask(driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(kernel, _BLOCK, 0))
        blocks = max(1, min(-(-n_patients // _BLOCK), self._processors * each))
        arguments = ((context,), (ctypes.c_void_p,))
        self._ask(driver.cuLaunchKernel(kernel, blocks, 1, 1, _BLOCK, 1, 1, 0, 0, arguments, 0))
        self._ask(driver.cuCtxSynchronize())

    def fetch(self, array: FloatArray | IntArray, address: int) -> None:
        """Write over an array what its copy holds now."""
        if array.nbytes:
            self._ask(self._driver.cuMemcpyDtoH(array.ctypes.data, address, array.nbytes))


class GpuError(RuntimeError):
    """What the driver of a GPU refused, by its own name for it."""


def first_gpu() -> Gpu:
    """The GPU to solve on.

    Raises
    ------
    InputError
        Without NVIDIA's bindings, or without an NVIDIA GPU and its driver.
    """
    return _gpu_of(os.getpid())


@functools.lru_cache(maxsize=1)
def _gpu_of(process: int) -> Gpu:
    """A forked process must begin anew with its GPU."""
    try:
        from cuda.bindings import driver
    except ImportError:
        rule = "needs NVIDIA's package cuda-bindings"
        hint = "Install it with pip install 'engager[gpu]', or use the CPU."
        raise InputError(Problem("device", "cuda", rule, hint)) from None
    try:
        return Gpu(driver)
    except RuntimeError as error:  # a missing driver is one too
        rule = f"needs an NVIDIA GPU with its driver ({error})"
        raise InputError(Problem("device", "cuda", rule, "Leave it out to use the CPU.")) from None
