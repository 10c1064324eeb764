"""`engager trial export`: ADaM files that read back, agree with the run's own estimates, and describe themselves."""

from __future__ import annotations

import json
import shutil
import warnings
from datetime import date
from xml.etree import ElementTree

import lifelines
import numpy as np
import pandas
import polars as pl
import pyreadstat
import pytest
import yaml

from engager.core import sha256_of
from engager.study import RunFolder, load_protocol, run_study
from engager.study.run.folder import sealed

NAMES = ("adsl", "adrs", "adtte", "adae", "adlb", "adex")
DAYS_PER_MONTH = 365.25 / 12
REPLICATE = 1
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
DEF = "{http://www.cdisc.org/ns/def/v2.1}"


@pytest.fixture(scope="module")
def run(tmp_path_factory, leave_out_report):
    """A small run of TOWER, two replicates, without its report."""
    with pytest.MonkeyPatch.context() as patch:
        leave_out_report(patch)
        out = tmp_path_factory.mktemp("runs") / "small"
        return run_study(load_protocol("tower"), replicates=2, patients=60, seed=11, out=out)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    from engager.study import export_adam

    return export_adam(run.path, tmp_path_factory.mktemp("adam") / "out", replicate=REPLICATE).folder


@pytest.fixture(scope="module")
def adam(exported):
    """Tables read back by pyreadstat, an empty text as missing."""
    return {name: read(exported / f"{name}.xpt")[0] for name in NAMES}


@pytest.fixture(scope="module")
def patients(run):
    return run.table("patients").filter(pl.col("replicate") == REPLICATE)


def read(path):
    table, meta = pyreadstat.read_xport(path, output_format="polars")
    return table.with_columns(pl.col(pl.String).replace("", None)), meta


def estimates(run, statistic):
    table = run.table("estimates")
    return table.filter((pl.col("replicate") == REPLICATE) & (pl.col("statistic") == statistic)).to_dicts()


def of_parameter(table, code):
    return table.filter(pl.col("PARAMCD") == code)


def median_of(fitter):
    """As R's quantile gives it: the middle of the stretch at one half (to the last day seen), not its beginning."""
    curve = fitter.survival_function_["KM_estimate"]
    at_half, below = curve.index[np.isclose(curve, 0.5, atol=1e-9)], curve.index[curve < 0.5 - 1e-9]
    if not len(at_half):
        return fitter.median_survival_time_
    return (at_half[0] + (below[0] if len(below) else curve.index[-1])) / 2


def test_kaplan_meier_medians_from_the_files_are_those_of_the_run(run, adam):
    finite = 0
    for one in estimates(run, "median"):
        rows = of_parameter(adam["adtte"], one["endpoint"].upper()).filter(
            (pl.col("TRTP") == one["arm"]) & (pl.col("ANL01FL") == "Y")
        )
        assert rows.height == one["n"]
        assert (rows["CNSR"] == 0).sum() == one["events"]
        if not rows.height:
            continue
        fitter = lifelines.KaplanMeierFitter().fit(rows["AVAL"].to_numpy(), (rows["CNSR"] == 0).to_numpy())
        finite += np.isfinite(one["value"])
        assert median_of(fitter) / DAYS_PER_MONTH == pytest.approx(one["value"], rel=1e-9)
    assert finite >= 3


def test_hazard_ratios_from_the_files_are_those_of_the_run(run, adam):
    found = estimates(run, "hazard_ratio")
    assert {one["endpoint"] for one in found} == {"OS", "EFS"}
    for one in found:
        treatment = one["arm"].split(" vs ")[0]
        rows = of_parameter(adam["adtte"], one["endpoint"])
        table = rows.select(
            "AVAL",
            event=(pl.col("CNSR") == 0).cast(pl.Int64),
            treated=(pl.col("TRTP") == treatment).cast(pl.Int64),
            stratum="STRATAR",
        ).to_pandas()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lifelines uses calls that pandas is about to retire
            fit = lifelines.CoxPHFitter().fit(
                table, "AVAL", "event", strata=["stratum"], fit_options={"precision": 1e-13}
            )
        # lifelines stops its Newton steps at 1e-7 of the likelihood unless told otherwise.
        assert np.exp(fit.params_["treated"]) == pytest.approx(one["value"], rel=1e-7)


