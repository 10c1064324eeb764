"""Bayesian inversion with an ensemble: the ensemble smoother with multiple data assimilation.

A set of parameter draws is moved, in a few equal portions of the data, from the prior to (an approximation
of) the posterior, using only simulations: no gradients, no likelihood code, tolerant of the noise that comes
with finite virtual trials. All members of an iteration are simulated at once.

References
----------
Emerick & Reynolds 2013, "Ensemble smoother with multiple data assimilation", doi:10.1016/j.cageo.2012.03.011.
Iglesias, Law & Stuart 2013, "Ensemble Kalman methods for inverse problems",
doi:10.1088/0266-5611/29/4/045001.
Luo, Bhakta & Naevdal 2018, "Correlation-based adaptive localization", SPE Journal 23(02):396, doi:10.2118/185936-PA.
"""

from __future__ import annotations

import numpy as np

from engager.core import FloatArray, Stream


def assimilate(
    members: FloatArray,
    simulated: FloatArray,
    observed: FloatArray,
    variance: FloatArray,
    inflation: float,
    stream: Stream,
) -> FloatArray:
    """One portion of the data: members after seeing observations with `inflation` times their variance.

    Parameters
    ----------
    members : array (member, parameter), unconstrained scale.
    simulated : array (member, datum), what each member predicts; NaN: could not be estimated, no information.
    observed : array (datum,). variance : array (datum,), of its sampling error.
    inflation : the portion's factor; over all portions the inverses sum to 1.
    stream : keys the perturbations of the observations.

    Returns
    -------
    array (member, parameter).

    Notes
    -----
    Each member meets its own perturbed copy of the data, which keeps the spread of the posterior honest. The
    gain is solved with a singular value decomposition in data scaled by their error. What a datum tells about an
    unknown fades with their correlation over the members: correlations of the size that chance gives between
    unrelated columns would otherwise narrow unknowns that no figure informs.
    """
    n_members, n_data = simulated.shape
    scale = np.sqrt(variance)
    predicted = simulated / scale
    mean = np.nanmean(predicted, axis=0)
    # An estimate that a member could not give teaches nothing: it sits at the ensemble's mean.
    predicted = np.where(np.isnan(predicted), mean, predicted)
    noise = stream.normal(np.arange(n_members), n_data).reshape(n_members, n_data)
    target = observed / scale + np.sqrt(inflation) * noise
    anomaly_data = (predicted - predicted.mean(axis=0)) / np.sqrt(n_members - 1)
    anomaly_members = (members - members.mean(axis=0)) / np.sqrt(n_members - 1)
    left, singular, right = np.linalg.svd(anomaly_data.T, full_matrices=False)
    weights = singular / (singular**2 + inflation)
    gain = anomaly_members.T @ right.T @ np.diag(weights) @ left.T
    found: FloatArray = members + (target - predicted) @ (gain * _trust(anomaly_members, anomaly_data)).T
    return found


def _trust(anomaly_members: FloatArray, anomaly_data: FloatArray) -> FloatArray:
    """How much of the gain is kept: array (parameter, datum), 0 to 1.

    A squared correlation of unrelated columns is 1/n_members on average; of an observed one what is left after that
    is taken off is believed. For many members nothing is lost.
    """
    tiny = np.finfo(float).tiny
    members = anomaly_members / np.maximum(np.linalg.norm(anomaly_members, axis=0), tiny)
    data = anomaly_data / np.maximum(np.linalg.norm(anomaly_data, axis=0), tiny)
    squared = np.maximum((members.T @ data) ** 2, tiny)
    found: FloatArray = np.maximum(1.0 - 1.0 / (anomaly_members.shape[0] * squared), 0.0)
    return found


def misfit(simulated: FloatArray, observed: FloatArray, variance: FloatArray) -> FloatArray:
    """Mean squared standardized distance of each member: array (member,); about 1 when all is explained."""
    found: FloatArray = np.nanmean((simulated - observed) ** 2 / variance, axis=1)
    return found
