"""The command line: `fulcra demo`, `fulcra bench`.

It only reads arguments; the work is in `fulcra._demo` and `fulcra._bench`, loaded when asked for. Exit codes:
0 done, 1 an answer failed its check, 2 a call that cannot work (one line says why), 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import fulcra
from fulcra._errors import MissingError, WrongAnswerError


class _Parser(argparse.ArgumentParser):
    """argparse, with one line for a wrong call instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _demo(arguments: argparse.Namespace) -> int:
    from fulcra._demo import tour  # noqa: PLC0415  # loads scikit-learn's data sets and matplotlib

    tour.run(arguments.out)
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from fulcra._bench import short  # noqa: PLC0415

    short.run(full=arguments.full)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fulcra",
        description="k-means that changes one import, gives the same answer every time, and is sooner.",
    )
    parser.add_argument("--version", action="version", version=f"fulcra {fulcra.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)

    demo = commands.add_parser(
        "demo",
        help="cluster a photograph's colours and handwritten digits, time it, write pictures",
        description="Cluster real data in seconds: the colours of a photograph and handwritten digits. Times "
        "fulcra against scikit-learn and plain NumPy on the same data, shows where float32 misleads, and "
        "writes pictures.",
    )
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("fulcra-demo"),
        metavar="DIR",
        help="folder for the pictures, made if missing (default: fulcra-demo in the current folder)",
    )
    demo.set_defaults(call=_demo)

    bench = commands.add_parser(
        "bench",
        help="time k-means on this machine beside NumPy, scikit-learn and the peers installed",
        description="Time assignments and fits beside NumPy, scikit-learn and whatever is installed of "
        "scikit-learn-intelex, faiss-cpu and superkmeans: same rows, same start, everybody in turns, answers "
        "checked first. Takes about half a minute.",
    )
    bench.add_argument(
        "--full", action="store_true", help="more rounds, and one thread as well as all (minutes)"
    )
    bench.set_defaults(call=_bench)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str or None
        The words after the program's name; None takes the process's own.

    Returns
    -------
    code : int
        What the process exits with.
    """
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.call(arguments)
    except KeyboardInterrupt:
        return 130
    except (MissingError, OSError) as error:
        print(f"fulcra {arguments.command}: {error}", file=sys.stderr)
        return 2
    except WrongAnswerError as error:
        print(f"fulcra {arguments.command}: a check failed: {error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
