"""Real tables to try models on, and centroids that are known beforehand; nothing is downloaded."""

from fulcra.datasets._airline_tweets import load_airline_tweets
from fulcra.datasets._bikeshare import load_bikeshare
from fulcra.datasets._boston import load_boston
from fulcra.datasets._cdnow import load_cdnow, load_cdnow_rfm
from fulcra.datasets._centroids import load_centroids
from fulcra.datasets._china import load_china
from fulcra.datasets._college import load_college
from fulcra.datasets._credit import load_credit
from fulcra.datasets._default import load_default
from fulcra.datasets._mnist import load_mnist
from fulcra.datasets._shuttle import load_shuttle
from fulcra.datasets._wage import load_wage

__all__ = [
    "load_airline_tweets",
    "load_bikeshare",
    "load_boston",
    "load_cdnow",
    "load_cdnow_rfm",
    "load_centroids",
    "load_china",
    "load_college",
    "load_credit",
    "load_default",
    "load_mnist",
    "load_shuttle",
    "load_wage",
]
