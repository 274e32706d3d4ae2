"""The project's own dataset: a matplotlib figure as a PNG file.

kedro-datasets has one too, but under a name that changed between its versions, and this example wants to
run with many of them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset, DatasetError
from matplotlib.figure import Figure


class FigureDataset(AbstractDataset):
    """Saves a figure as a PNG file whose bytes depend on nothing but the figure.

    Example in catalog.yml:

    .. code-block:: yaml

        delay_plot:
          type: flights.datasets.FigureDataset
          filepath: data/08_reporting/delay_plot.png
          dpi: 150
    """

    def __init__(self, filepath: str, dpi: int = 150, metadata: dict[str, Any] | None = None) -> None:
        """
        Args:
            filepath: Where the PNG file goes; missing folders are made.
            dpi: Dots an inch.
            metadata: Ignored here; Kedro lets any dataset carry it.
        """
        self._filepath = PurePosixPath(filepath)
        self._dpi = dpi
        self.metadata = metadata

    def _save(self, data: Figure) -> None:
        path = Path(self._filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        # "Software" would name matplotlib's version: two equal pictures would differ after an upgrade.
        data.savefig(path, dpi=self._dpi, format="png", metadata={"Software": None})

    def _load(self) -> Figure:
        raise DatasetError(f"{self._filepath} is a picture: it can be looked at, but not loaded as a figure.")

    def _exists(self) -> bool:
        return Path(self._filepath).exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "dpi": self._dpi}
