"""
What wages depend on
====================

What 3,000 men of the Mid-Atlantic states earned, with their age, education and work. A pipeline encodes the
levels and fits by least squares; the report leads the weights back to the table's own columns. Age is not a
straight line: a model that is told so says where wages peak.

The data come with a package: ``pip install --no-deps islp==0.6.0``.
"""

# %%
# Weights, back in the table's columns
# ------------------------------------
# Levels are held against the one that the encoder leaves out. Wages of the well paid vary more, which the
# standard errors allow for.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.datasets import load_wage
from fulcra.inspection import CoefficientDisplay, explain_weights, summarize
from fulcra.linear_model import LinearRegression
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

NAMES = {"maritl": "married", "jobclass": "job", "health_ins": "insured"}
X, wage = load_wage(return_X_y=True, as_frame=True)
X, wage = X.drop(columns="race").rename(columns=NAMES), wage.rename("wage, $1000")
levels = ["married", "education", "job", "health", "insured"]


def model():
    """Least squares on numbers and levels; the first level of each is what the others are held against."""
    first = [X[name].cat.categories for name in levels]
    encoder = OneHotEncoder(categories=[list(each) for each in first], drop="first")
    return make_pipeline(
        make_column_transformer((encoder, levels), remainder="passthrough"), LinearRegression()
    )


straight = model().fit(X, wage)
report = explain_weights(straight, X, wage, cov="HC3")
print(report)

# %%
# Is age a straight line?
# -----------------------
# The square of age beside age: if its weight cannot be chance, the line bends.
bent_table = X.assign(**{"age squared": X["age"] ** 2})
bent = model().fit(bent_table, wage)
summary = summarize(bent, bent_table, wage, cov="HC3")
weight = dict(zip(summary.terms, summary.coef, strict=True))
p_value = dict(zip(summary.terms, summary.p_values, strict=True))
squared, age = (next(name for name in weight if name.endswith(end)) for end in ("age squared", "__age"))
peak = -weight[age] / (2 * weight[squared])
print(summary)

# %%
# The picture
# -----------
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), width_ratios=(1.4, 1), layout="constrained")
CoefficientDisplay.from_report(report, ax=left)
ages = np.arange(20, 76)
mean = [wage[(X["age"] - each).abs() <= 2].mean() for each in ages]
curve = weight[age] * ages + weight[squared] * ages**2
right.plot(ages, mean, "o", ms=3.5, color="0.6", label="mean wage, men within two years")
right.plot(
    ages,
    curve - curve.mean() + np.mean(mean),
    color="#0072B2",
    lw=2,
    label="what age adds, other things equal",
)
right.axvline(peak, color="#D55E00", lw=1, ls="--")
right.annotate(f"peak at {peak:.0f}", (peak, 90), (5, 0), textcoords="offset points", color="#D55E00")
right.set(xlabel="age", ylabel="wage, $1000", title="age is no straight line")
right.legend(loc="lower center", fontsize=9)

# %%
# What to do
# ----------
print(f"The bend is no chance: p {p_value[squared]:.1e}; wages peak at {peak:.0f}.")
print("Decision: use the model with age squared to say what a wage compares with; do not read the weight of")
print("health insurance as its effect: those who are paid well are insured, not the other way round.")
if plt.get_backend().lower() != "agg":
    plt.show()