def test_shares_from_the_files_are_those_of_the_run(run, adam):
    codes = {"CR": "CR", "CR/CRh": "CRCRH", "CR/CRh/CRi": "CRCRHCRI", "MRD_response": "MRDRESP",
             "HSCT_on_study": "HSCT", "HSCT_after_response": "HSCTRESP", "fatal_AE": "FATALAE"}  # fmt: skip
    events = {"CRS_any": ("Cytokine release syndrome", 1), "CRS_grade3plus": ("Cytokine release syndrome", 3),
              "neurologic_any": ("Neurologic event", 1), "neurologic_grade3plus": ("Neurologic event", 3)}  # fmt: skip
    told = set()
    for one in estimates(run, "proportion"):
        told.add(one["endpoint"])
        if one["endpoint"] in codes:
            rows = of_parameter(adam["adrs"], codes[one["endpoint"]]).filter(
                (pl.col("TRTP") == one["arm"]) & (pl.col("ANL01FL") == "Y")
            )
            assert (rows.height, (rows["AVALC"] == "Y").sum()) == (one["n"], one["events"]), one["endpoint"]
            assert rows.filter(pl.col("AVALC") == "Y")["ADT"].null_count() == 0
        else:
            term, grade = events[one["endpoint"]]
            struck = adam["adae"].filter(
                (pl.col("TRTP") == one["arm"]) & (pl.col("AETERM") == term) & (pl.col("AETOXGRN") >= grade)
            )
            safe = adam["adsl"].filter((pl.col("ARM") == one["arm"]) & (pl.col("SAFFL") == "Y"))
            assert (safe.height, struck["USUBJID"].n_unique()) == (one["n"], one["events"]), one["endpoint"]
    assert {"CR", "MRD_response", "CRS_grade3plus"} <= told


def test_fatal_events_are_the_fatal_adverse_events_of_the_run(run, adam):
    fatal = adam["adae"].filter((pl.col("AEOUT") == "FATAL") & (pl.col("TRTEMFL") == "Y"))
    found = of_parameter(adam["adrs"], "FATALAE").filter((pl.col("AVALC") == "Y") & (pl.col("ANL01FL") == "Y"))
    assert sorted(fatal["USUBJID"]) == sorted(found["USUBJID"])
    assert fatal["AENDT"].null_count() == 0


def test_subjects_are_the_patients_of_the_replicate(adam, patients):
    adsl = adam["adsl"]
    assert adsl["USUBJID"].n_unique() == adsl.height == patients.height
    assert adsl["USUBJID"][0] == "tower-1-blinatumomab-00"
    numbered = patients.with_columns(pl.col("patient").cast(pl.Float64))
    both = adsl.join(numbered, left_on=["ARM", "PATNUM"], right_on=["arm", "patient"])
    assert both.height == patients.height
    assert (both["SAFFL"] == pl.Series(["Y" if treated else "N" for treated in both["treated"]])).all()
    assert (both["AGE"] == both["age_years"].floor()).all()
    assert (both["BMBLSTBL"] == both["marrow_blasts_percent"]).all()  # not a bit is lost in the file
    assert (both["STRAT1R"] == pl.Series(["Y" if age < 35 else "N" for age in both["age_years"]])).all()
    died = both.filter(pl.col("death_day").is_not_null())
    assert (died["DTHFL"] == "Y").all()
    assert ((died["DTHDT"] - died["RANDDT"]).dt.total_days() == died["death_day"].floor()).all()
    assert both.filter(pl.col("death_day").is_null())["DTHDT"].null_count() == patients.height - died.height
    assert adsl.filter(pl.col("SAFFL") == "N")["TRT01A"].null_count() == (adsl["SAFFL"] == "N").sum()
    assert set(adsl["EOTSTT"].drop_nulls()) <= {"COMPLETED", "DISCONTINUED", "ONGOING"}


def test_a_time_is_the_difference_of_its_two_instants(adam):
    adtte = adam["adtte"]
    elapsed = (adtte["ADTM"] - adtte["STARTDTM"]).dt.total_microseconds() / 86_400e6
    assert (elapsed - adtte["AVAL"]).abs().max() < 2e-6  # AVAL is rounded to a millionth of a day
    assert (adtte["ADTM"].dt.date() == adtte["ADT"]).all()
    assert (adtte["CNSDTDSC"].is_null() == (adtte["CNSR"] == 0)).all()


