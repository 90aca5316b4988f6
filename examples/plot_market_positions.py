"""
Positions in a market: luxury, middle, budget
=============================================

Where does a product stand beside all others, and does its price suit what it offers? First with three
centroids that are known beforehand, then with 777 colleges, which have prices, quality and a name as other
products do.

The colleges need a data package: ``pip install --no-deps islp==0.6.0``.
"""

# %%
# Positions that are known beforehand
# -----------------------------------
# The centroids are a text's illustration (luxury, mid-market, budget), not fitted to any data. A new product
# for 120 dollars has the scores of the middle. In plain numbers price is all that counts, as it is a hundred
# times as large as a score; scaled, every column has its say.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from fulcra.cluster import KMeans
from fulcra.datasets import load_centroids, load_college
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def nearest(table, rows, scaler=None):
    """Return the segment of each row, of centroids that are known."""
    known = load_centroids(table)
    scaler = (scaler or StandardScaler()).fit(known.data)
    labels = KMeans.from_centers(scaler.transform(known.data)).predict(scaler.transform(rows))
    return [known.target_names[j] for j in labels]


product = [[120, 7.0, 6.1, 5.6]]
plain, scaled = nearest("products", product, FunctionTransformer()), nearest("products", product)
print(f"A product of 120 dollars that scores 7.0, 6.1 and 5.6: {plain[0]} unscaled, {scaled[0]} scaled.")
campaigns = [[11.0, 7.0, 0.95, 40], [5.5, 3.9, 1.30, 25], [2.0, 1.1, 1.90, 15]]
todo = {"high performers": "scale up", "average performers": "optimise", "poor performers": "pause"}
for row, segment in zip(campaigns, nearest("campaigns", campaigns), strict=True):
    print(f"A campaign with {row[0]}% clicks at {row[2]:.2f} dollars: {segment}, {todo[segment]}.")

# %%
# Positions that are found
# ------------------------
# What a college asks (fees), who comes (percent from the best tenth of their schools), who stays loyal
# (percent of alumni who donate) and what it spends on a student, on a logarithmic scale as it is skewed.
college = load_college(as_frame=True)
X, graduates = college.data[["Outstate", "Top10perc", "perc.alumni", "Expend"]], college.target
Z = StandardScaler().fit_transform(X.assign(Expend=np.log(X["Expend"])))
centers = KMeans(3, n_init=10, random_state=0).fit(Z).cluster_centers_
centers = centers[centers[:, 0].argsort()]  # by fees
names = ["budget", "middle", "luxury"]
position = KMeans.from_centers(centers).predict(Z)

# %%
# Does the price suit the offer?
# ------------------------------
# The same centers, seen by price alone and by everything but the price.
asks = KMeans.from_centers(centers[:, :1]).predict(Z[:, :1])
offers = KMeans.from_centers(centers[:, 1:]).predict(Z[:, 1:])
later = graduates.groupby(position).mean()
# How many more graduate than at colleges that offer the same and ask what suits it, in points.
more = graduates - graduates[asks == offers].groupby(offers[asks == offers]).mean()[offers].to_numpy()

# %%
# The picture
# -----------
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), width_ratios=(1.5, 1), layout="constrained")
for j, (name, colour) in enumerate(zip(names, ("#0072B2", "#E69F00", "#009E73"), strict=True)):
    rows = position == j
    left.scatter(
        X["Expend"][rows], X["Outstate"][rows], s=11, color=colour, alpha=0.6, linewidths=0, label=name
    )
    right.barh(j, later[j], color=colour)
    right.text(later[j] + 1.5, j, f"{later[j]:.0f}%", va="center")
left.set(xscale="log", xlabel="dollars spent on a student", ylabel="fees, dollars", title="777 colleges")
left.set_xticks([5_000, 10_000, 20_000, 50_000], ["5,000", "10,000", "20,000", "50,000"])
left.minorticks_off()
left.yaxis.set_major_formatter("{x:,.0f}")
left.legend(frameon=False, loc="lower right", markerscale=2)
right.set(
    title="who graduates (the fit never saw it)", xlim=(0, 100), xticks=[], yticks=range(3), yticklabels=names
)
right.spines[:].set_visible(False)
right.tick_params(length=0)

# %%
# What to do
# ----------
table = pd.crosstab(pd.Categorical.from_codes(offers, names), pd.Categorical.from_codes(asks, names))
print(table.rename_axis(index="offers", columns="asks"))
cheap, dear = asks < offers, asks > offers
for word, rows in (("less", cheap), ("more", dear)):
    print(
        f"{rows.sum()} colleges ask {word} than suits their offer. Beside colleges that offer the same at its"
    )
    print(
        f"  price, {more[rows].mean():+.0f} points graduate; {np.sum(more[rows] >= 0)} of them do no worse."
    )
print(f"Decision: the {np.sum(more[cheap] >= 0)} cheap ones that do no worse can ask for more, and the")
print(
    f"  {np.sum(more[dear] < 0)} dear ones that do worse ask too much. Of the others, price shows what these"
)
print("  columns do not.")
if plt.get_backend().lower() != "agg":
    plt.show()
