"""
Customers by recency, frequency and money
=========================================

Who are the champions, who is loyal, and who is about to be lost? 23,570 customers of CDNOW, an online shop
for music, as they were on 30 September 1997, and what they spent in the nine months after that, which the fit
never sees.

The data come with a package: ``pip install --no-deps Lifetimes==0.11.3``.
"""

# %%
# From purchases to centroids
# ---------------------------
# Days, purchases and dollars are skewed: on a logarithm twice as much is the same step for all customers,
# and scaling makes the three columns comparable. The report says how sure each of four clusters is: whether
# it is found again in halves of the customers.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.cluster import KMeans
from fulcra.datasets import load_cdnow_rfm, load_centroids
from fulcra.inspection import CentroidProfileDisplay, explain_clusters
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

customers, later = load_cdnow_rfm(until="1997-09-30", return_X_y=True, as_frame=True)
model = make_pipeline(
    FunctionTransformer(np.log1p, np.expm1, feature_names_out="one-to-one"),
    StandardScaler(),
    KMeans(4, n_init=10, random_state=0),
).fit(customers)
report = explain_clusters(model, customers)
print(report)

# %%
# Who is who
# ----------
# The center with most purchases is that of the champions, and so on down; the last bought once.
names = np.empty(4, dtype=object)
names[report.centers[:, 1].argsort()[::-1]] = ["champions", "loyal", "at risk", "bought once"]
found = later.groupby(names[report.labels]).agg(["size", "sum", "mean"])
found["again"] = (later > 0).groupby(names[report.labels]).mean()

# %%
# Centroids of another shop
# -------------------------
# A text's illustration of champions, loyal customers and customers at risk, not fitted to any data, applied
# to these customers without a fit.
known = load_centroids("retail", as_frame=True)
by_text = KMeans.from_centers(model[:-1].transform(known.data[customers.columns])).predict(
    model[:-1].transform(customers)
)
shares_by_text = np.bincount(by_text, minlength=3) / len(by_text)

# %%
# The picture
# -----------
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), width_ratios=(1.7, 1), layout="constrained")
CentroidProfileDisplay.from_estimator(model, customers, names=names, ax=left)
left.set_xticks(range(3), ["days since the last purchase", "purchases", "dollars"])
for offset, column, colour, label in (
    (-0.2, "size", "#C9CED6", "customers"),
    (0.2, "sum", "#0072B2", "dollars they spent afterwards"),
):
    shares = found[column][names] / found[column].sum()
    right.barh(np.arange(4) + offset, shares, 0.36, color=colour, label=f"share of {label}")
    for place, share in enumerate(shares):
        right.text(share + 0.01, place + offset, f"{share:.0%}", va="center", fontsize=9)
right.set(yticks=range(4), yticklabels=names, xticks=[], xlim=(0, 0.6), ylim=(3.5, -0.5))
right.spines[:].set_visible(False)
right.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.02))

# %%
# What to do
# ----------
ACTIONS = {
    "champions": "early access and thanks, no discounts: they buy anyway",
    "loyal": "a reward for the next purchase",
    "at risk": "one offer to win them back",
    "bought once": "nothing beyond the newsletter",
}
best = found.loc[["champions", "loyal"]]
print(f"By the text's centroids {shares_by_text[2]:.0%} are at risk: those are another shop's customers.")
print(f"Champions and loyal customers: {best['size'].sum() / len(later):.0%} of the customers,")
print(f"{best['sum'].sum() / later.sum():.0%} of the dollars of the nine months that followed.")
print("Decision:")
for name, action in ACTIONS.items():
    row = found.loc[name]
    print(f"  {name}: {action} ({row['again']:.0%} bought again, for ${row['mean']:.0f} a head).")
if plt.get_backend().lower() != "agg":
    plt.show()
