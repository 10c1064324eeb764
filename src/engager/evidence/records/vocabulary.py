"""One vocabulary for endpoints, statistics, measures, routes, drug classes and time units.

Everything it knows stands in ``data/vocabulary.yaml``; this module looks words up, it decides nothing itself.
What a virtual trial counts for an endpoint stands there too (`TrialEndpoint`); `engager.analysis` works it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from engager.core import MONTHS_PER, InputError, Problem, nearest
from engager.evidence.records.reading import read_yaml

DATA = Path(__file__).parents[1] / "data"
Kind = Literal["binary", "time_to_event", "rate", "onset"]
EndpointKind = Literal["share", "time", "competing"]

# What can be estimated of each kind; the first is the plainest.
STATISTICS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "share": ("proportion", "difference", "odds_ratio"),
        "time": ("median", "survival_at", "hazard_ratio", "follow_up_median"),
        "competing": ("cumulative_at",),
    }
)


@dataclass(frozen=True)
class KnownEndpoint:
    """One endpoint of the vocabulary.

    Attributes
    ----------
    name : the package's spelling, e.g. ``CR/CRh/CRi``.
    kind : binary, time_to_event, rate or onset.
    family : endpoints that answer nearly the same question share one.
    counts : for a time to event, whether a figure without its own n is about the whole ``arm`` or
        ``responders``.
    better : which direction is good for the patient.
    label : words for a figure.
    known : False when the endpoint is not in the vocabulary and only its spelling was kept.
    """

    name: str
    kind: Kind
    family: str
    label: str
    counts: str = "arm"
    better: str = "higher"
    known: bool = True


@dataclass(frozen=True)
class TrialEndpoint:
    """One endpoint that a virtual trial answers.

    Attributes
    ----------
    name : of the evidence vocabulary. better : higher or lower, for the patient. label : as in forest plots.
    kind, table, words, meaning, window, denominator, among, origin, no_response, group, needs, day, adam : as the head
        of ``data/vocabulary.yaml`` says; None where the endpoint has none.
    """

    name: str
    better: str
    label: str
    kind: EndpointKind
    table: Literal["efficacy", "safety"]
    words: str
    meaning: str
    window: Literal["response", "event", "none"]
    denominator: Literal["randomized", "treated", "responders", "assessed_responders", "relapsed", "transplanted"]
    day: str
    adam: str
    among: str | None = None
    origin: Literal["randomization", "response", "hsct"] | None = None
    no_response: str | None = None
    group: Literal["response", "mrd", "os", "rfs", "toxicity", "transplant"] | None = None
    needs: tuple[str, ...] = ()

    @property
    def is_harm(self) -> bool:
        """More of it is worse for the patient; a harm is nothing that a trial can win by."""
        return self.better == "lower"

    @property
    def is_response(self) -> bool:
        """A share of all patients with some class of remission."""
        return self.kind == "share" and self.window == "response" and self.denominator == "randomized"

    @property
    def is_mrd(self) -> bool:
        """Read by an MRD assay, which not every patient has."""
        return self.denominator == "assessed_responders"


@cache
def vocabulary() -> dict[str, Any]:
    """The vocabulary file as written."""
    return read_yaml(DATA / "vocabulary.yaml")


@cache
def _endpoints() -> dict[str, KnownEndpoint]:
    entries = vocabulary()["endpoints"].items()
    return {name: KnownEndpoint(name, **_without(entry, "aliases", "trial")) for name, entry in entries}


@cache
def _endpoint_spellings() -> dict[str, str]:
    spellings = {}
    for name, entry in vocabulary()["endpoints"].items():
        for spelling in (name, *entry.get("aliases", ())):
            spellings[_fold(spelling)] = name
    return spellings


@cache
def _term_spellings() -> dict[str, str]:
    return {alias: name for name, aliases in vocabulary()["terms"].items() for alias in aliases}


@cache
def endpoint(spelling: str) -> KnownEndpoint:
    """The endpoint meant by `spelling`; one that is not in the vocabulary comes back with ``known=False``.

    Safety endpoints of the form ``<term>_any``, ``<term>_grade3plus`` and so on are known by their form.
    """
    name = _endpoint_spellings().get(_fold(spelling))
    if name is not None:
        return _endpoints()[name]
    for suffix in sorted(vocabulary()["grade_suffixes"], key=len, reverse=True):
        if spelling.endswith(suffix) and len(spelling) > len(suffix):
            term = spelling[: -len(suffix)]
            return _safety(_term_spellings().get(term, term), suffix)
    term = _term_spellings().get(spelling, spelling)
    if term in vocabulary()["bare_terms"]:
        return _safety(term, "_any")
    return KnownEndpoint(spelling, "binary", spelling, spelling.replace("_", " "), known=False)


def known_endpoint(spelling: str, where: str = "endpoint") -> KnownEndpoint:
    """`endpoint`, refusing what the vocabulary does not know.

    Raises
    ------
    InputError
        With the nearest spellings.
    """
    found = endpoint(spelling)
    if not found.known:
        hint = nearest(spelling, vocabulary()["endpoints"])
        raise InputError(Problem(where, spelling, "is not an endpoint of the vocabulary", hint))
    return found


def family_of(spelling: str) -> tuple[str, ...]:
    """Names of the vocabulary that answer nearly the same question as an endpoint, itself among them."""
    family = endpoint(spelling).family
    return tuple(name for name, one in _endpoints().items() if one.family == family)


@cache
def trial_endpoints() -> Mapping[str, TrialEndpoint]:
    """Every endpoint that a virtual trial answers, in the order of the vocabulary."""
    rows = {name: row["trial"] for name, row in vocabulary()["endpoints"].items() if "trial" in row}
    found = {}
    for name, columns in rows.items():
        known = endpoint(name)
        columns = {**columns, "needs": tuple(columns.get("needs", ()))}
        found[name] = TrialEndpoint(name=name, better=known.better, label=known.label, **columns)
    return MappingProxyType(found)


def trial_names(*kinds: EndpointKind) -> tuple[str, ...]:
    """Names of the endpoints of some kinds; of every kind when none is named."""
    return tuple(name for name, one in trial_endpoints().items() if not kinds or one.kind in kinds)


def statistic(spelling: str) -> str | None:
    """The statistic meant by `spelling`, or None when the vocabulary does not know it."""
    return _spelled("statistics").get(_fold(spelling))


def measure(spelling: str) -> str | None:
    """The measure between two groups meant by `spelling`: matched whole, else by its first words."""
    spellings = _spelled("measures")
    folded = _fold(spelling)
    if folded in spellings:
        return spellings[folded]
    starts = [known for known in spellings if len(known) > 3 and folded.startswith(known)]
    return spellings[max(starts, key=len)] if starts else None


def takes(statistic_name: str) -> str:
    """What the value of a statistic or measure is: share, time, rate, ratio, difference or none."""
    words = vocabulary()
    return str((words["statistics"].get(statistic_name) or words["measures"][statistic_name])["takes"])


def months(value: float, unit: str) -> float:
    """A time in days, weeks or years, in months as `core.time` counts them."""
    return value * MONTHS_PER[unit]


def route(spelling: str | None) -> tuple[str | None, float | None]:
    """A route's name and, where the text says ``IV over 3 h``, the hours of the infusion."""
    if spelling is None:
        return None, None
    base, _, rest = spelling.partition(" over ")
    hours = re.match(r"([\d.]+) ?h", rest)
    for name, spellings in vocabulary()["routes"].items():
        if base.strip() in (name, *spellings):
            return name, float(hours[1]) if hours else None
    return None, None


def drug_class(text: str) -> str | None:
    """The class slug of a regimen's class text, or None."""
    for name, texts in vocabulary()["drug_classes"].items():
        if text == name or text in texts:
            return str(name)
    return None


@cache
def _spelled(section: str) -> dict[str, str]:
    return {
        _fold(spelling): name
        for name, entry in vocabulary()[section].items()
        for spelling in (name, *entry.get("aliases", ()))
    }


@cache
def _safety(term: str, suffix: str) -> KnownEndpoint:
    name = f"{term}{suffix}"
    if name in _endpoints():
        return _endpoints()[name]
    words = {"_any": "any grade", "_severe": "severe", "_serious": "serious"}
    grade = words.get(suffix) or suffix[1:].replace("grade", "grade ").replace("plus", " or more").replace("_", "-")
    return KnownEndpoint(name, "binary", term, f"{term.replace('_', ' ')}, {grade}", better="lower")


def _fold(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).lower()


def _without(entry: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in keys}
