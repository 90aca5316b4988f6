"""fulcra under scikit-learn's names, and scikit-learn's own back again."""

import importlib
import subprocess
import sys
from pathlib import Path

import fulcra
import fulcra.cluster
import fulcra.metrics
import numpy as np
import pytest
import sklearn.cluster
import sklearn.cluster._kmeans
import sklearn.cluster._spectral
import sklearn.metrics
from conftest import RunPython
from fulcra._patch import REGISTRY
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import KBinsDiscretizer

THEIRS = {name: getattr(sklearn.cluster, name) for name in ("KMeans", "k_means", "kmeans_plusplus")}


def names_are(owner: str) -> bool:
    places = (sklearn.cluster, sklearn.cluster._kmeans)
    return all(getattr(place, name).__module__.startswith(owner) for place in places for name in THEIRS)


def test_patch_replaces_and_unpatch_restores() -> None:
    assert names_are("sklearn.")
    fulcra.patch()
    try:
        assert names_are("fulcra.")
        assert sklearn.cluster.KMeans is fulcra.cluster.KMeans
        assert sklearn.cluster._spectral.k_means is fulcra.cluster.k_means
    finally:
        fulcra.unpatch()
    assert names_are("sklearn.")
    assert all(getattr(sklearn.cluster, name) is original for name, original in THEIRS.items())
    assert sklearn.cluster._spectral.k_means is THEIRS["k_means"]


def test_patching_twice_is_patching_once() -> None:
    fulcra.patch()
    fulcra.patch()
    fulcra.unpatch()
    assert all(getattr(sklearn.cluster, name) is original for name, original in THEIRS.items())
    fulcra.unpatch()
    assert names_are("sklearn.")


def test_a_with_block_ends_the_patch_whatever_happens() -> None:
    with pytest.raises(ZeroDivisionError), fulcra.patch():
        1 / names_are("sklearn.")
    assert names_are("sklearn.")


def test_the_users_own_names_stay() -> None:
    from sklearn.cluster import KMeans  # noqa: PLC0415

    with fulcra.patch():
        assert KMeans is THEIRS["KMeans"]


def test_ours_keeps_its_own_name() -> None:
    with fulcra.patch():
        pass
    assert fulcra.cluster.KMeans.__module__ == "fulcra.cluster._kmeans"
    shared = set(fulcra.cluster.__all__) & set(sklearn.cluster.__all__)
    assert set(REGISTRY["sklearn.cluster"][1]) == shared


@pytest.mark.parametrize("place", REGISTRY)
def test_every_name_is_public_in_both_places(place: str) -> None:
    home, names = REGISTRY[place]
    for module in (importlib.import_module(place), importlib.import_module(home)):
        assert set(names) <= set(module.__all__)


def test_measures_are_replaced_where_scikit_learn_defines_and_lists_them() -> None:
    from sklearn.metrics import cluster as room  # noqa: PLC0415

    with fulcra.patch():
        for place in (sklearn.metrics, room, room._unsupervised):
            assert place.silhouette_score is fulcra.metrics.silhouette_score
    assert room._unsupervised.silhouette_score.__module__ == "sklearn.metrics.cluster._unsupervised"


def test_scikit_learns_own_users_of_kmeans_get_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []
    original = fulcra.cluster.KMeans.fit
    monkeypatch.setattr(
        fulcra.cluster.KMeans,
        "fit",
        lambda self, *args, **kw: fits.append(self) or original(self, *args, **kw),
    )
    X = np.random.default_rng(0).normal(size=(60, 2))
    with fulcra.patch():
        GaussianMixture(3, random_state=0).fit(X)
        KBinsDiscretizer(3, strategy="kmeans", encode="ordinal").fit(X)
        sklearn.cluster.SpectralClustering(3, random_state=0).fit(X)
    assert len(fits) == 4


def test_modules_imported_later_get_ours_and_give_them_back(run_python: RunPython) -> None:
    code = """
import sys, fulcra
fulcra.patch()
assert "sklearn.mixture" not in sys.modules
from sklearn.cluster import KMeans
import sklearn.cluster._spectral as later
assert KMeans.__module__ == later.k_means.__module__ == "fulcra.cluster._kmeans"
fulcra.unpatch()
from sklearn.cluster import KMeans
assert KMeans.__module__ == later.k_means.__module__ == "sklearn.cluster._kmeans"
"""
    run_python(code)


SCRIPT = """
import os, sys
import helper_beside_the_script
from sklearn.cluster import KMeans
if __name__ == "__main__":
    beside = sys.path[0] == os.path.dirname(os.path.abspath(__file__))
    print(KMeans.__module__, sys.argv[1:], os.path.basename(sys.argv[0]), beside)
    sys.exit(7)
"""


def test_python_m_fulcra_runs_an_unchanged_script(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "script.py").write_text(SCRIPT)
    (folder / "helper_beside_the_script.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "fulcra", str(folder / "script.py"), "one", "--two"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout == "fulcra.cluster._kmeans ['one', '--two'] script.py True\n", done.stderr
    assert done.returncode == 7


def test_python_m_fulcra_hands_other_words_to_the_command_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fulcra", "--help"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage: fulcra" in done.stdout


def test_the_pytest_plugin_patches_before_anything_is_collected(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from sklearn.cluster import KMeans\nCONFTEST = KMeans.__module__\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import conftest\nfrom sklearn.cluster import KMeans\n"
        "def test_it():\n    assert conftest.CONFTEST == KMeans.__module__ == 'fulcra.cluster._kmeans'\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "fulcra.pytest_plugin",
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "fulcra stands in for sklearn.cluster." in done.stdout
    assert " sklearn.cluster.KMeans," in done.stdout
