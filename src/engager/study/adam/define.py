"""Define-XML 2.1 of an export: every dataset, variable, code and derivation, for programs to read.

References
----------
CDISC Define-XML 2.1; ODM 1.3.2. The namespaces are those of the standard's schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from engager.protocol import Protocol
from engager.study.adam.dataset import Dataset, Parameter, Variable
from engager.study.adam.terminology import LISTS, OID_OF_GUIDE, STANDARDS, CodeList

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ODM = "http://www.cdisc.org/ns/odm/v1.3"
_DEF = "http://www.cdisc.org/ns/def/v2.1"
_XLINK = "http://www.w3.org/1999/xlink"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LEFT_OUT = "COM.LEFTOUT"
_TYPES = {"text": "text", "integer": "integer", "float": "float", "date": "integer", "datetime": "float"}
_FORMATS = {"date": "DATE9.", "datetime": "DATETIME26.6"}
_NUMBER_BYTES = 8


def write_define(
    path: Path, protocol: Protocol, datasets: Sequence[Dataset], left_out: Sequence[str], version: str
) -> None:
    """Write ``define.xml`` beside the transport files."""
    for prefix, uri in (("", _ODM), ("def", _DEF), ("xlink", _XLINK)):
        ElementTree.register_namespace(prefix, uri)
    root = ElementTree.Element(
        f"{{{_ODM}}}ODM",
        {
            "ODMVersion": "1.3.2",
            "FileType": "Snapshot",
            "FileOID": f"DEF.{protocol.study}",
            "CreationDateTime": datetime.now(UTC).isoformat(timespec="seconds"),
            "Originator": "engager",
            "SourceSystem": "engager",
            "SourceSystemVersion": version,
            f"{{{_DEF}}}Context": "Other",
        },
    )
    study = _add(root, "Study", OID=f"STUDY.{protocol.study}")
    names = _add(study, "GlobalVariables")
    _add(names, "StudyName").text = protocol.study
    _add(names, "StudyDescription").text = f"Simulated: {protocol.title or protocol.study}. No real patients."
    _add(names, "ProtocolName").text = protocol.study
    held = _add(study, "MetaDataVersion", OID="MDV.1", Name=f"{protocol.study} analysis datasets", def_DefineVersion=
                "2.1.0", def_CommentOID=_LEFT_OUT)  # fmt: skip
    standards = _add(held, "def_Standards")
    for oid, name, kind, number, publishing_set in STANDARDS:
        one = _add(standards, "def_Standard", OID=oid, Name=name, Type=kind, Version=number, Status="Final")
        if publishing_set:
            one.set("PublishingSet", publishing_set)
    _describe(held, datasets, left_out)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _describe(held: Element, datasets: Sequence[Dataset], left_out: Sequence[str]) -> None:
    """The parts of a MetaDataVersion in the order that the schema asks for."""
    for one in datasets:
        _value_list(held, one)
    for one in datasets:
        for parameter in one.parameters:
            clause = _add(held, "def_WhereClauseDef", OID=_clause(one, parameter))
            check = _add(clause, "RangeCheck", Comparator="EQ", SoftHard="Soft", def_ItemOID=f"IT.{one.name}.PARAMCD")
            _add(check, "CheckValue").text = parameter.code
    for one in datasets:
        _item_group(held, one)
    for one in datasets:
        for variable in one.variables:
            _item(held, one, variable)
        for parameter in one.parameters:
            _value_item(held, one, parameter)
    for one in datasets:
        for variable in one.variables:
            if variable.codes and not variable.standard_list:
                _codes(held, one, variable)
    used = {variable.standard_list for one in datasets for variable in one.variables}
    for name, listed in LISTS.items():
        if name in used:
            _published_codes(held, name, listed)
    for oid, name, text in _methods(datasets):
        method = _add(held, "MethodDef", OID=oid, Name=name, Type="Computation")
        _text(_add(method, "Description"), text)
    comments = [(_LEFT_OUT, "Left out: " + " ".join(left_out))]
    comments += [
        (f"COM.{one.name}.{variable.name}", variable.told)
        for one in datasets
        for variable in one.variables
        if variable.origin == "Assigned"
    ]
    for oid, text in comments:
        _text(_add(_add(held, "def_CommentDef", OID=oid), "Description"), text)


def _item_group(held: Element, one: Dataset) -> None:
    group = _add(
        held, "ItemGroupDef", OID=f"IG.{one.name}", Name=one.name, SASDatasetName=one.name,
        Repeating="No" if one.name == "ADSL" else "Yes", IsReferenceData="No", Purpose="Analysis",
        def_StandardOID=OID_OF_GUIDE[one.standard], def_Structure=one.structure, def_ArchiveLocationID=f"LF.{one.name}",
    )  # fmt: skip
    if one.table.is_empty():
        group.set(f"{{{_DEF}}}HasNoData", "Yes")
    _text(_add(group, "Description"), one.label)
    for number, variable in enumerate(one.variables, start=1):
        reference = _add(group, "ItemRef", ItemOID=f"IT.{one.name}.{variable.name}", OrderNumber=str(number))
        reference.set("Mandatory", "Yes" if variable.name in one.keys else "No")
        if variable.name in one.keys:
            reference.set("KeySequence", str(one.keys.index(variable.name) + 1))
        if variable.origin == "Derived":
            reference.set("MethodOID", f"MT.{one.name}.{variable.name}")
    kind = _add(group, "def_Class", Name=one.kind)
    if one.subkind:
        _add(kind, "def_SubClass", Name=one.subkind)
    leaf = _add(group, "def_leaf", ID=f"LF.{one.name}")
    leaf.set(f"{{{_XLINK}}}href", f"{one.name.lower()}.xpt")
    _add(leaf, "def_title").text = f"{one.name.lower()}.xpt"


def _item(held: Element, one: Dataset, variable: Variable) -> None:
    item = _add(
        held, "ItemDef", OID=f"IT.{one.name}.{variable.name}", Name=variable.name, SASFieldName=variable.name,
        DataType=_TYPES[variable.kind],
    )  # fmt: skip
    _measure(item, one, variable)
    if variable.origin == "Assigned":
        item.set(f"{{{_DEF}}}CommentOID", f"COM.{one.name}.{variable.name}")
    _text(_add(item, "Description"), variable.label)
    if variable.standard_list:
        _add(item, "CodeListRef", CodeListOID=f"CL.{variable.standard_list}")
    elif variable.codes:
        _add(item, "CodeListRef", CodeListOID=f"CL.{one.name}.{variable.name}")
    origin = _add(item, "def_Origin", Type=variable.origin, Source="Sponsor")
    if variable.origin == "Predecessor":
        _text(_add(origin, "Description"), variable.told)
        origin.attrib.pop("Source")
    if variable.name in _holders(one):
        _add(item, "def_ValueListRef", ValueListOID=f"VL.{one.name}.{variable.name}")


def _measure(item: Element, one: Dataset, variable: Variable) -> None:
    """Length, decimals and format of a variable."""
    if variable.kind == "text":
        longest = max(one.table[variable.name].drop_nulls().str.len_bytes().to_list(), default=0)
        item.set("Length", str(max(longest, 1)))
        return
    item.set("Length", str(_NUMBER_BYTES))
    if _TYPES[variable.kind] == "float":
        item.set("SignificantDigits", "6")
    if variable.kind in _FORMATS:
        item.set(f"{{{_DEF}}}DisplayFormat", _FORMATS[variable.kind])


def _value_list(held: Element, one: Dataset) -> None:
    """One list for each variable that holds values by parameter."""
    for name in _holders(one):
        values = _add(held, "def_ValueListDef", OID=f"VL.{one.name}.{name}")
        held_here = [parameter for parameter in one.parameters if parameter.holds == name]
        for number, parameter in enumerate(held_here, start=1):
            reference = _add(
                values, "ItemRef", ItemOID=f"IT.{one.name}.{name}.{parameter.code}", OrderNumber=str(number),
                Mandatory="No", MethodOID=f"MT.{one.name}.PARAMCD.{parameter.code}",
            )  # fmt: skip
            _add(reference, "def_WhereClauseRef", WhereClauseOID=_clause(one, parameter))


def _value_item(held: Element, one: Dataset, parameter: Parameter) -> None:
    variable = next(v for v in one.variables if v.name == parameter.holds)
    item = _add(
        held, "ItemDef", OID=f"IT.{one.name}.{variable.name}.{parameter.code}", Name=parameter.code,
        DataType=_TYPES[variable.kind],
    )  # fmt: skip
    _measure(item, one, variable)
    _text(_add(item, "Description"), parameter.text)
    _add(item, "def_Origin", Type="Derived", Source="Sponsor")


def _codes(held: Element, one: Dataset, variable: Variable) -> None:
    listed = _add(
        held, "CodeList", OID=f"CL.{one.name}.{variable.name}", Name=f"{one.name} {variable.name}",
        DataType=_TYPES[variable.kind], def_IsNonStandard="Yes",
    )  # fmt: skip
    for value, meaning in variable.codes.items():
        _text(_add(_add(listed, "CodeListItem", CodedValue=value), "Decode"), meaning)


def _published_codes(held: Element, name: str, published: CodeList) -> None:
    """A code list of the published terminology, with the codes of the thesaurus."""
    listed = _add(
        held, "CodeList", OID=f"CL.{name}", Name=published.name, DataType="text", def_StandardOID=published.publisher
    )
    for value, (meaning, code) in published.terms.items():
        item = _add(listed, "CodeListItem", CodedValue=value)
        _text(_add(item, "Decode"), meaning)
        if code:
            _add(item, "Alias", Context="nci:ExtCodeID", Name=code)
    _add(listed, "Alias", Context="nci:ExtCodeID", Name=published.code)


def _methods(datasets: Sequence[Dataset]) -> Iterator[tuple[str, str, str]]:
    for one in datasets:
        for variable in one.variables:
            if variable.origin == "Derived":
                yield f"MT.{one.name}.{variable.name}", f"{one.name}.{variable.name}", variable.told
        for parameter in one.parameters:
            yield f"MT.{one.name}.PARAMCD.{parameter.code}", f"{one.name} {parameter.code}", parameter.told


def _holders(one: Dataset) -> list[str]:
    """The variables that hold values by parameter."""
    return sorted({parameter.holds for parameter in one.parameters})


def _clause(one: Dataset, parameter: Parameter) -> str:
    return f"WC.{one.name}.PARAMCD.{parameter.code}"


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    """A child in the namespace of ODM, or of Define-XML when its name begins with ``def_``."""
    return ElementTree.SubElement(
        parent, _name(tag, _ODM), {_name(key, ""): value for key, value in attributes.items()}
    )  # fmt: skip


def _name(word: str, otherwise: str) -> str:
    if word.startswith("def_"):
        return f"{{{_DEF}}}{word.removeprefix('def_')}"
    return f"{{{otherwise}}}{word}" if otherwise else word


def _text(parent: Element, text: str) -> None:
    translated = _add(parent, "TranslatedText")
    translated.set(_LANG, "en")
    translated.text = text
