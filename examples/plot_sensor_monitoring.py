"""
Sensors: normal, warning, critical, and what has moved
======================================================

A machine has several normal states, and each is a centroid. CentroidMonitor says how far a reading is from
the nearest, in that state's own spread, and sounds an alarm at a rate that is set beforehand. Then it says
whether the states themselves have moved.

The readings of nine sensors of a space shuttle come with a package: ``pip install --no-deps river==0.26.1``.
"""

# %%
# States that are known beforehand
# --------------------------------
# A text's illustration of a machine (normal, warning, critical), not fitted to any data. A reading with more
# heat, pressure and vibration turns as fast as it should. In plain numbers the 1,200 turns are all that
# counts; scaled, the state is another.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.cluster import CentroidMonitor, KMeans
from fulcra.datasets import load_centroids, load_shuttle
from fulcra.inspection import DriftDisplay
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

known = load_centroids("process")
reading = np.array([[83, 2.9, 50, 1195, 0.75]])
scaler = StandardScaler().fit(known.data)
plain = KMeans.from_centers(known.data).predict(reading)[0]
scaled = KMeans.from_centers(scaler.transform(known.data)).predict(scaler.transform(reading))[0]
print(f"83 degrees, 2.9 bar, vibration 0.75: {known.target_names[plain]} unscaled, ", end="")
print(f"{known.target_names[scaled]} scaled.")

# %%
# States that are found
# ---------------------
# Half of the normal readings are the past; the rest and all anomalies are kept from it. A few wild readings
# are part of normal operation: scaling by quartiles, and leaving the farthest 2% out of the centers, keeps
# them from having states of their own.
X, is_anomaly = load_shuttle(return_X_y=True, as_frame=True)
past, new = train_test_split(X[is_anomaly == 0], test_size=0.5, random_state=0)
anomalies = X[is_anomaly == 1]
states = make_pipeline(RobustScaler(), KMeans(6, trim=0.02, random_state=0))
monitor = CentroidMonitor(states, false_alarm_rate=0.01).fit(past)
print(monitor.explain(anomalies.iloc[0]))

# %%
# Beside an isolation forest
# --------------------------
# Both are set to 1% of false alarms by the past. What counts is what they do afterwards.
forest = IsolationForest(random_state=0).fit(past)
forest_level = np.quantile(forest.score_samples(past), 0.01)
truth = np.repeat([0, 1], [len(new), len(anomalies)])
result = {}
for name, detector, level in (
    ("monitor", monitor, monitor.offset_),
    ("isolation forest", forest, forest_level),
):
    scores = detector.score_samples(new), detector.score_samples(anomalies)
    false, found = (np.mean(part < level) for part in scores)
    result[name] = false, found, roc_auc_score(truth, -np.concatenate(scores))

# %%
# The picture
# -----------
figure, axis = plt.subplots(figsize=(8.5, 3.6), layout="constrained")
bins = np.geomspace(0.1, 1000, 120)
for rows, colour, label in ((new, "#0072B2", "normal"), (anomalies, "#D55E00", "anomalies")):
    axis.hist(
        -monitor.score_samples(rows), bins, color=colour, alpha=0.75, label=f"{len(rows):,} new {label}"
    )
for place, word in ((monitor.warning_level_, "warning"), (monitor.critical_level_, "critical")):
    axis.axvline(place, color="black", lw=1, ls=":" if word == "warning" else "-", label=f"{word} level")
axis.set(xscale="log", yscale="log", xlabel="distance from the nearest state, in its own spread")
axis.set(ylabel="readings", title="How far from normal?")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)

# %%
# Has anything moved?
# -------------------
# 2,000 new readings as they are, and the same with sensor f7 reading 2 units more than it should in the
# commonest state: a quarter of its spread there, so that hardly a reading is out of order by itself.
calm, moved = new.iloc[:2000], new.iloc[:2000].copy()
state = monitor.estimator_.predict(moved)
common = np.bincount(state).argmax()
moved.loc[state == common, "f7"] += 2
before, after = monitor.drift(calm), monitor.drift(moved)
DriftDisplay.from_report(after)

# %%
# What to do
# ----------
for name, (false, found, area) in result.items():
    print(f"{name}: {false:.1%} false alarms, {found:.1%} of the anomalies found, area {area:.4f}")
flagged = [(j, after.features[f]) for j, f in np.argwhere(after.moved)]
print(f"Readings as they were: {'calm' if before.calm else 'something has moved'}.")
print(f"With sensor f7 off by 2 in state {common}: moved are", end=" ")
print(", ".join(f"{feature} in state {j}" for j, feature in flagged), end="; ")
print(f"alarms {after.alarm_rate:.1%}.")
print("Decision: stop the machine at critical readings, look at warnings once a shift, and recalibrate f7,")
print("which hardly any single reading gives away.")
if plt.get_backend().lower() != "agg":
    plt.show()
