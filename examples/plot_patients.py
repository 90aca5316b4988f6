"""
Patients: groups, an outcome, and what a group is not
=====================================================

442 patients with diabetes, by age, body mass, blood pressure, cholesterol and glucose. What became of them a
year later is not among the columns: it judges the groups afterwards. Subtypes that are known beforehand are
tried on the same patients.

This is an example of method and no medical advice.
"""

# %%
# Three groups
# ------------
# The columns are scaled, since years and millimetres of mercury cannot be compared.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.cluster import KMeans
from fulcra.datasets import load_centroids
from fulcra.inspection import explain_clusters
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

patients = load_diabetes(as_frame=True, scaled=False)
X = patients.data[["age", "bmi", "bp", "s1", "s6"]]
X.columns = ["age", "body mass index", "blood pressure", "cholesterol", "glucose"]
progression = patients.target
model = make_pipeline(StandardScaler(), KMeans(3, n_init=10, random_state=0)).fit(X)
report = explain_clusters(model, X)
print(report)

# %%
# What became of them
# -------------------
# The progression of the disease in the year that followed, by group, from the mildest on. The report says
# that the groups are pieces of one cloud: then a regression on the same columns should say more than they do.
groups = progression.groupby(model.predict(X))
order = groups.mean().argsort().to_numpy()
spread = ((progression - progression.mean()) ** 2).sum()
by_group = 1 - ((progression - groups.transform("mean")) ** 2).sum() / spread
by_columns = LinearRegression().fit(X, progression).score(X, progression)

# %%
# Subtypes that are known beforehand
# ----------------------------------
# A text's illustration of subtypes of type 2 diabetes, not fitted to any patients. Its columns have the same
# names; whether they measure the same shows in how far its centroids are from these patients.
known = load_centroids("diabetes", as_frame=True)
places = model[0].transform(known.data.set_axis(X.columns, axis="columns"))
subtype = KMeans.from_centers(places).predict(model[0].transform(X))
taken = {name: np.sum(subtype == j) for j, name in enumerate(known.target_names)}

# %%
# The picture
# -----------
COLOURS = ("#0072B2", "#E69F00", "#D55E00")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), width_ratios=(1, 1.5), layout="constrained")
boxes = left.boxplot([groups.get_group(j) for j in order], widths=0.6, patch_artist=True)
for rank, j in enumerate(order):
    boxes["boxes"][rank].set_facecolor(COLOURS[rank])
    boxes["medians"][rank].set_color("black")
    right.plot(report.scores[j], range(5), "o", ms=9, color=COLOURS[rank], label=f"group {rank + 1}")
for name, place, marker in zip(known.target_names, places, "Ds^", strict=True):
    right.plot(place, range(5), marker, ms=8, color="#767676", mfc="none", label=name)
left.set(title="progression within a year, by group", ylabel="score (25 to 346)", xlabel="group")
right.axvline(0, color="#C9CED6", zorder=0)
right.set(yticks=range(5), yticklabels=X.columns, xlabel="standard deviations from the mean of the patients")
right.set(title="groups that were found, subtypes that were known", ylim=(-0.5, 4.5))
right.legend(frameon=False, fontsize=8.5, loc="upper right")
right.invert_yaxis()

# %%
# What to do
# ----------
means = groups.mean().to_numpy()[order]
print(f"Progression of the groups: {means[0]:.0f}, {means[1]:.0f} and {means[2]:.0f}.")
print(f"Groups explain {by_group:.0%} of its variance, a regression on the same columns {by_columns:.0%}.")
nearest, off = taken["mild obesity-related"], np.abs(places).max(axis=1).min()
print(
    f"Of the text's subtypes 'mild obesity-related' is the nearest to {nearest} of {len(X)} patients, but all"
)
print(f"three are {off:.1f} deviations or more off in some column.")
print("Decision: see group 3 sooner, as their disease went on fastest; call the groups no subtypes; decide")
print("single cases by the regression; leave the text's subtypes alone here.")
if plt.get_backend().lower() != "agg":
    plt.show()
