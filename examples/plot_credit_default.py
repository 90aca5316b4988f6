"""
Who will not pay: a logistic regression that explains itself
============================================================

10,000 holders of credit cards, and who of them did not pay. Logistic regression gives odds; the report says
by what each fact multiplies them. A weight can change its sign when another fact is known. One applicant's
probability is taken apart.

The people are made up. The data come with a package: ``pip install --no-deps islp==0.6.0``.
"""

# %%
# Odds, with intervals
# --------------------
# Intervals are true only of a fit without a penalty: ``C=np.inf``. The scaler does not show in the report:
# weights are led back to dollars.
import matplotlib.pyplot as plt
import numpy as np
from fulcra.datasets import load_default
from fulcra.inspection import CoefficientDisplay, ContributionDisplay, explain_weights
from fulcra.linear_model import LogisticRegression
from sklearn.compose import make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

X, default = load_default(return_X_y=True, as_frame=True)
default = np.where(default == 1, "default", "as agreed")
past, new, past_default, new_default = train_test_split(X, default, test_size=0.3, random_state=0)


def regression(columns):
    """Logistic regression without a penalty, of students by name and amounts in standard deviations."""
    amounts = [name for name in columns if name != "student"]
    encode = [(OneHotEncoder(drop="first"), ["student"])] if "student" in columns else []
    steps = make_column_transformer((StandardScaler(), amounts), *encode)
    return make_pipeline(steps, LogisticRegression(C=np.inf)).fit(past[columns], past_default)


model = regression(["student", "balance", "income"])
report = explain_weights(model, past, past_default)
print(report)

# %%
# Students: alone, and beside what they owe
# -----------------------------------------
# Alone, being a student speaks for not paying; beside the balance it speaks against it. Students owe more; of
# two people who owe the same, the student is the safer one.
alone = explain_weights(regression(["student"]), past[["student"]], past_default)
print(f"student, alone: odds times {float(np.exp(alone.weights[0][0])):.2f}")
student = report.features.index("student = Yes")
print(f"student, other things equal: odds times {float(np.exp(report.weights[0][student])):.2f}")

# %%
# The picture
# -----------
# What each fact does, and the new applicant whom the model fears most.
probability = model.predict_proba(new)[:, 1]
worst = new.iloc[[int(np.argmax(probability))]]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 3.8), layout="constrained")
CoefficientDisplay.from_report(report, ax=left)
ContributionDisplay.from_prediction(report.prediction(worst), ax=right)

# %%
# What to do
# ----------
# A loan that fails costs more than a loan that was not made: refuse above a probability that weighs the two.
cost_of_default, gain_of_loan = 5_000, 500
limit = gain_of_loan / (cost_of_default + gain_of_loan)
refused = probability > limit
lent = np.where(new_default == "default", -cost_of_default, gain_of_loan)
print(
    f"area under the ROC curve, people not seen: {roc_auc_score(new_default == 'default', probability):.2f}"
)
print(f"Decision: refuse above {limit:.0%}: {refused.mean():.0%} of the applicants. Of 3,000 new ones that")
print(f"earns ${lent[~refused].sum():,.0f} instead of ${lent.sum():,.0f}. Do not refuse students as such.")
if plt.get_backend().lower() != "agg":
    plt.show()
