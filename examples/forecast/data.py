"""Writes the sunspots, CO2 and El Niño series of statsmodels as CSV files into a folder.

    pip install statsmodels
    python data.py FOLDER
"""

import sys
from pathlib import Path

from statsmodels.datasets import co2, elnino, sunspots


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python data.py FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)

    # A year a row: YEAR, SUNACTIVITY.
    sunspots.load_pandas().data.to_csv(folder / "sunspots.csv", index=False)

    # A week a row; weeks without a measurement stay empty.
    weeks = co2.load_pandas().data
    weeks.to_csv(folder / "co2.csv", index_label="week")

    # A year a row and a month a column there, a month a row here: 1950.5 is July 1950.
    years = elnino.load_pandas().data.set_index("YEAR")
    months = years.stack().rename("temperature").reset_index(drop=True)
    months.index = [
        round(year + month / 12, 4) for year in years.index for month in range(12)
    ]
    months.to_csv(folder / "elnino.csv", index_label="time")


if __name__ == "__main__":
    main()
