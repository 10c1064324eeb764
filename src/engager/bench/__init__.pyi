# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .cases import BENCH_CASES as BENCH_CASES
from .compare import run_bench as run_bench
from .dashboard import measure_dashboard as measure_dashboard
from .models import compare_backends as compare_backends, reports_as_json as reports_as_json
from .stream import measure_stream as measure_stream
from .trial import measure_trial as measure_trial
