"""The command line: what it says, and how it ends."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from functools import partial

import pytest
from fulcra import cli
from fulcra._bench import data, short
from fulcra._bench.cases import Case
from fulcra._demo import tour
from fulcra._errors import WrongAnswerError


def run(*words: str) -> int:
    """Run the command in this process; argparse leaves by SystemExit."""
    try:
        return cli.main(words)
    except SystemExit as leaving:
        return int(leaving.code)


def test_version(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"fulcra {importlib.metadata.version('fulcra')}\n"


def test_help_names_the_commands(capsys):
    assert run("--help") == 0
    said = capsys.readouterr().out
    assert "cluster" in said
    assert "demo" in said
    assert "bench" in said


@pytest.mark.parametrize("command", ["cluster", "demo", "bench"])
def test_command_help(command, capsys):
    assert run(command, "--help") == 0
    assert capsys.readouterr().out.startswith(f"usage: fulcra {command}")


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        ((), "COMMAND"),
        (("clusters",), "clusters"),
        (("cluster",), "TABLE"),
        (("demo", "--out"), "--out"),
        (("demo", "extra"), "extra"),
        (("bench", "--fast"), "--fast"),
    ],
)
def test_wrong_calls_get_one_line_and_code_2(words, mention, capsys):
    assert run(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("fulcra")
    assert mention in said.err


def test_demo_into_a_file_is_refused(tmp_path, capsys):
    taken = tmp_path / "taken"
    taken.write_text("a file, not a folder")
    assert run("demo", "--out", str(taken)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(taken) in said


def test_demo_without_matplotlib_names_the_pip_line(tmp_path, monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "matplotlib" else find_spec(name, *rest),
    )
    folder = tmp_path / "pictures"
    assert run("demo", "--out", str(folder)) == 2
    assert (
        capsys.readouterr().err == 'fulcra demo: the pictures need matplotlib: pip install "fulcra[demo]"\n'
    )
    assert not folder.exists()


def test_a_failed_check_and_an_interrupt_have_their_codes(monkeypatch, tmp_path, capsys):
    def disagree(folder):
        raise WrongAnswerError("inertia 1.0, scikit-learn's is 2.0")

    def interrupt(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(tour, "run", disagree)
    assert run("demo", "--out", str(tmp_path)) == 1
    assert capsys.readouterr().err == "fulcra demo: a check failed: inertia 1.0, scikit-learn's is 2.0\n"
    monkeypatch.setattr(tour, "run", interrupt)
    assert run("demo", "--out", str(tmp_path)) == 130


def test_bench_prints_its_table(monkeypatch, capsys):
    rows = partial(data.mixture, 500, 3, 4)
    monkeypatch.setattr(short, "SHORT", (Case("assign tiny", rows, 4), Case("fit tiny", rows, 4, n_iter=2)))
    assert run("bench") == 0
    said = capsys.readouterr().out
    for expected in (
        "CPU:",
        "scikit-learn",
        "x fastest peer",
        "share of limit",
        "\n  assign tiny",
        "\n  fit tiny",
    ):
        assert expected in said


def test_the_installed_command_and_the_module_are_the_same():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="fulcra")
    assert script.load() is cli.main
    done = subprocess.run(
        [sys.executable, "-m", "fulcra", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout == f"fulcra {importlib.metadata.version('fulcra')}\n"


def test_a_script_that_is_not_there_gets_one_line_and_code_2():
    done = subprocess.run(
        [sys.executable, "-m", "fulcra", "nosuch.py"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fulcra: nosuch.py: there is no such file\n"


def test_the_command_line_loads_pandas_and_matplotlib_only_when_asked():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, fulcra.cli; print({'pandas', 'matplotlib'} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout == "set()\n"
