"""
What a home's price is made of
==============================

506 districts of Boston in 1970: what homes cost there, and twelve facts about each. Least squares gives each
fact a weight. The reports say what the weights mean, which of them may be chance, and why some have a sign
that nobody expects; the picture shows what made one district dear.

The data come with a package: ``pip install --no-deps islp==0.6.0``.
"""

# %%
# The weights, and how far to trust them
# --------------------------------------
# Prices vary more in some districts than in others, so the standard errors are those that allow for it.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.datasets import load_boston
from fulcra.inspection import CoefficientDisplay, ContributionDisplay, explain_weights, summarize
from fulcra.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score

NAMES = {
    "crim": "crime",
    "zn": "large lots, %",
    "indus": "industry, %",
    "chas": "by the river",
    "nox": "nitric oxides",
    "rm": "rooms",
    "age": "old homes, %",
    "dis": "way to work",
    "rad": "highways",
    "tax": "tax",
    "ptratio": "pupils a teacher",
    "lstat": "lower status, %",
}
X, price = load_boston(return_X_y=True, as_frame=True)
X, price = X.rename(columns=NAMES), price.rename("price, $1000")
model = LinearRegression().fit(X, price)
summary = summarize(model, X, price, cov="HC3")
print(summary)

# %%
# In words
# --------
report = explain_weights(model, X, price, cov="HC3")
print(report)

# %%
# The picture
# -----------
# What each fact is worth over all districts, and what one district's price is made of.
dearest = X.iloc[[int(np.argmax(model.predict(X)))]]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
CoefficientDisplay.from_report(report, ax=left)
ContributionDisplay.from_prediction(report.prediction(dearest), ax=right)

# %%
# What to do
# ----------
# Facts whose weight may be chance are left out. What that costs, unseen districts say.
weak = [name for name, p in zip(X.columns, summary.p_values[1:], strict=True) if p > 0.05]
folds = KFold(10, shuffle=True, random_state=0)
for name, table in {"all facts": X, "without the weak": X.drop(columns=weak)}.items():
    missed = -cross_val_score(model, table, price, cv=folds, scoring="neg_mean_absolute_error").mean()
    print(f"{name}: unseen districts are missed by ${missed * 1000:,.0f} on average")
print(
    f"Decision: leave out {' and '.join(weak)}, which cost nothing to miss; do not read the weight of a fact"
)
print("whose sign the report explains by another one as if it stood alone.")
if plt.get_backend().lower() != "agg":
    plt.show()
