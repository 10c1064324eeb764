"""`engager model`: the models that ship."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engager.app.console import print_json, print_table

model_app = typer.Typer(help="Mechanistic models: equations, parameters, sources.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@model_app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models that ship."""
    from engager.model import load_model, model_ids

    rows = []
    for model_id in model_ids():
        model = load_model(model_id)
        rows.append(
            {
                "id": model.id,
                "title": model.title,
                "states": len(model.system.states),
                "parameters": len(model.parameters),
                "fitted": sum(row.is_fitted for row in model.parameters.values()),
                "hash": model.hash,
            }
        )
    if as_json:
        print_json(rows)
        return
    columns = ["id", "states", "parameters", "fitted", "title"]
    print_table(columns, [[str(row[name]) for name in columns] for row in rows], right=tuple(columns[1:4]))


@model_app.command("show")
def show_model(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="A model of `engager model list`.")],
    as_json: AsJson = False,
) -> None:
    """Show a model's parameters: value, unit, variability, and source or the assumption behind it."""
    from engager.model import load_model

    model = load_model(model_id)
    rows = [_parameter(row) for row in model.parameters.values()]
    if as_json:
        print_json(
            {
                "id": model.id,
                "title": model.title,
                "hash": model.hash,
                "states": list(model.system.states),
                "parameters": rows,
                "sources": model.sources,
            }
        )
        return
    typer.echo(f"{model.title}\nStates: {', '.join(model.system.states)}\n")
    columns = ["name", "value", "unit", "sd_log", "range", "from", "meaning"]
    print_table(columns, [[_cell(row[name]) for name in columns] for row in rows], right=("value", "sd_log"))


def _parameter(row: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": row.value,
        "unit": row.unit,
        "sd_log": row.sd_log,
        "range": None if row.low is None else [row.low, row.high],
        "from": row.source or f"assumed: {row.assumed}",
        "meaning": row.meaning,
        "fitted": row.is_fitted,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " to ".join(f"{item:g}" for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
