"""Correct digits of standard errors on NIST's certified linear sets, beside statsmodels': give a FOLDER.

The folder holds NIST's files (Norris.dat, ...), which are not ours to copy; the Debian package `gretl-data`
has all eleven. A figure is the digits of the worst standard error, absolute where the certificate is 0.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from fulcra._bench import report
from fulcra.inspection import summarize
from fulcra.linear_model import LinearRegression

from benches.linear_model.nist import DEGREES, WITHOUT_INTERCEPT, digits, read


def certified_errors(path: Path) -> np.ndarray:
    """Return the certified standard errors of a file as NIST writes it, the intercept's first."""
    lines = path.read_text("ascii").splitlines()
    return np.array([float(line.split()[2]) for line in lines if re.match(r"\s*B\d+\s+\S+\s+\S+", line)])


def measure(path: Path) -> tuple[str, ...]:
    X, y, _ = read(path)
    certified = certified_errors(path)
    fit_intercept = path.stem not in WITHOUT_INTERCEPT
    summary = summarize(LinearRegression(fit_intercept=fit_intercept).fit(X, y), X, y)
    tall = np.column_stack([np.ones(len(X)), X]) if fit_intercept else X
    theirs = (sm.OLS(y, tall).fit(method=method).bse for method in ("pinv", "qr"))
    return path.stem, *(f"{digits(found, certified):.1f}" for found in (summary.std_errors, *theirs))


def main() -> None:
    parser = argparse.ArgumentParser(description="Correct digits of standard errors on NIST's linear sets.")
    parser.add_argument("folder", type=Path, help="where Norris.dat and the others lie")
    folder = parser.parse_args().folder
    rows = [measure(folder / f"{name}.dat") for name in DEGREES]
    columns = ("set", "fulcra", "statsmodels pinv", "statsmodels qr")
    report.show("Correct digits of standard errors (NIST StRD)", columns, rows)


if __name__ == "__main__":
    main()
