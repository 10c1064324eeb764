"""A finished run on disk.

run.json            manifest: inputs and their hashes, seed, versions, timing, digests of the tables, SHA-256 of every
                    file, and a seal: the digest of the manifest itself
study.yaml          the study that was run, every default filled
patients.parquet    visits.parquet  events.parquet  trajectories.parquet    (docs/architecture.md)
estimates.parquet   every endpoint, arm, replicate
comparisons.json    published beside simulated
report.html         for people; not there after `--no-report`

What is read here was checked against the manifest first: a file that somebody changed is refused, not believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from engager.core import InputError, Problem, digest_object, read_json, sha256_of
from engager.protocol import Protocol, read_protocol
from engager.report import Verdict, is_near_edge, verdict_of
from engager.study.failures import extremes, failure_sentence, is_judged, why_unknown
from engager.study.plain_json import plain_json
from engager.study.run.tables import TABLES, read_table
from engager.study.run.workplace import MANIFEST, MARKER
from engager.trial import TrialData

if TYPE_CHECKING:
    import polars as pl

MANIFEST_VERSION = 2
STUDY = "study.yaml"


@dataclass(frozen=True)
class RunFolder:
    """A run: its folder and its manifest."""

    path: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path, believe: bool = False) -> RunFolder:
        """Open a run by its folder or its ``run.json``.

        Parameters
        ----------
        believe : take a manifest that was changed after the run; what it says may be wrong.

        Raises
        ------
        InputError
            When there is no finished run, its manifest cannot be read or was changed, or its study file was.
        """
        given = Path(path)
        folder = given.parent if given.name == MANIFEST else given
        manifest = folder / MANIFEST
        if not manifest.is_file():
            hint = "Finish it with --resume." if (folder / MARKER).exists() else "Runs are folders with a run.json."
            raise InputError(Problem("run", path, "must be a finished run", hint))
        try:
            content = read_json(manifest)
        except (OSError, ValueError) as error:
            raise InputError(Problem("run", str(manifest), f"must be a readable manifest ({error})")) from error
        if not isinstance(content, dict) or content.get("manifest_version") != MANIFEST_VERSION:
            raise InputError(Problem("run", str(manifest), f"must be a manifest of version {MANIFEST_VERSION}"))
        found = cls(folder, content)
        if not believe and not found.is_sealed:
            raise InputError(_altered(manifest))
        if not believe:
            # The study is read from the manifest; one beside it that says otherwise would mislead whoever opens it.
            found.check(STUDY)
        return found

    @property
    def is_sealed(self) -> bool:
        """Whether the manifest is as the run left it."""
        return bool(self.manifest.get("seal") == sealed(self.manifest)["seal"])

    def altered(self, *names: str) -> dict[str, str]:
        """Of these files, or all, those not as the run left them: ``altered``, ``missing``, ``unreadable`` by name."""
        found = {} if self.is_sealed else {MANIFEST: "altered"}
        for name, then in self.manifest.get("sha256", {}).items():
            if names and name not in names:
                continue
            try:
                if sha256_of(self.path / Path(name).name) != then:
                    found[name] = "altered"
            except FileNotFoundError:
                found[name] = "missing"
            except OSError:
                found[name] = "unreadable"
        return found

    def check(self, *names: str) -> None:
        """Refuse files that are not as the run left them; without names, all.

        Raises
        ------
        InputError
            With all of them.
        """
        if wrong := self.altered(*names):
            raise InputError([_altered(self.path / name, how) for name, how in wrong.items()])

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def protocol(self) -> Protocol:
        """The study that was run."""
        return read_protocol(str(self.manifest["protocol"]), f"{self.id}/{MANIFEST}: protocol")

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def comparisons(self) -> list[dict[str, Any]]:
        """Published beside simulated; one entry per target."""
        self.check("comparisons.json")
        found: list[dict[str, Any]] = json.loads((self.path / "comparisons.json").read_text(encoding="utf-8"))
        return found

    def table(self, name: str) -> pl.DataFrame:
        """``patients``, ``visits``, ``events``, ``trajectories`` or ``estimates``."""
        self.check(f"{name}.parquet")
        return read_table(self.path, name)

    def trial_data(self) -> TrialData:
        """The tables as they came from the simulation."""
        return TrialData(self.protocol, **{name: self.table(name) for name in TABLES})

    def predictions(self) -> list[dict[str, Any]]:
        """Every estimated endpoint: median and 95 % interval over the replicates, by arm.

        An endpoint that the study defines more than once has a ``definition``; one of an arm of which patients failed
        has ``if_failed``, its medians if none of them had had the event and if all had. A median that is null has a
        ``reason``: not reached, or not estimable.
        """
        from engager.analysis import AT_ONE_TIME, prediction_interval
        from engager.study.run.requests import definitions_of

        found = []
        definitions = definitions_of(self.protocol)
        keys = ["request", "arm", "endpoint", "statistic", "time_months"]
        for values, rows in self.table("estimates").group_by(keys, maintain_order=True):
            one = dict(zip(keys[1:], values[1:], strict=True))
            interval = prediction_interval(
                rows["value"].to_numpy(), n=rows["n"].to_numpy(), at_one_time=one["statistic"] in AT_ONE_TIME
            )
            if definition := definitions[int(values[0])]:
                one["definition"] = definition
            if rows["n_failed"].sum():
                one |= self._if_failed(int(values[0]), str(one["arm"]), str(one["statistic"]), rows)
            if reason := why_unknown(interval.median):
                one["reason"] = reason
            found.append({**one, "median": interval.median, "low": interval.low, "high": interval.high})
        answer: list[dict[str, Any]] = plain_json(found)
        return answer

    def _if_failed(self, request: int, arm: str, statistic: str, rows: pl.DataFrame) -> dict[str, Any]:
        """The figure of an arm if none of the failed patients had had the event, and if all had; else nothing."""
        if statistic == "proportion":
            counts = rows.select("events", "n", "n_failed").iter_rows()
            none, every = map(list, zip(*(extremes(*row) for row in counts), strict=True))
        elif statistic in ("median", "survival_at", "cumulative_at"):
            from engager.analysis import estimate_endpoints
            from engager.study.run.requests import requests_of

            asked, setting = replace(requests_of(self.protocol)[request], arm=arm), self.protocol.population.setting
            both = (
                estimate_endpoints(self.table("patients"), [asked], setting, how, replicates=self.replicates)
                for how in ("censored", "event")
            )
            none, every = (frame["value"].to_list() for frame in both)
        else:
            return {}
        return {"if_failed": {"none": median(none), "all": median(every)}}

    @property
    def is_judged(self) -> bool:
        """Whether so few patients failed that figures may be judged."""
        return is_judged(self.manifest["n_failed"], self.n_patients)

    @property
    def replicates(self) -> range:
        """Numbers of its virtual trials, also of those in which nobody entered before the data cut."""
        return range(int(self.manifest["replicates"]))

    @property
    def n_patients(self) -> int:
        """Of all replicates, without those whose turn to enter came after the data cut."""
        planned = int(self.manifest["replicates"]) * int(self.manifest["patients_per_replicate"])
        return planned - int(self.manifest.get("n_after_cut", 0))

    @property
    def remarks(self) -> list[str]:
        """What to know of its patients, a sentence each: those who came after the data cut, those who failed."""
        from engager.study.notes import after_cut_sentence

        n_after_cut = int(self.manifest.get("n_after_cut", 0))
        planned = self.n_patients + n_after_cut
        told = (
            after_cut_sentence(n_after_cut, planned),
            failure_sentence(int(self.manifest["n_failed"]), self.n_patients),
        )
        return [sentence for sentence in told if sentence]

    @property
    def outside_fit(self) -> list[str]:
        """What of the study lies outside what was fitted, a sentence each."""
        return [str(one) for one in self.manifest.get("outside_fit", ())]

    @property
    def verdict(self) -> Verdict:
        """How many published figures lie inside, by how they were used, and what the intervals cover."""
        return verdict_of(self.comparisons, int(self.manifest["replicates"]))

    def summary(self) -> dict[str, Any]:
        """What ``engager trial run --json`` prints."""
        kept = ("trial", "seed", "replicates", "patients_per_replicate", "seconds", "n_after_cut", "n_failed")
        manifest = {"n_after_cut": 0, **self.manifest}  # runs made before it was counted have none
        return {
            "run": str(self.path),
            **{key: manifest[key] for key in kept},
            "outside_fit": list(self.outside_fit),
            "verdict": self.verdict.as_json(),
            "comparisons": [{**one, "near_edge": is_near_edge(one)} for one in self.comparisons],
        }


def sealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with its ``seal``, the digest of all the rest."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    return {**rest, "seal": digest_object(rest)}


def _altered(path: Path, how: str = "altered") -> Problem:
    hint = "engager replay shows what differs; run the study again to repair it."
    return Problem(f"run: {path.name} is {how}", path, "must be as the run left it", hint)
