"""`fulcra cluster` from beginning to end: what it writes, and how it ends."""

import base64
import importlib.util
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from fulcra import cli
from fulcra._table import command, model
from sklearn.metrics import adjusted_rand_score


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    try:
        return cli.main(["cluster", *map(str, words)])
    except SystemExit as leaving:
        return int(leaving.code)


def customers(n_each=500, seed=0):
    """Draw customers around the three segments of the text's example, in a shuffled order.

    The standard deviations are chosen here, so that a segment is told by all four columns and not by income.
    """
    centers = [[27.5, 40_000, 77.7, 13.7], [45.2, 65_000, 55.3, 8.2], [62.8, 55_000, 35.1, 4.5]]
    spreads = [5, 7_700, 9, 2]
    rng = np.random.default_rng(seed)
    segment = rng.permutation(np.repeat(np.arange(3), n_each))
    figures = np.array(centers)[segment] + rng.normal(size=(len(segment), 4)) * spreads
    frame = pd.DataFrame(figures.round(1), columns=["age", "income", "score", "frequency"])
    frame.insert(0, "customer_id", [f"C{i:04d}" for i in range(len(frame))])
    return frame, segment


@pytest.fixture
def table():
    frame, segment = customers(100)
    frame.to_csv("customers.csv", index=False)
    return segment


def test_standardised_customers_are_told_apart_and_raw_ones_are_not(capsys):
    frame, segment = customers()
    frame.to_csv("customers.csv", index=False)
    agreement = {}
    for option in ("--seed=0", "--raw"):
        assert run("customers.csv", "-k", 3, option) == 0
        labelled = pd.read_csv("customers.clusters.csv")
        assert labelled["customer_id"].tolist() == frame["customer_id"].tolist()
        agreement[option] = adjusted_rand_score(segment, labelled["cluster"])
    assert agreement["--seed=0"] == pytest.approx(0.96, abs=0.015)
    assert agreement["--raw"] == pytest.approx(0.35, abs=0.03)


def test_the_report_is_in_the_tables_own_units(table, capsys):
    assert run("customers.csv", "-k", 3, "--json", "c.json") == 0
    said = capsys.readouterr()
    assert said.err == ""
    for expected in ("customers.csv: 300 rows, 5 columns", "customer_id", "Labels: customers.clusters.csv"):
        assert expected in said.out
    answer = json.loads(Path("c.json").read_text("utf-8"))
    labelled = pd.read_csv("customers.clusters.csv")
    means = labelled.groupby("cluster")["income"].mean()
    for cluster in answer["clusters"]["clusters"]:
        j = cluster["cluster"]
        assert cluster["features"]["income"]["center"] == pytest.approx(means[j])
        assert set(labelled.loc[labelled["cluster"] == j, "cluster_name"]) == {cluster["name"]}
        assert set(cluster["typical"]) <= set(labelled.loc[labelled["cluster"] == j, "customer_id"])
    assert answer["columns"]["numbers"] == ["age", "income", "score", "frequency"]
    assert answer["columns"]["id"] == "customer_id"
    assert answer["call"]["k"] == 3
    assert answer["suggestion"] is None


def test_every_option_reaches_the_file(table):
    pd.DataFrame({"a": [1.5, 2.5] * 9, "b": ["2024-01-02", "2024-01-09"] * 9}).to_csv(
        "t.txt", index=False, header=False, sep=":", decimal=",", encoding="utf-16"
    )
    words = (
        "--delimiter",
        ":",
        "--decimal",
        ",",
        "--header",
        "no",
        "--encoding",
        "utf-16",
        "--dates",
        "days",
    )
    assert run("t.txt", "-k", 2, *words, "--columns", "c1, c2", "--seed", 7, "--json", "t.json") == 0
    answer = json.loads(Path("t.json").read_text("utf-8"))
    assert answer["columns"]["numbers"] == ["c1", "c2 (days before 2024-01-09)"]
    centers = [list(one["features"].values()) for one in answer["clusters"]["clusters"]]
    assert sorted([feature["center"] for feature in center] for center in centers) == [[1.5, 7], [2.5, 0]]
    assert answer["call"]["seed"] == 7
    assert (
        Path("t.clusters.txt").read_text("utf-16").startswith("c1:c2:cluster:cluster_name\n1,5:2024-01-02:")
    )


def test_auto_finds_the_number_and_says_why(capsys):
    rng = np.random.default_rng(0)
    group = np.arange(150) % 3
    frame = pd.DataFrame(
        {"x": rng.normal(size=150) + 9 * (group == 1), "y": rng.normal(size=150) + 9 * (group == 2)}
    )
    frame.to_csv("t.csv", index=False)
    assert run("t.csv", "--json", "t.json") == 0
    assert "How many clusters" in capsys.readouterr().out
    answer = json.loads(Path("t.json").read_text("utf-8"))
    assert answer["suggestion"]["n_clusters"] == len(answer["clusters"]["clusters"]) == 3
    assert adjusted_rand_score(group, pd.read_csv("t.clusters.csv")["cluster"]) == 1


