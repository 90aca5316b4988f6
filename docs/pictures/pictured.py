"""The pictures of the guide: displays of the wines and the digits that scikit-learn comes with."""

from fulcra import inspection, metrics
from fulcra.cluster import CentroidMonitor, KMeans
from sklearn.datasets import load_digits, load_wine
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

WINES = load_wine(as_frame=True).data


def wine_model() -> Pipeline:
    """Fit the model of the guide."""
    return make_pipeline(StandardScaler(), KMeans(n_clusters=3, random_state=0)).fit(WINES)


def wine_clusters() -> None:
    """Draw the wines."""
    inspection.ClusterDisplay.from_estimator(wine_model(), WINES)


def wine_profile() -> None:
    """Draw the centres."""
    inspection.CentroidProfileDisplay.from_report(inspection.explain_clusters(wine_model(), WINES))


def wine_silhouettes() -> None:
    """Draw the silhouettes."""
    inspection.SilhouetteDisplay.from_estimator(wine_model(), WINES)


def wine_counts() -> None:
    """Draw how many clusters there are."""
    scaled = StandardScaler().fit_transform(WINES)
    inspection.ElbowDisplay.from_report(metrics.suggest_n_clusters(scaled, random_state=0))


def digits_convergence() -> None:
    """Draw a fit of some length."""
    inspection.ConvergenceDisplay.from_estimator(
        KMeans(n_clusters=10, random_state=0).fit(load_digits().data)
    )


def wine_drift() -> None:
    """Draw what has moved where every wine is stronger."""
    monitor = CentroidMonitor(wine_model()).fit(WINES)
    stronger = WINES.assign(alcohol=WINES["alcohol"] + 0.5)
    inspection.DriftDisplay.from_estimator(monitor, stronger)
