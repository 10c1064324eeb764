"""What `test_workers` gives workers to do; a module of its own, since they import it by name."""

import os
import sys
import time

from engager.core import InputError, Problem


def slow_square(number, tell):
    """The square of a number, not at once."""
    tell(0.5)
    time.sleep(0.02)
    return number * number


def process_of(number, tell):
    """Which process did it; long enough that one cannot do it all before another has started."""
    time.sleep(0.5)
    return os.getpid()


def load(name, tell):
    """Import a module, or fail; tell twice that it goes on."""
    tell(0.1)
    tell(0.2)
    __import__(name)


def imported(names, tell):
    """Which process this is, and which of these modules it has imported."""
    time.sleep(0.5)
    return os.getpid(), [name for name in names if name in sys.modules]


def refuse(first_process, tell):
    """A complaint of any process but the first."""
    time.sleep(0.5)
    if os.getpid() != first_process:
        raise InputError(Problem("there", 1, "must not be", "Stop."))


def end_at_once(first_process, tell):
    """The end of any process but the first."""
    time.sleep(0.5)
    if os.getpid() != first_process:
        os._exit(3)


def wait_elsewhere(first_process, tell):
    """Long work in any process but the first."""
    time.sleep(0.5 if os.getpid() == first_process else 60.0)


def tables(first_process, tell):
    """Tables with what those of a trial hold, and with nothing; whether it was the first process that made them."""
    import polars as pl

    time.sleep(0.5)
    some = pl.DataFrame(
        {"arm": ["blinatumomab", None, "chemotherapy"], "day": [0.5, float("nan"), None], "patient": [1, 2, 3],
         "on_treatment": [True, None, False], "drugs": [["a"], [], None]},
        schema_overrides={"patient": pl.Int32},
    ).with_columns(kind=pl.Series(["cycle", None, "cycle"], dtype=pl.Enum(["baseline", "cycle"])))  # fmt: skip
    return os.getpid() == first_process, {"some": some, "none": some.clear(), "empty": pl.DataFrame()}
