"""Puts the instructions of a routine in an order that keeps many of them in flight in few registers.

For rates: a long run of short dependent chains (one per power and quotient). In the order of the formulas a
processor finds only two or three chains to overlap; here chains are interleaved by list scheduling: at each
moment, of the instructions whose arguments are ready, the one that most work waits for - unless registers
run short, then the one that frees most. The order changes no result.
"""

from __future__ import annotations

import heapq

from engager.engine.lowering.code import Op

#: Cycles until a result can be used, about right for x86-64 since 2017.
_LATENCY = {
    "fma": 4, "mul": 4, "add": 3, "sub": 3, "div": 13, "sqrt": 20, "floor": 8, "select": 2, "abs": 1,
    "lt": 3, "le": 3, "eq": 3, "ne": 3,
}  # fmt: skip
_FREE = frozenset(("const", "iconst", "load", "bits", "float", "neg"))
_HELD_ELSEWHERE = frozenset(("const", "iconst", "load"))
#: Vector registers of x86-64 (16, with AVX-512 32), less a few for loads and constants in passing.
_REGISTERS = 10
#: Instructions begun per cycle.
_PER_CYCLE = 2
#: Ready instructions looked at when registers run short: enough to find a good one, few enough for large models.
_WINDOW = 48


def order(ops: list[Op]) -> list[int]:
    """A permutation of `ops` that runs, given one that does."""
    return _Scheduler(ops).run()


class _Scheduler:
    def __init__(self, ops: list[Op]):
        self.ops = ops
        self.args = [tuple(dict.fromkeys(op.args)) for op in ops]
        self.users: list[list[int]] = [[] for _ in ops]
        for number, args in enumerate(self.args):
            for arg in args:
                self.users[arg].append(number)
        self.height = self._heights()
        self.waits = [len(args) for args in self.args]
        self.unread = [len(users) for users in self.users]
        self.ready_at = [0] * len(ops)
        self.pending: list[tuple[int, int]] = []
        # ready instructions, most awaited first: (-height, number)
        self.ready: list[tuple[int, int]] = []
        self.live = 0

    def run(self) -> list[int]:
        result = [number for number, op in enumerate(self.ops) if not op.args]
        for number in result:
            self._release(number, 0)
        now = 0
        while self.pending or self.ready:
            self._arrivals(now)
            issued = 0
            while self.ready and issued < _PER_CYCLE:
                best = self._choose()
                if best is None:
                    break
                self._issue(best, now)
                result.append(best)
                issued += self.ops[best].name not in _FREE
                self._arrivals(now)
            now = now + 1 if self.ready or not self.pending else max(now + 1, self.pending[0][0])
        return result

    def _choose(self) -> int | None:
        """Takes an instruction off the ready ones; None: better to wait for one that frees registers."""
        if self.live < _REGISTERS:
            return heapq.heappop(self.ready)[1]
        looked_at = [heapq.heappop(self.ready) for _ in range(min(_WINDOW, len(self.ready)))]
        best = max(looked_at, key=lambda one: (self._frees(one[1]), -one[0], -one[1]))
        waits = self._frees(best[1]) < 0 and bool(self.pending)
        for one in looked_at:
            if waits or one != best:
                heapq.heappush(self.ready, one)
        return None if waits else best[1]

    def _issue(self, number: int, now: int) -> None:
        self.live -= self._frees(number)
        for arg in self.args[number]:
            self.unread[arg] -= 1
        self._release(number, now + self._latency(number))

    def _frees(self, number: int) -> int:
        """Registers given back by an instruction, less the one it takes."""
        gone = sum(self.unread[arg] == 1 and self.ops[arg].name not in _HELD_ELSEWHERE for arg in self.args[number])
        return gone - (1 if self.users[number] and self.ops[number].name not in _FREE else 0)

    def _release(self, number: int, done: int) -> None:
        for user in self.users[number]:
            self.ready_at[user] = max(self.ready_at[user], done)
            self.waits[user] -= 1
            if self.waits[user] == 0:
                heapq.heappush(self.pending, (self.ready_at[user], user))

    def _arrivals(self, now: int) -> None:
        while self.pending and self.pending[0][0] <= now:
            number = heapq.heappop(self.pending)[1]
            heapq.heappush(self.ready, (-self.height[number], number))

    def _latency(self, number: int) -> int:
        name = self.ops[number].name
        return 0 if name in _FREE else _LATENCY.get(name, 1)

    def _heights(self) -> list[int]:
        """Cycles from the start of each instruction to the end of all that depends on it."""
        height = [0] * len(self.ops)
        for number in range(len(self.ops) - 1, -1, -1):
            height[number] = self._latency(number) + max((height[user] for user in self.users[number]), default=0)
        return height
