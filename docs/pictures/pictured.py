"""The pictures of the guide: displays of wines, digits, debts and patients."""

from fulcra import inspection, metrics
from fulcra.cluster import CentroidMonitor, KMeans
from fulcra.datasets import load_credit
from fulcra.linear_model import LinearRegression
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.linear_model import LassoCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

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


def credit_report() -> inspection.WeightReport:
    """Explain the model of the page on weights."""
    credit = load_credit(as_frame=True)
    numbers = ["Income", "Limit", "Cards", "Age"]
    steps = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(drop="first"), ["Student"]))
    model = make_pipeline(steps, LinearRegression()).fit(credit.data, credit.target)
    return inspection.explain_weights(model, credit.data, credit.target)


def credit_weights() -> None:
    """Draw what makes up a debt."""
    inspection.CoefficientDisplay.from_report(credit_report())


def credit_contributions() -> None:
    """Draw what one debt is made of."""
    inspection.ContributionDisplay.from_prediction(credit_report().prediction(0))


def diabetes_path() -> None:
    """Draw how weights vanish as the penalty grows."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    inspection.RegularizationPathDisplay.from_estimator(LassoCV().fit(X, y), X, y)
