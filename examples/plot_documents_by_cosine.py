"""
Documents on shelves, by cosine
===============================

Some 2,000 functions of NumPy, SciPy and scikit-learn explain themselves in docstrings. Which belong together
is a question of which words they use and not of how long they are: of the angle between documents.
SphericalKMeans clusters by that angle.

The documents are those of the installed packages, so that figures differ a little between releases.
"""

# %%
# The documents
# -------------
import importlib
import inspect

import matplotlib.pyplot as plt
import numpy as np
from fulcra.cluster import KMeans, SphericalKMeans
from fulcra.metrics import silhouette_score
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics import adjusted_mutual_info_score

MODULES = """
numpy numpy.fft numpy.linalg numpy.ma numpy.random scipy.fft scipy.integrate scipy.interpolate scipy.linalg
scipy.ndimage scipy.optimize scipy.signal scipy.sparse scipy.spatial scipy.special scipy.stats sklearn.cluster
sklearn.datasets sklearn.decomposition sklearn.ensemble sklearn.linear_model sklearn.metrics sklearn.neighbors
sklearn.preprocessing
""".split()

documents = {}
for module in map(importlib.import_module, MODULES):
    for name in module.__all__:
        text = inspect.getdoc(vars(module).get(name)) if callable(vars(module).get(name)) else None
        if text and len(text) > 400:
            documents.setdefault(text, (module.__name__, name))
origin = np.array([module for module, _ in documents.values()])
library = np.array([module.partition(".")[0] for module in origin])

# %%
# Clusters by angle
# -----------------
# Words that are rare elsewhere count for more (tf-idf). The fit never sees which module a document is from,
# so modules can judge it: by the mutual information of shelf and module, 0 for chance and 1 for the same.
counter = CountVectorizer(stop_words="english", max_df=0.15, min_df=5, token_pattern=r"[a-z]{4,}")
counts = counter.fit_transform(documents)
X = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
model = SphericalKMeans(15, n_init=5, random_state=0).fit(X)
by_length = KMeans(15, n_init=5, random_state=0).fit(counts.astype(float))

silhouette = silhouette_score(X, model.labels_, metric="cosine")
agreement = adjusted_mutual_info_score(origin, model.labels_)
agreement_by_length = adjusted_mutual_info_score(origin, by_length.labels_)

# %%
# The shelves, named by the words that weigh most in their centers
# ----------------------------------------------------------------
words = counter.get_feature_names_out()
top = [", ".join(words[np.argsort(-center)[:4]]) for center in model.cluster_centers_]
LIBRARIES = {"numpy": "#0072B2", "scipy": "#E69F00", "sklearn": "#009E73"}
held = np.array([np.bincount(model.labels_[library == name], minlength=15) for name in LIBRARIES])
order = held.sum(axis=0).argsort()

figure, axis = plt.subplots(figsize=(8.5, 5.4), layout="constrained")
start = np.zeros(15)
for (name, colour), sizes in zip(LIBRARIES.items(), held, strict=True):
    axis.barh([top[j] for j in order], sizes[order], left=start[order], color=colour, label=name)
    start += sizes
axis.set_xlabel("documents")
axis.set_title(f"{len(origin):,} docstrings on 15 shelves", loc="left")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)

# %%
# What to do
# ----------
# Two texts of different libraries that are each other's nearest, at a small angle, are one text kept twice.
cosines = (X @ X.T).toarray()
cosines[library[:, np.newaxis] == library] = 0
nearest = cosines.argmax(axis=1)
twins = [(i, j) for i, j in enumerate(nearest) if i < j and nearest[j] == i and cosines[i, j] > 0.85]
names = [".".join(place) for place in documents.values()]
shared = held.max(axis=0) < 0.8 * held.sum(axis=0)

print(f"Silhouette by cosine: {silhouette:.2f}, as shelves of running text are: near each other.")
print(
    f"Agreement with the modules: {agreement:.2f}; of k-means on counts of words: {agreement_by_length:.2f}."
)
print(f"On {shared.sum()} of 15 shelves no library has 80% of the documents. Texts that two libraries have:")
for i, j in twins:
    print(f"  {names[i]} and {names[j]} (cosine {cosines[i, j]:.2f})")
print(
    f"Decision: search the {shared.sum()} shared shelves in every library; keep each of the texts above once."
)
if plt.get_backend().lower() != "agg":
    plt.show()
