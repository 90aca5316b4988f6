"""Correct digits on NIST's certified linear sets, beside scikit-learn's and NumPy's: python -m ... FOLDER.

The folder holds NIST's files (Norris.dat, ...), which are not ours to copy; the Debian package `gretl-data`
has all eleven. A figure is the digits of the worst coefficient, absolute where the certificate is 0.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import sklearn.linear_model
from fulcra._bench import report
from fulcra.linear_model import LinearRegression

#: The degree of the polynomial in the only feature; 1 where the features stand as they are.
DEGREES = {"Norris": 1, "Pontius": 2, "NoInt1": 1, "NoInt2": 1, "Filip": 10, "Longley": 1} | {
    f"Wampler{number}": 5 for number in range(1, 6)
}
WITHOUT_INTERCEPT = {"NoInt1", "NoInt2"}


def read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X (n_samples, n_features), y and the certified coefficients of a file as NIST writes it."""
    lines = path.read_text("ascii").splitlines()
    places = {
        what: slice(int(first) - 1, int(last))
        for what, first, last in re.findall(
            r"(Certified Values|Data)\s+\(lines\s+(\d+)\s+to\s+(\d+)\)", "\n".join(lines[:60])
        )
    }
    certified = [
        float(line.split()[1]) for line in lines[places["Certified Values"]] if re.match(r"\s*B\d+\s", line)
    ]
    table = np.array([line.split() for line in lines[places["Data"]]], dtype=float)
    degree = DEGREES[path.stem]
    X = table[:, 1:] if degree == 1 else table[:, 1:] ** np.arange(1, degree + 1)
    return np.ascontiguousarray(X), table[:, 0], np.array(certified)


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """Count the correct digits of the worst coefficient, 0 to 15."""
    unit = np.where(certified == 0, 1, np.abs(certified))
    worst = np.abs(found - certified) / unit
    return float(np.clip(-np.log10(np.maximum(worst.max(), 1e-15)), 0, 15))


def measure(path: Path) -> tuple[str, ...]:
    X, y, certified = read(path)
    fit_intercept = path.stem not in WITHOUT_INTERCEPT
    cells = [path.stem]
    for kind in (LinearRegression, sklearn.linear_model.LinearRegression):
        model = kind(fit_intercept=fit_intercept).fit(X, y)
        found = np.append(model.intercept_, model.coef_) if fit_intercept else model.coef_
        cells.append(f"{digits(found, certified):.1f}")
    tall = np.column_stack([np.ones(len(X)), X]) if fit_intercept else X
    cells.append(f"{digits(np.linalg.lstsq(tall, y, rcond=None)[0], certified):.1f}")
    return tuple(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description="Correct digits on NIST's certified linear sets.")
    parser.add_argument("folder", type=Path, help="where Norris.dat and the others lie")
    folder = parser.parse_args().folder
    rows = [measure(folder / f"{name}.dat") for name in DEGREES]
    report.show("Correct digits (NIST StRD)", ("set", "fulcra", "scikit-learn", "NumPy lstsq"), rows)


if __name__ == "__main__":
    main()