def test_times_stopped_at_transplant_are_never_longer(adam, patients):
    key = ["USUBJID", "AVAL", "CNSR"]
    free, stopped = (of_parameter(adam["adtte"], code).select(key) for code in ("OS", "OSHC"))
    both = free.join(stopped, on="USUBJID", suffix="_stopped")
    assert (both["AVAL_stopped"] <= both["AVAL"]).all()
    n_transplanted = patients["hsct_day"].count()
    described = of_parameter(adam["adtte"], "OSHC")["EVNTDESC"]
    assert 0 < (described == "CENSORED AT TRANSPLANT").sum() <= n_transplanted
    assert of_parameter(adam["adtte"], "OSHC")["ANL01FL"].null_count() == patients.height


def test_best_response_is_dated_by_the_day_it_was_first_reached(adam, patients):
    best = of_parameter(adam["adrs"], "BOR")
    counts = {str(k).upper(): n for k, n in patients.group_by("best_response").len().rows()}
    assert {str(k).upper(): n for k, n in best.group_by("AVALC").len().rows()} == counts
    assert (best.filter(pl.col("AVALC") == "NONE")["ADT"].null_count()) == counts["NONE"]
    complete = best.filter(pl.col("AVALC") == "CR").join(
        of_parameter(adam["adrs"], "CRFIRST"), on="USUBJID", suffix="_first"
    )
    assert (complete["ADT"] == complete["ADT_first"]).all()
    assert (best["CRIT1FL"] == "Y").sum() == patients.height - counts["NONE"]


def test_visits_are_all_there_and_baseline_is_day_0(run, adam):
    visits = run.table("visits").filter(pl.col("replicate") == REPLICATE)
    neutrophils = of_parameter(adam["adlb"], "NEUT")
    assert sorted(neutrophils["AVAL"]) == sorted(visits["anc_per_uL"])
    assert (adam["adlb"].filter(pl.col("ABLFL") == "Y")["ADY"] == 1).all()
    later = neutrophils.filter(pl.col("ABLFL").is_null())
    assert (later["CHG"] - (later["AVAL"] - later["BASE"])).abs().max() < 1e-9
    flagged = adam["adlb"].filter(pl.col("ANL01FL") == "Y").select("USUBJID", "PARAMCD", "AVISIT")
    assert not flagged.is_duplicated().any()
    blasts = of_parameter(adam["adlb"], "BMBLAST").filter(pl.col("ABLFL") == "Y")
    assert sorted(blasts["AVAL"]) == sorted(adam["adsl"]["BMBLSTBL"])


def test_infusion_rates_are_exported_where_the_run_kept_them(engager, run, adam, tmp_path):
    assert of_parameter(adam["adex"], "RATE").is_empty()  # daily courses are kept of replicate 0
    assert engager("trial", "export", run.path, "--out", tmp_path / "first").code == 0
    rates = of_parameter(read(tmp_path / "first" / "adex.xpt")[0], "RATE")
    assert set(rates["TRTP"]) == {"blinatumomab"}
    first = rates.filter(pl.col("ASEQ") == 1)
    assert (first["AVAL"] == 9.0).all()  # ug/day in week 1 at 45 kg or more
    assert (first["ASTDY"] == 1).all()
    days = run.table("trajectories").filter((pl.col("dose_ug_per_day") > 0) & (pl.col("arm") == "blinatumomab"))
    ends = run.table("patients").filter(pl.col("replicate") == 0).select("arm", "patient", "followup_day")
    seen = days.join(ends, on=["arm", "patient"]).filter(pl.col("day") <= pl.col("followup_day"))
    assert (rates["AENDY"] - rates["ASTDY"] + 1).sum() == seen.height


@pytest.mark.parametrize("name", NAMES)
def test_a_file_keeps_the_rules_of_transport_files(exported, name):
    table, meta = read(exported / f"{name}.xpt")
    assert (exported / f"{name}.xpt").read_bytes().startswith(b"HEADER RECORD*******LIBRARY HEADER RECORD")
    assert meta.table_name == name.upper()
    assert all(len(column) <= 8 and column == column.upper() for column in table.columns)
    assert all(0 < len(label) <= 40 for label in meta.column_names_to_labels.values())
    assert all(width <= 200 for width in meta.variable_storage_width.values())
    dates = [column for column in table.columns if column.endswith("DT")]
    assert all(meta.original_variable_types[column] == "DATE9" for column in dates)
    keys = [one for one in ("USUBJID", "AESEQ", "PARAMN", "ASEQ", "ADT", "AVISITN") if one in table.columns]
    assert not table.select(keys).is_duplicated().any()
    assert table["USUBJID"].is_sorted()