def test_no_clusters_is_an_answer_and_labels_are_for_who_insists(here, capsys):
    np.savetxt("noise.csv", np.random.default_rng(0).uniform(size=(200, 3)), delimiter=",")
    assert run("noise.csv", "-k", "auto", "--json", "n.json", "--html", "n.html") == 0
    said = capsys.readouterr().out
    assert "No clusters." in said
    assert "No labels are written." in said
    assert sorted(path.name for path in here.iterdir()) == ["n.json", "noise.csv"]
    answer = json.loads(Path("n.json").read_text("utf-8"))
    assert (answer["suggestion"]["n_clusters"], answer["clusters"]) == (1, None)
    assert run("noise.csv", "-k", 4) == 0
    assert pd.read_csv("noise.clusters.csv")["cluster"].nunique() == 4


def test_auto_does_not_label_what_its_own_report_calls_one_cloud(here, capsys, monkeypatch):
    np.savetxt("noise.csv", np.random.default_rng(0).uniform(size=(200, 3)), delimiter=",")
    asked = model.suggest

    def wrong(prepared, seed):
        return replace(asked(prepared, seed), n_clusters=3)

    monkeypatch.setattr(model, "suggest", wrong)
    assert run("noise.csv", "--json", "n.json", "--plot", "n.png") == 0
    said = capsys.readouterr().out
    assert "3 clusters of 200 rows: pieces of one cloud" in said
    assert "No labels are written. -k with a number" in said
    assert sorted(path.name for path in here.iterdir()) == ["n.json", "noise.csv"]
    answer = json.loads(Path("n.json").read_text("utf-8"))
    assert answer["clusters"] is None
    assert "pieces of one cloud" in answer["notes"][-1]
    assert run("noise.csv", "-k", 3) == 0
    assert Path("noise.clusters.csv").exists()


def test_a_file_of_others_is_not_overwritten_unasked(table, capsys):
    Path("customers.clusters.csv").write_text("a,b\n1,2\n")
    assert run("customers.csv", "-k", 3) == 2
    assert "customers.clusters.csv is there already" in capsys.readouterr().err
    assert Path("customers.clusters.csv").read_text() == "a,b\n1,2\n"
    assert run("customers.csv", "-k", 3, "--out", "customers.clusters.csv") == 0


def test_k_with_two_dashes_is_k(table):
    assert run("customers.csv", "--k", 2) == 0
    assert pd.read_csv("customers.clusters.csv")["cluster"].nunique() == 2


def test_labels_to_the_standard_output_leave_the_report_to_the_error_output(table, capsys):
    assert run("customers.csv", "-k", 3, "--out", "-") == 0
    said = capsys.readouterr()
    assert len(pd.read_csv(io.StringIO(said.out))) == 300
    assert "Columns" in said.err
    assert not Path("customers.clusters.csv").exists()


def test_a_filter_reads_and_writes_the_standard_streams(table, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("customers.csv").read_bytes())))
    assert run("-", "-k", 3) == 0
    assert len(pd.read_csv(io.StringIO(capsys.readouterr().out))) == 300


