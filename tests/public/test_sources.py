"""A source that the code cites is in the evidence base."""

from __future__ import annotations

import re
from pathlib import Path

import engager
from engager.evidence import load_records, load_regimens
from engager.model import model_ids

SOURCE = Path(engager.__file__).parent
# An author or trial and a year, as ids of records are written.
CITED = re.compile(r"(?<![\w./-])[a-z]+(?:-[a-z0-9]+)*-(?:19|20)\d\d(?:-[a-z0-9]+)*(?![\w.-]*\w)")


def test_records_cited_in_code_are_in_the_evidence_base():
    known = {*load_records(), *load_regimens(), *model_ids()}
    cited = {
        name: path.relative_to(SOURCE)
        for path in SOURCE.rglob("*.py")
        for name in CITED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(cited) > 10
    assert {name: path for name, path in cited.items() if name not in known} == {}


def test_each_module_that_decides_about_patients_cites_a_source_or_the_table_of_assumptions():
    files = [SOURCE / "trial" / name for name in ("decisions.py", "dosing.py", "transplant.py", "treatment.py")]
    files += [SOURCE / "trial" / "strikes" / "toxicity.py", SOURCE / "trial" / "response" / "assessment.py"]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "evidence:" in text or "assumptions.yaml" in text, path.name
