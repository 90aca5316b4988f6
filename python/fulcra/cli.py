"""The command line: `fulcra cluster`, `fulcra demo`, `fulcra bench`.

It only reads arguments; the work is in `fulcra._table`, `fulcra._demo` and `fulcra._bench`, loaded when asked
for. Exit codes: 0 done, 1 an answer failed its check, 2 a call that cannot work (one line says why), 130
interrupted, 141 whoever reads the output has stopped reading.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import fulcra
from fulcra._errors import MissingError, WrongAnswerError
from fulcra._table.errors import TableError


class _Parser(argparse.ArgumentParser):
    """argparse, with one line for a wrong call instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _cluster(arguments: argparse.Namespace) -> int:
    from fulcra._table import command, layout  # noqa: PLC0415  # pandas is an extra, and slow to load

    header = {"yes": True, "no": False, None: None}[arguments.header]
    return command.run(
        command.Call(
            table=arguments.table,
            k=arguments.k,
            raw=arguments.raw,
            columns=None if arguments.columns is None else command.split_names(arguments.columns),
            id=arguments.id,
            dates=arguments.dates,
            out=arguments.out,
            plot=arguments.plot,
            html=arguments.html,
            json=arguments.json,
            seed=arguments.seed,
            wishes=layout.Wishes(arguments.encoding, arguments.delimiter, arguments.decimal, header),
        )
    )


def _number_of_clusters(word: str) -> int | None:
    if word == "auto":
        return None
    if not word.isdecimal() or int(word) < 2:
        raise argparse.ArgumentTypeError(f"a whole number from 2 on, or auto; got {word!r}")
    return int(word)


def _seed(word: str) -> int:
    if not word.isdecimal() or int(word) >= 2**32:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {2**32 - 1}; got {word!r}")
    return int(word)


def _delimiter(word: str) -> str:
    sign = {"tab": "\t", "\\t": "\t"}.get(word, word)
    if len(sign) != 1 or sign in '"\n\r':
        raise argparse.ArgumentTypeError(f"one sign, or tab; got {word!r}")
    return sign


def _add_cluster(commands: Any) -> None:
    cluster = commands.add_parser(
        "cluster",
        help="cluster the rows of a table, say what the clusters are, write the labels",
        description="Read a table, choose the columns that k-means can use, standardise them, cluster the "
        "rows and say what each cluster is, in the table's own columns and units. Everything that is decided "
        "about a column is said.",
        epilog="Labels are the table's own rows with the columns cluster and cluster_name behind them. With "
        "--out -, and by default for a table from the standard input, they go to the standard output, and "
        "the report to the standard error.",
    )
    cluster.add_argument(
        "table",
        metavar="TABLE",
        help="a file of text (commas, semicolons, tabs, pipes or blanks; also .gz) or Parquet; "
        "- is the standard input",
    )
    cluster.add_argument(
        "-k",
        type=_number_of_clusters,
        default=None,
        metavar="N",
        help="how many clusters, or auto (default): as many as several measures agree on, if there are any",
    )
    # Of a short option argparse knows no long spelling, and people write one.
    cluster.add_argument(
        "--k", dest="k", type=_number_of_clusters, default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    cluster.add_argument("--raw", action="store_true", help="use the numbers as they are, not standardised")
    cluster.add_argument("--columns", metavar="A,B,C", help="use these columns only")
    cluster.add_argument("--id", metavar="COLUMN", help="the column that names the rows (default: found out)")
    cluster.add_argument(
        "--dates",
        choices=("skip", "days"),
        default="skip",
        help="leave columns of dates out (default), or use them as days before their latest date",
    )
    cluster.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where the labels go (default: TABLE.clusters.csv, in this folder)",
    )
    cluster.add_argument("--plot", type=Path, metavar="FILE", help="draw the clusters: .png, .svg or .pdf")
    cluster.add_argument(
        "--html", type=Path, metavar="FILE", help="write the report and the picture as one page"
    )
    cluster.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures, and all that was decided"
    )
    cluster.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the starts (default: 0)")
    reading = cluster.add_argument_group("where the file is misread")
    reading.add_argument("--header", choices=("yes", "no"), help="whether the first line names the columns")
    reading.add_argument("--delimiter", type=_delimiter, metavar="SIGN", help="between cells; tab is a tab")
    reading.add_argument("--decimal", choices=(".", ","), metavar="SIGN", help="the decimal sign: . or ,")
    reading.add_argument("--encoding", metavar="NAME", help="as utf-8, utf-16, cp1252 or latin-1")
    cluster.set_defaults(call=_cluster)


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

    _add_cluster(commands)

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
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and (arguments.command != "cluster" or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        given = ", ".join([arguments.table, *rest[:-1]])
        parser.exit(2, f"fulcra cluster: one table, please; got {given} and {rest[-1]}\n")
    try:
        code: int = arguments.call(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # of head, say; Python flushes at its end, and would complain then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (MissingError, TableError, OSError) as error:
        print(f"fulcra {arguments.command}: {error}", file=sys.stderr)
        return 2
    except WrongAnswerError as error:
        print(f"fulcra {arguments.command}: a check failed: {error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
