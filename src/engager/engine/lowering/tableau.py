"""One-step methods as tables of published coefficients.

Both families give stage increments K_j, a new state X + (increments), an error estimate and an interpolant

    x(s) = (1 - s) x0 + s (x1 + (1 - s) (d0 + s d1 + s^2 d2)),    d_r = sum_j dense[r][j] K_j

Rosenbrock stages, in the form that needs no product with the Jacobian (Hairer & Wanner II, IV.7):
    (1/(gamma h) I - J) K_s = f(t + alpha_s h, X + sum_j a[s][j] K_j) + (1/h) sum_j c[s][j] K_j + gamma_s h df/dt
Explicit stages: K_s = h f(t + alpha_s h, X + sum_j a[s][j] K_j).

References
----------
Steinebach 2023, doi:10.1007/s10543-023-00967-x (Rodas5P); Hairer & Wanner, Solving Ordinary Differential
Equations II (Rodas4); Dormand & Prince 1980, doi:10.1016/0771-050X(80)90013-3, with the interpolant in Hairer,
Noersett & Wanner, Solving Ordinary Differential Equations I, II.6. The conditions of order of all tables are
held by `tests/unit/engine/test_tableau.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

Row = tuple[float, ...]


@dataclass(frozen=True)
class Tableau:
    """Coefficients of one method.

    Attributes
    ----------
    name, order : what it is called; the order of the advancing formula (the estimate is one lower).
    a : rows of stage coefficients, lower triangular; for an explicit method the last row is the new state.
    c, gamma : of a Rosenbrock method; an explicit one has no c and gamma 0.
    error : weights of the increments in the error estimate.
    dense : three rows of weights of the interpolant.
    """

    name: str
    order: int
    a: tuple[Row, ...]
    error: Row
    dense: tuple[Row, Row, Row]
    c: tuple[Row, ...] = ()
    gamma: float = 0.0
    nodes: Row = ()

    @property
    def stages(self) -> int:
        return len(self.a)

    @property
    def implicit(self) -> bool:
        return self.gamma > 0.0

    @cached_property
    def standard(self) -> tuple[list[list[float]], list[list[float]]]:
        """Stage and gamma matrices of the textbook form, by undoing K = Gamma k."""
        n = self.stages
        # 1/gamma I - C is the inverse of Gamma, lower triangular
        inverse = [[-self.c[i][j] if j < i else 0.0 for j in range(n)] for i in range(n)]
        for i in range(n):
            inverse[i][i] = 1.0 / self.gamma
        gamma = [[0.0] * n for _ in range(n)]
        for j in range(n):
            for i in range(j, n):
                left = sum(inverse[i][k] * gamma[k][j] for k in range(j, i))
                gamma[i][j] = ((1.0 if i == j else 0.0) - left) / inverse[i][i]
        alpha = [[sum(self.a[i][k] * gamma[k][j] for k in range(j, i)) for j in range(n)] for i in range(n)]
        return alpha, gamma

    @cached_property
    def alpha(self) -> Row:
        """When in the step each stage looks, as a share of the step."""
        if self.implicit:
            return tuple(_tidy(sum(row)) for row in self.standard[0])
        return self.nodes

    @cached_property
    def gammas(self) -> Row:
        """Weight of h df/dt in each stage of a Rosenbrock method."""
        return tuple(_tidy(sum(row)) for row in self.standard[1])


def _tidy(x: float) -> float:
    """0 and 1 are exact in every table here; sums of rounded coefficients miss them by a few units."""
    nearest = float(round(x))
    return nearest if abs(x - nearest) < 1e-11 else x


_A6 = (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946)

RODAS5P = Tableau(
    name="rodas5p",
    order=5,
    gamma=0.21193756319429014,
    a=(
        (),
        (3.0,),
        (2.849394379747939, 0.45842242204463923),
        (-6.954028509809101, 2.489845061869568, -10.358996098473584),
        (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
        _A6,
        (*_A6, 1.0),
        (*_A6, 1.0, 1.0),
    ),
    c=(
        (),
        (-14.155112264123755,),
        (-17.97296035885952, -2.859693295451294),
        (147.12150275711716, -1.41221402718213, 71.68940251302358),
        (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
        (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
        (30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
         -28.087943162872662),
        (37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
         -54.66780262877968, -9.48861652309627),
    ),
    error=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    dense=(
        (25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204, 0.524948541321073,
         1.1241088310450404, 0.4272876194431874, -0.17202221070155493),
        (-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796, 20.176138334709044,
         15.98066361424651, -6.789040303419874, -6.710236069923372),
        (11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643, -52.072871366152654,
         -59.78993625266729, -0.15582684282751913, 4.883087185713722),
    ),
)  # fmt: skip

_B5 = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895)

RODAS4 = Tableau(
    name="rodas4",
    order=4,
    gamma=0.25,
    a=(
        (),
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        _B5,
        (*_B5, 1.0),
    ),
    c=(
        (),
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616),
        (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
    ),
    error=(0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    dense=(
        (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0.0),
        (-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ),
)  # fmt: skip

_DP_NEW = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_DP_D = (
    -12715105075 / 11282082432, 0.0, 87487479700 / 32700410799, -10690763975 / 1880347072,
    701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423,
)  # fmt: skip


def _dormand_prince_dense() -> tuple[Row, Row, Row]:
    """The interpolant's three parts K_1 - dx, 2 dx - K_1 - K_7, and D, turned into weights of K_j."""
    dx = (*_DP_NEW, 0.0)
    first = tuple((1.0 if j == 0 else 0.0) - dx[j] for j in range(7))
    second = tuple(dx[j] - (1.0 if j == 6 else 0.0) - first[j] for j in range(7))
    return first, tuple(second[j] + _DP_D[j] for j in range(7)), tuple(-d for d in _DP_D)


DORMAND_PRINCE = Tableau(
    name="dopri5",
    order=5,
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        _DP_NEW,
    ),
    nodes=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    error=(71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
    dense=_dormand_prince_dense(),
)  # fmt: skip

TABLEAUS = {one.name: one for one in (RODAS5P, RODAS4, DORMAND_PRINCE)}
