"""Packages of SBML Level 3: which are ignored, which are refused by name, and models made of models.

A hierarchical model (package ``comp``) is flattened by libsbml into one model without parts, before anything else of
it is read. It may not refer to other files, and may not hold more parts than `MAX_PARTS`: a few modules that contain
each other twice over would fill any memory.

In: a libsbml document. Out: the same document, flat; or an error. Not here: the equations.
"""

from __future__ import annotations

import re
from typing import Any

import libsbml

from engager.core import InputError, Problem, UnsupportedModel

# packages that do not change what the equations are
HARMLESS = {"l3v2extendedmath", "layout", "layout_L2", "render", "render_L2", "annot", "groups"}
MAX_PARTS = 10_000
#: The file does not follow the XML schema: an element or attribute that is unknown, missing or out of place.
_SCHEMA_ERRORS = {libsbml.UnrecognizedElement, libsbml.NotSchemaConformant}


def check_packages(source: Any, model: Any, where: str) -> None:
    """Refuse packages that change what the equations are.

    Raises
    ------
    UnsupportedModel
        With the packages' names.
    """
    problems = []
    for k in range(source.getNumPlugins()):
        name = source.getPlugin(k).getPackageName()
        if name in HARMLESS or name == "comp":
            continue
        if source.getPackageRequired(name):
            problems.append(Problem(where, f"package {name}", "changes the meaning of the model; not supported"))
        elif name == "fbc" and _is_flux_balance(model):
            problems.append(Problem(where, "package fbc", "flux balance models have no time course"))
    if problems:
        raise UnsupportedModel(problems)


def _is_flux_balance(model: Any) -> bool:
    """An objective, or reactions of which none says how fast it runs."""
    plugin = model.getPlugin("fbc")
    reactions = list(model.getListOfReactions())
    has_no_rates = bool(reactions) and not any(one.isSetKineticLaw() for one in reactions)
    return bool(plugin is not None and plugin.getNumObjectives()) or has_no_rates


def is_harmless(error: Any) -> bool:
    """A slip against the XML schema in drawings, which change no equation: a layout in a Level 2 file, say."""
    if error.getErrorId() not in _SCHEMA_ERRORS:
        return False
    told = _detail(error)
    return any(f"'{name}'" in told for name in HARMLESS) or "RenderInformation" in told or "Package render" in told


def told(error: Any) -> tuple[str, str]:
    """What libsbml says is wrong, in short and in detail; of slips against the schema what names the element."""
    short = " ".join(error.getShortMessage().split()) or "SBML error"
    message = " ".join(error.getMessage().split())
    return short, (_detail(error) if error.getErrorId() in _SCHEMA_ERRORS else message)[:300].rstrip(".")


def _detail(error: Any) -> str:
    """The end of libsbml's message, after the rule that it quotes."""
    message = " ".join(error.getMessage().split())
    return re.sub(r"^.*Reference: \S+ Section [\d.]+\d", "", message).strip() or message


def flatten(source: Any, where: str) -> None:
    """Put the parts of a hierarchical model together, in place; a model without parts is left alone.

    Raises
    ------
    UnsupportedModel
        When a part stands in another file.
    InputError
        When there are too many parts, or libsbml cannot put them together.
    """
    plugin = source.getPlugin("comp")
    if plugin is None:
        return
    if plugin.getNumExternalModelDefinitions():
        name = plugin.getExternalModelDefinition(0).getSource()
        rule = "a part of the model stands in another file"
        raise UnsupportedModel(Problem(where, name, rule, "Put the whole model in one file."))
    _check_parts(source, plugin, where)
    properties = libsbml.ConversionProperties()
    properties.addOption("flatten comp", True)
    properties.addOption("performValidation", False)
    properties.addOption("leavePorts", False)
    properties.addOption("abortIfUnflattenable", "requiredOnly")
    known = source.getNumErrors()
    done = source.convert(properties) == libsbml.LIBSBML_OPERATION_SUCCESS
    # libsbml passes over a deletion or a replacement of what is not there, and only notes it
    errors = [source.getError(k) for k in range(known, source.getNumErrors())]
    said = [_fault(one) for one in errors if one.getSeverity() >= libsbml.LIBSBML_SEV_ERROR and not is_harmless(one)]
    said = [one for one in said if not one.startswith(_HEADLINE)]
    if said or not done:
        rule = "its parts cannot be put together" + (f": {said[0][:300].rstrip('.')}" if said else "")
        raise InputError(Problem(where, "package comp", rule))


# What libsbml says before what it has to say.
_HEADLINE = "Errors arose during the attempt to flatten"


def _fault(error: Any) -> str:
    """What is wrong with a reference to a part, without the rule that libsbml quotes and the place in its own code."""
    message = re.sub(r"^.*Reference: .* Section [\d.]+\d", "", " ".join(error.getMessage().split())).strip()
    return re.sub(
        r"\s*\b(?:error discovered )?in \w+::\w+(?: when checking)?,?", "", message, flags=re.IGNORECASE
    ).strip()


def _check_parts(source: Any, plugin: Any, where: str) -> None:
    """How many copies of models the document comes to; circles count as without end."""
    models = [source.getModel()] + [plugin.getModelDefinition(k) for k in range(plugin.getNumModelDefinitions())]
    uses: dict[str, list[str]] = {}
    for model in models:
        own = model.getPlugin("comp")
        count = own.getNumSubmodels() if own is not None else 0
        uses[model.getId()] = [own.getSubmodel(k).getModelRef() for k in range(count)]
    total = dict.fromkeys(uses, 1)
    for _ in range(len(uses) + 1):  # one level deeper each time
        total = {name: min(MAX_PARTS + 1, 1 + sum(total.get(one, 0) for one in parts)) for name, parts in uses.items()}
    if max(total.values(), default=0) > MAX_PARTS or _has_circle(uses):
        rule = f"may hold at most {MAX_PARTS} parts, and no part itself"
        raise InputError(Problem(where, "package comp", rule))


def _has_circle(uses: dict[str, list[str]]) -> bool:
    waiting = dict(uses)
    while waiting:
        ready = [name for name, parts in waiting.items() if not any(one in waiting for one in parts)]
        if not ready:
            return True
        for name in ready:
            del waiting[name]
    return False
