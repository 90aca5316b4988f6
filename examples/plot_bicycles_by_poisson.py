"""
Counts: how many bicycles an hour needs
=======================================

How many people rode a shared bicycle in each of 8,645 hours, and the weather. Counts are not negative and
vary more where they are larger: Poisson regression multiplies where least squares adds. The report says by
what each hour and each weather multiplies the riders; its intervals allow for counts that vary more than
Poisson's.

The data come with a package: ``pip install --no-deps islp==0.6.0``.
"""

# %%
# The factors
# -----------
import matplotlib.pyplot as plt
import numpy as np
from fulcra.datasets import load_bikeshare
from fulcra.inspection import explain_weights, summarize
from fulcra.linear_model import LinearRegression, PoissonRegressor
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

COLUMNS = {
    "mnth": "month",
    "hr": "hour",
    "weathersit": "weather",
    "workingday": "working day",
    "temp": "warmth",
}
X, riders = load_bikeshare(return_X_y=True, as_frame=True)
X, riders = X.rename(columns=COLUMNS)[list(COLUMNS.values())], riders.rename("riders")
# Snow fell hard in one hour only.
seen = X["weather"] != "heavy rain/snow"
X, riders = X[seen].assign(hour=X["hour"].astype(int)), riders[seen]
past, new, past_riders, new_riders = train_test_split(X, riders, test_size=0.25, random_state=0)


def pipeline(model):
    """Encode what has levels, and fit."""
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore")
    return make_pipeline(
        make_column_transformer((encoder, ["month", "hour", "weather"]), remainder="passthrough"), model
    )


counts = pipeline(PoissonRegressor(alpha=0)).fit(past, past_riders)
report = explain_weights(counts, past, past_riders, cov="HC3")
print(report)

# %%
# How much more counts vary than Poisson's
# ----------------------------------------
# The dispersion would be 1. Standard errors that trust the model are too small by its root.
trusting = summarize(counts, past, past_riders)
robust = summarize(counts, past, past_riders, cov="HC3")
print(f"dispersion {trusting.dispersion:.1f}")
ratio = np.median(robust.std_errors / trusting.std_errors)
print(f"robust standard errors are {ratio:.1f} times those that trust the model")

# %%
# Beside least squares, on hours that neither has seen
# ----------------------------------------------------
line = pipeline(LinearRegression()).fit(past, past_riders)
by_line, by_counts = line.predict(new), counts.predict(new)
print(f"least squares foretells less than no rider in {np.mean(by_line < 0):.0%} of the hours; Poisson never")

# %%
# The picture
# -----------
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
factor = dict(zip(report.features, np.exp(report.weights[0]), strict=True))
hours = [factor.get(f"hour = {hour}", 1.0) for hour in range(24)]
left.bar(range(24), hours, color=["#E69F00" if h in (8, 17, 18) else "#0072B2" for h in range(24)])
left.axhline(1, color="0.3", lw=0.8)
left.set(
    xlabel="hour of the day",
    ylabel="times the riders at midnight",
    title="what the hour multiplies",
    xticks=range(0, 24, 3),
)
for predicted, name, colour in ((by_line, "least squares", "#D55E00"), (by_counts, "Poisson", "#0072B2")):
    right.scatter(predicted, new_riders, s=4, alpha=0.35, color=colour, linewidths=0, label=name)
right.axline((0, 0), slope=1, color="0.3", lw=0.8)
right.axvline(0, color="0.3", lw=0.8)
right.set(xlabel="foretold riders", ylabel="riders", title="hours that were kept back")
for handle in right.legend(loc="upper left").legend_handles:
    handle.set(sizes=[30], alpha=1)

# %%
# What to do
# ----------
errors = {
    name: np.abs(new_riders - p).mean() for name, p in (("least squares", by_line), ("Poisson", by_counts))
}
print(", ".join(f"{name}: off by {error:.0f} riders an hour" for name, error in errors.items()))
rain, evening = factor["weather = light rain/snow"], hours[17] / hours[0]
print(
    f"Decision: plan bicycles by Poisson: at 17 h {evening:.0f} times those of midnight, in rain {rain:.0%}"
)
print("of what a clear hour needs. Take the robust intervals: riders come in groups, and on fair days.")
if plt.get_backend().lower() != "agg":
    plt.show()
