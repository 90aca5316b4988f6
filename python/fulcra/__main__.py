"""`python -m fulcra script.py` runs a script with fulcra under scikit-learn's names; else the CLI."""

import os
import runpy
import sys

from fulcra._patch import patch


def main() -> int | str | None:
    """Run a script patched, or hand over to `fulcra.cli`.

    Returns
    -------
    int, str or None
        What the process exits with.
    """
    words = sys.argv[1:]
    if not words or not (words[0].endswith(".py") or os.path.isfile(words[0])):
        from fulcra.cli import main as command_line  # noqa: PLC0415 - the patched script does not need it

        return command_line()
    if not os.path.exists(words[0]):
        print(f"fulcra: {words[0]}: there is no such file", file=sys.stderr)
        return 2
    # The script sees what `python script.py` would have shown it.
    sys.argv = words
    if not sys.flags.safe_path:  # else the first entry is not the current directory, and Python adds none
        sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
    patch()
    runpy.run_path(words[0], run_name="__main__")
    return None


if __name__ == "__main__":
    sys.exit(main())
