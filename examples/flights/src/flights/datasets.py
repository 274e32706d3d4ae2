"""A dataset of this project: a matplotlib figure as a PNG file.

kedro-datasets has one too, but its name differs between versions, and this example runs with many of them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset, DatasetError
from matplotlib.figure import Figure


class FigureDataset(AbstractDataset):
    """Save a figure as a PNG file whose bytes depend only on the figure.

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
            filepath: Path of the PNG file; missing folders are created.
            dpi: Dots per inch.
            metadata: Ignored; Kedro allows it for every dataset.
        """
        self._filepath = PurePosixPath(filepath)
        self._dpi = dpi
        self.metadata = metadata

    def _save(self, data: Figure) -> None:
        path = Path(self._filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        # "Software" would contain matplotlib's version: identical figures would differ after an upgrade.
        data.savefig(path, dpi=self._dpi, format="png", metadata={"Software": None})

    def _load(self) -> Figure:
        raise DatasetError(f"{self._filepath} is an image: it cannot be loaded as a figure.")

    def _exists(self) -> bool:
        return Path(self._filepath).exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "dpi": self._dpi}