@pytest.mark.parametrize("name", NAMES)
def test_another_reader_finds_the_same(exported, name):
    """The reader of pandas shares no code with the writer."""
    table, meta = read(exported / f"{name}.xpt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about how it builds its frame
        other = pandas.read_sas(exported / f"{name}.xpt", format="xport", encoding="ascii")
    assert list(other.columns) == table.columns
    for column, dtype in table.schema.items():
        if dtype == pl.String:
            mine, theirs = table[column].fill_null("").to_list(), other[column].fillna("").to_list()
        elif meta.original_variable_types[column] is None:
            # pandas reads a zero as the smallest number of the format.
            theirs = [0.0 if 0 < value < 1e-70 else value for value in other[column].fillna(-1.0)]
            mine = table[column].fill_null(-1.0).to_list()
        elif dtype == pl.Date:
            days = (table[column] - date(1960, 1, 1)).dt.total_days()
            mine, theirs = days.fill_null(-1).to_list(), other[column].fillna(-1).to_list()
        else:
            continue
        assert mine == theirs, column


def test_define_describes_every_variable_of_every_file(exported):
    root = ElementTree.parse(exported / "define.xml").getroot()
    assert root.tag == f"{ODM}ODM"
    items = {item.get("OID"): item for item in root.iter(f"{ODM}ItemDef")}
    for name in NAMES:
        table, meta = read(exported / f"{name}.xpt")
        group = next(one for one in root.iter(f"{ODM}ItemGroupDef") if one.get("Name") == name.upper())
        described = [items[one.get("ItemOID")] for one in group.findall(f"{ODM}ItemRef")]
        assert [item.get("Name") for item in described] == table.columns
        labels = [item.find(f"{ODM}Description/{ODM}TranslatedText").text for item in described]
        assert labels == list(meta.column_names_to_labels.values())
        assert group.find(f"{DEF}leaf").get("{http://www.w3.org/1999/xlink}href") == f"{name}.xpt"


def test_define_names_nothing_that_it_does_not_hold(exported):
    root = ElementTree.parse(exported / "define.xml").getroot()
    held = [one.get("OID") or one.get("ID") for one in root.iter() if one.get("OID") or one.get("ID")]
    assert len(held) == len(set(held))
    named = {
        value
        for one in root.iter()
        for key, value in one.attrib.items()
        if key.split("}")[-1].endswith("OID") and key not in ("OID", "FileOID")
    }
    assert len(named) > 100
    assert named <= set(held)


def test_every_flag_and_every_published_vocabulary_has_its_code_list(exported):
    root = ElementTree.parse(exported / "define.xml").getroot()
    lists = {one.get("OID"): one for one in root.iter(f"{ODM}CodeList")}
    standards = {one.get("OID"): one for one in root.iter(f"{DEF}Standard")}
    published = {"SEX", "AGEU", "EOTSTT", "AEOUT", "AEACN", "AESER", "AESEV"}
    met = set()
    for item in root.iter(f"{ODM}ItemDef"):
        name, dataset = item.get("Name"), item.get("OID").split(".")[1].lower()
        if item.get("OID").count(".") != 2 or not (name in published or name.endswith("FL")):
            continue
        met.add(name)
        listed = lists[item.find(f"{ODM}CodeListRef").get("CodeListOID")]
        assert listed.get(f"{DEF}IsNonStandard") is None
        package = standards[listed.get(f"{DEF}StandardOID")]
        assert (package.get("Name"), package.get("Type")) == ("CDISC/NCI", "CT")
        assert package.get("PublishingSet") in ("SDTM", "ADaM")
        values = {one.get("CodedValue") for one in listed.findall(f"{ODM}CodeListItem")}
        assert set(read(exported / f"{dataset}.xpt")[0][name].drop_nulls()) <= values, name
        terms = [one for one in listed.findall(f"{ODM}CodeListItem") if one.get("CodedValue") != "ONGOING"]  # not seen
        codes = [one.find(f"{ODM}Alias").get("Name") for one in (listed, *terms)]
        assert all(code.startswith("C") and code[1:].isdigit() for code in codes)
    assert published <= met
    assert len([name for name in met if name.endswith("FL")]) >= 12


def test_sex_is_the_published_list(exported):
    root = ElementTree.parse(exported / "define.xml").getroot()
    sex = next(one for one in root.iter(f"{ODM}CodeList") if one.get("Name") == "Sex")
    assert sex.find(f"{ODM}Alias").get("Name") == "C66731"
    codes = {i.get("CodedValue"): i.find(f"{ODM}Alias").get("Name") for i in sex.findall(f"{ODM}CodeListItem")}
    assert codes == {"F": "C16576", "M": "C20197"}


def test_each_dataset_names_the_guide_it_follows(exported):
    root = ElementTree.parse(exported / "define.xml").getroot()
    guides = {one.get("Name"): one.get(f"{DEF}StandardOID") for one in root.iter(f"{ODM}ItemGroupDef")}
    assert guides == {
        "ADSL": "STD.ADAMIG", "ADRS": "STD.ADAMIG", "ADLB": "STD.ADAMIG", "ADEX": "STD.ADAMIG",
        "ADTTE": "STD.TTE", "ADAE": "STD.OCCDS",
    }  # fmt: skip


def test_grade_4_and_5_events_are_serious_and_the_rest_is_said_to_be_open(exported, adam):
    events = adam["adae"]
    serious = pl.col("AESER") == "Y"
    assert events.filter(serious)["AETOXGRN"].min() >= 4
    assert events.filter(~serious.fill_null(False))["AETOXGRN"].max() < 4
    assert (
        events.filter(pl.col("AETOXGRN") == 5)["AESER"].to_list()
        == ["Y"] * events.filter(pl.col("AETOXGRN") == 5).height
    )
    root = ElementTree.parse(exported / "define.xml").getroot()
    told = next(one for one in root.iter(f"{DEF}CommentDef") if one.get("OID") == "COM.LEFTOUT")
    assert "AESER" in "".join(told.itertext())


def seal_again(folder, **changes):
    """Let a folder that was changed pass for a run that came out so."""
    manifest = {**json.loads((folder / "run.json").read_text()), **changes}
    manifest["sha256"] = {name: sha256_of(folder / name) for name in manifest["sha256"]}
    (folder / "run.json").write_text(json.dumps(sealed(manifest)))


def test_a_run_that_was_altered_is_not_exported(engager, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    run.table("events").reverse().write_parquet(tmp_path / "run" / "events.parquet")
    found = engager("trial", "export", tmp_path / "run", "--out", tmp_path / "out")
    assert (found.code, "events.parquet is altered" in found.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_failed_patient_is_in_adsl_only(engager, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    table = run.table("patients")
    first = (pl.col("patient") == 0) & (pl.col("arm") == "blinatumomab") & (pl.col("replicate") == 0)
    table.with_columns(failed=pl.col("failed") | first).write_parquet(tmp_path / "run" / "patients.parquet")
    seal_again(tmp_path / "run")
    found = engager("trial", "export", tmp_path / "run", "--out", tmp_path / "out", "--json")
    assert json.loads(found.out)["n_failed"] == 1
    adsl = read(tmp_path / "out" / "adsl.xpt")[0].row(0, named=True)
    assert (adsl["PATNUM"], adsl["FAILFL"], adsl["ITTFL"], adsl["SAFFL"]) == (0, "Y", "N", "N")
    assert adsl["EOSDT"] is None
    for name in NAMES[1:]:
        assert adsl["USUBJID"] not in read(tmp_path / "out" / f"{name}.xpt")[0]["USUBJID"].to_list()


def test_competing_events_and_two_windows_of_one_endpoint_are_kept_apart(engager, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    study = yaml.safe_load(run.manifest["protocol"])
    study["endpoints"] = ["CIR", "TRM", {"id": "CR", "window_weeks": 5}, {"id": "CR", "window_weeks": 12}]
    # The first relapse becomes a death in remission, lest there be none.
    first = (pl.col("relapse_day") == pl.col("relapse_day").min().over("replicate")).fill_null(False)
    died = pl.when(first).then(pl.col("relapse_day")).otherwise(pl.col("death_day"))
    kept = {name: pl.when(~first).then(pl.col(name)) for name in ("relapse_day", "hsct_day", "hsct_in_response")}
    changed = run.table("patients").with_columns(death_day=died, **kept)
    changed.write_parquet(tmp_path / "run" / "patients.parquet")
    seal_again(tmp_path / "run", protocol=yaml.safe_dump(study))
    patients = changed.filter(pl.col("replicate") == 0)
    found = engager("trial", "export", tmp_path / "run", "--out", tmp_path / "out")
    assert found.code == 0, found.err
    adtte, adrs = (read(tmp_path / "out" / f"{name}.xpt")[0] for name in ("adtte", "adrs"))
    responders = patients.filter(pl.col("response_day").is_not_null())
    relapse = of_parameter(adtte, "CIR")
    assert relapse.height == responders.height
    assert (relapse["CNSR"] == 0).sum() == responders["relapse_day"].count()
    only_died = responders.filter(pl.col("relapse_day").is_null() & pl.col("death_day").is_not_null())
    assert (relapse["CNSR"] == 2).sum() == only_died.height > 0
    assert of_parameter(adtte, "TRM").height == patients["hsct_day"].count()
    early, late = ((of_parameter(adrs, code)["AVALC"] == "Y").sum() for code in ("CR", "CR2"))
    assert early == (patients["cr_day"] <= 35).sum()
    assert late == (patients["cr_day"] <= 84).sum()


def test_dates_rest_on_the_reference_date(engager, run, tmp_path):
    found = engager("trial", "export", run.path, "--out", tmp_path / "o", "--reference-date", "2020-05-01")
    assert found.code == 0, found.err
    entered = read(tmp_path / "o" / "adsl.xpt")[0]["RANDDT"]
    months = run.table("patients").filter(pl.col("replicate") == 0)["entry_month"]
    assert (entered.min() - date(2020, 5, 1)).days == int(months.min() * DAYS_PER_MONTH)
    assert (entered.max() - date(2020, 5, 1)).days == int(months.max() * DAYS_PER_MONTH)


def test_the_command_tells_what_it_wrote_and_left_out(engager, run, tmp_path):
    found = engager("trial", "export", run.path, "--format", "adam", "--out", tmp_path / "out")
    assert found.code == 0, found.err
    assert "ADTTE" in found.out
    assert "Left out: Race" in found.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [*(f"{name}.xpt" for name in NAMES), "define.xml"]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--replicate", 2), "must be from 0 to 1; the run has 2 replicates"),
        (("--replicate", -1), "must be from 0 to 1"),
        (("--format", "sdtm"), "must be one of xlsx, csv, adam"),
        (("--reference-date", "1582-01-01"), "must be from 1900-01-01"),
    ],
)
def test_a_bad_option_is_told_and_nothing_written(engager, run, tmp_path, options, words):
    found = engager("trial", "export", run.path, "--out", tmp_path / "out", *options)
    assert found.code == 2
    assert words in found.err
    assert not list(tmp_path.iterdir())


def test_what_is_no_run_or_is_in_the_way_is_told(engager, run, tmp_path):
    nothing = engager("trial", "export", tmp_path, "--out", tmp_path / "out")
    assert (nothing.code, "must be a finished run" in nothing.err) == (2, True)
    taken = engager("trial", "export", run.path, "--out", tmp_path)
    assert (taken.code, "must not exist yet" in taken.err) == (2, True)
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "visits.parquet").unlink()
    broken = engager("trial", "export", tmp_path / "run", "--out", tmp_path / "out")
    assert (broken.code, "visits.parquet" in broken.err) == (2, True)
    run.table("patients").drop("crh_day").write_parquet(tmp_path / "run" / "patients.parquet")
    older = engager("trial", "export", tmp_path / "run", "--out", tmp_path / "out")
    assert older.code == 2
    assert not (tmp_path / "out").exists()


def test_a_missing_pyreadstat_is_named(engager, run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyreadstat", None)
    found = engager("trial", "export", run.path, "--out", tmp_path / "out")
    assert (found.code, "engager[adam]" in found.err) == (2, True)


def test_the_run_itself_is_left_as_it_was(run, exported):
    assert RunFolder.open(run.path).manifest == run.manifest
    assert exported.is_dir()
