"""
Grades of credit, tested before they are used
=============================================

10,000 holders of credit cards, by what they owe and what they earn. Centroids make grades of them. Who did
not pay is kept from the fit, so that it can test the grades, on people whom the fit has not seen. Grades by
centroids that are known beforehand take the same test.

The people are made up. The data come with a package: ``pip install --no-deps islp==0.6.0``.
"""

# %%
# Grades of half of the people
# ----------------------------
# Whether somebody is a student is in the table too. It is left out, as age, sex and origin would be: a grade
# is about debt and income.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.cluster import KMeans
from fulcra.datasets import load_centroids, load_default
from fulcra.inspection import explain_clusters
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, default = load_default(return_X_y=True, as_frame=True)
past, new, past_default, new_default = train_test_split(X, default, test_size=0.5, random_state=0)
both, debt = ["balance", "income"], ["balance"]


def grades(columns):
    """Cluster the past people; grade the new ones, 0 where the fewest past people defaulted."""
    model = make_pipeline(StandardScaler(), KMeans(5, n_init=10, random_state=0)).fit(past[columns])
    centers = model[-1].cluster_centers_[past_default.groupby(model[-1].labels_).mean().argsort()]
    return model, KMeans.from_centers(centers).predict(model[0].transform(new[columns]))


model, by_both = grades(both)
print(explain_clusters(model, past[both]))
_, by_debt = grades(debt)
regression = make_pipeline(StandardScaler(), LogisticRegression()).fit(past[both], past_default)

# %%
# Grades that are known beforehand
# --------------------------------
# A text's illustration of low, medium and high risk, not fitted to any people. Of its columns the table has
# two: debt as a share of income, and income.
known = load_centroids("credit").data[:, 1:3]
ratio = np.column_stack((new["balance"] / new["income"], new["income"]))
scaler = StandardScaler().fit(ratio)
by_text = KMeans.from_centers(scaler.transform(known)).predict(scaler.transform(ratio))

# %%
# The test
# --------
# The share of the new people of each grade who defaulted, and how well grades order them: the area under the
# ROC curve is 0.5 for chance and 1 for a perfect order.
tested = {"debt and income": by_both, "debt alone": by_debt, "text's grades": by_text}
rates = {name: new_default.groupby(grade).mean() for name, grade in tested.items()}
areas = {name: roc_auc_score(new_default, grade) for name, grade in tested.items()}
areas["regression"] = roc_auc_score(new_default, regression.predict_proba(new[both])[:, 1])

# %%
# The picture
# -----------
figure, (left, *bars) = plt.subplots(
    1, 4, figsize=(10.5, 4.4), width_ratios=(2.1, 1, 1, 0.75), layout="constrained"
)
COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00")
for grade, colour in enumerate(COLOURS):
    rows = by_both == grade
    left.scatter(new["balance"][rows], new["income"][rows], s=4, color=colour, linewidths=0, alpha=0.6)
bad = new_default == 1
left.plot(new["balance"][bad], new["income"][bad], "kx", ms=4, mew=0.8, label="did not pay")
left.set(xlabel="dollars owed", ylabel="dollars earned a year", title="new people, grades by debt and income")
left.yaxis.set_major_formatter("{x:,.0f}")
bars[1].set_xlabel("grade, and its share of the new people; bars: who did not pay")
left.legend(loc="upper right", framealpha=1)
for axis, (name, rate) in zip(bars, rates.items(), strict=True):
    axis.bar(rate.index, rate, color=[COLOURS[grade] for grade in rate.index])
    people = np.bincount(tested[name]) / len(new)
    axis.set_xticks(rate.index, [f"{'ABCDE'[grade]}\n{people[grade]:.0%}" for grade in rate.index])
    axis.set(title=f"{name}\narea {areas[name]:.2f}", ylim=(0, 0.4), yticks=[])
    axis.spines[["top", "right", "left"]].set_visible(False)
    for grade, share in rate.items():
        axis.text(grade, share + 0.005, f"{share:.1%}", ha="center", fontsize=8.5)

# %%
# What to do
# ----------
worst = by_debt == by_debt.max()
print(", ".join(f"{name}: area {area:.2f}" for name, area in areas.items()))
print(f"By the text's centroids {np.mean(by_text == 0):.1%} of the people are of low risk.")
held = new_default[worst].sum() / bad.sum()
print(f"Grade E by debt alone has {worst.mean():.0%} of the people and {held:.0%}")
print(f"of those who did not pay; {new_default[worst].mean():.0%} of the grade did not.")
print(
    "Decision: grade by debt alone, as income makes clusters but tells next to nothing of risk; lend no more"
)
print("to grade E; price single loans by the regression; leave the text's centroids alone here.")
if plt.get_backend().lower() != "agg":
    plt.show()