def test_whoever_stops_reading_gets_no_traceback(table):
    words = [sys.executable, "-m", "fulcra", "cluster", "customers.csv", "-k", "3", "--out", "-"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as work:
        work.stdout.close()
        said = work.stderr.read().decode()
    assert work.returncode == 141
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_whoever_stops_reading_the_report_has_the_files(table):
    words = [sys.executable, "-m", "fulcra", "cluster", "customers.csv", "-k", "3", "--json", "c.json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as work:
        work.stdout.readline()
        while b"Rows are named" not in work.stdout.readline():
            pass
        work.stdout.close()
        said = work.stderr.read().decode()
    assert (work.returncode, said) == (141, "")
    assert Path("c.json").exists()
    assert len(pd.read_csv("customers.clusters.csv")) == 300


def test_pictures_and_the_page(table):
    import matplotlib.image  # noqa: PLC0415 - slow to load, for this only

    assert run("customers.csv", "-k", 3, "--plot", "c.png", "--html", "c.html") == 0
    page = Path("c.html").read_text("utf-8")
    assert "<p>Used as numbers" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    (drawn,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    for source in (io.BytesIO(base64.b64decode(drawn)), "c.png"):
        assert matplotlib.image.imread(source).std() > 0.05


def test_many_clusters_by_many_columns_are_drawn():
    frame = sklearn.datasets.load_breast_cancer(as_frame=True).data
    frame.to_csv("t.csv", index=False)
    assert run("t.csv", "-k", 20, "--plot", "t.svg") == 0
    assert "</svg>" in Path("t.svg").read_text("utf-8")


def test_without_matplotlib_the_pip_line_is_named_before_work_begins(table, monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "matplotlib" else find_spec(name, *rest),
    )
    assert run("customers.csv", "-k", 3, "--plot", "c.png") == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        'fulcra cluster: pictures need matplotlib: pip install "fulcra[table]"\n',
    )


def test_without_pyarrow_no_parquet_is_promised(table, monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    lacking = {"pyarrow", "fastparquet"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in lacking else find_spec(name, *rest)
    )
    assert run("customers.csv", "-k", 3, "--out", "c.parquet") == 2
    assert capsys.readouterr().err == "fulcra cluster: Parquet needs pyarrow: pip install pyarrow\n"


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["none.csv"], "none.csv: there is no such file"),
        (["customers.csv", "-k", "301"], "-k 301 needs at least 301 rows; customers.csv has 300"),
        (["customers.csv", "-k", "1"], "-k: a whole number from 2 on, or auto; got '1'"),
        (["customers.csv", "-k", "3.5"], "got '3.5'"),
        (["customers.csv", "--columns", "age,incme"], "no column 'incme'; did you mean income?"),
        (["customers.csv", "--columns", ","], "--columns needs the name of a column"),
        (["customers.csv", "--columns", "customer_id"], "--columns customer_id: text with 300 different"),
        (["customers.csv", "--id", "Age"], "no column 'Age'; did you mean age?"),
        (["customers.csv", "--out", "no/x.csv"], "--out no/x.csv: there is no folder no"),
        (["customers.csv", "--out", "customers.csv"], "this is the table itself"),
        (["customers.csv", "--json", "./customers.csv"], "this is the table itself"),
        (["customers.csv", "--plot", "customers.clusters.csv"], "this is --out"),
        (["customers.csv", "--out", "hard.csv"], "this is the table itself"),
        (["customers.csv", "--out", "o.xlsx"], "--out o.xlsx: labels are written as text"),
        (["a.csv", "b.csv"], "one table, please; got a.csv and b.csv"),
        (["a.csv", "-k", "3", "b.csv", "c.csv"], "one table, please; got a.csv, b.csv and c.csv"),
        (["customers.csv", "--delimiter", ";"], 'commas fit: --delimiter ","'),
        (["customers.csv", "--decimal", ","], "--decimal , does not fit"),
        (["customers.csv", "--plot", "c.gif"], "--plot c.gif: pictures are .png, .svg, .pdf"),
        (["customers.csv", "--html", "."], "it is a folder"),
        (["customers.csv", "--delimiter", ";;"], "got ';;'"),
        (["customers.csv", "--encoding", "klingon"], "klingon"),
        (["customers.csv", "--seed", "-1"], "--seed: a whole number from 0"),
        (["ids.csv"], "ids.csv has no column to cluster by (name: text, another in every row"),
        (["levels.csv"], "-k auto goes by columns of numbers"),
        (["ragged.csv"], "ragged.csv, line 3 has 3 cells; the table has 2 columns"),
    ],
)
def test_a_call_that_cannot_work_gets_one_line_and_code_2(table, words, mention, capsys):
    Path("ids.csv").write_text("name\nAnn\nBob\nCid\n")
    Path("levels.csv").write_text("team\n" + "red\nblue\n" * 9)
    Path("ragged.csv").write_text("a,b\n1,2\n1,2,3\n4,5\n")
    Path("hard.csv").hardlink_to("customers.csv")
    before = sorted(Path().iterdir())
    assert run(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("fulcra cluster: ")
    assert said.err.count("\n") == 1
    assert mention in said.err
    assert sorted(Path().iterdir()) == before


def test_an_interrupt_ends_with_130_and_writes_no_labels(table, here, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "write_labels", interrupt)
    assert run("customers.csv", "-k", 3) == 130
    assert [path.name for path in here.iterdir()] == ["customers.csv"]


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        ("a.csv", "a.clusters.csv"),
        ("far/a.tsv", "a.clusters.tsv"),
        ("a.CSV.GZ", "a.clusters.CSV.GZ"),
        ("a.b.csv", "a.b.clusters.csv"),
        ("a", "a.clusters.csv"),
        (".csv", ".csv.clusters.csv"),
        ("a.parquet", "a.clusters.parquet"),
    ],
)
def test_labels_are_named_after_the_table(table, labels):
    assert str(command.labels_path(table)) == labels


def test_a_second_call_takes_the_place_of_the_first(table):
    for k in (3, 2):
        assert run("customers.csv", "-k", k) == 0
        assert pd.read_csv("customers.clusters.csv")["cluster"].nunique() == k


def test_wine_of_scikit_learn_whatever_its_form():
    bunch = sklearn.datasets.load_wine(as_frame=True)
    labels = {}
    for name, options in {
        "english.csv": {},
        "german.csv": {"sep": ";", "decimal": ",", "encoding": "utf-8-sig"},
        "tabs.tsv": {"sep": "\t", "encoding": "utf-16"},
        "pipes.txt.gz": {"sep": "|"},
    }.items():
        bunch.data.to_csv(name, index=False, **options)
        assert run(name, "-k", 3) == 0
        labels[name] = pd.read_csv(command.labels_path(name), **options)["cluster"]
    assert adjusted_rand_score(bunch.target, labels["english.csv"]) == pytest.approx(0.897, abs=5e-4)
    assert all(found.equals(labels["english.csv"]) for found in labels.values())
