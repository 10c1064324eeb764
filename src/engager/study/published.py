"""What a record holds, as Python and a notebook show it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from engager.study.browse import record_rows
from engager.study.html_table import html_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_COLUMNS = ("figure", "arm", "value", "interval", "events", "definition", "source")


class Published:
    """One published record.

    Attributes
    ----------
    id, title, citation : of the publication. sources : texts that were read, by the key that figures name.
    unseen : figures that somebody believes and nobody saw, with what is believed.
    """

    def __init__(self, content: dict[str, Any]):
        self.id: str = content["id"]
        self.title: str = content["title"]
        self.citation: str = content["citation"]
        self.sources: dict[str, str] = {key: text for key, text, _ in content["sources"]}
        self.unseen: tuple[tuple[str, str], ...] = tuple(content["unseen"])
        self._figures: list[dict[str, str]] = content["figures"]

    @property
    def frame(self) -> pl.DataFrame:
        """Every figure: frame ``arm, endpoint, figure, value, interval, events, definition, source`` in words."""
        import polars as pl

        columns = ("arm", "endpoint", *_COLUMNS[:1], *_COLUMNS[2:])
        return pl.DataFrame(self._figures, schema=dict.fromkeys(columns, pl.String))

    def to_pandas(self) -> pd.DataFrame:
        """The same as a pandas frame."""
        return self.frame.to_pandas()

    def __repr__(self) -> str:
        return f"<Published {self.id}: {len(self._figures)} figures, {len(self.unseen)} never seen>"

    def _repr_html_(self) -> str:
        table = html_table(_COLUMNS, ([row[name] for name in _COLUMNS] for row in self._figures))
        sources = "".join(f"<li><b>{escape(key)}</b>: {escape(text)}</li>" for key, text in self.sources.items())
        return f"<p><b>{escape(self.title)}</b></p><p>{escape(self.citation)}</p>{table}<ul>{sources}</ul>"


def published_record(record_id: str) -> Published:
    """A record by its id.

    Raises
    ------
    InputError
        When there is no such record; the nearest are offered.
    """
    return Published(record_rows(record_id))
