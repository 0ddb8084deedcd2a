"""Contributions by tight refits of scikit-learn, to judge the exact learners by."""

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

from data_scaling.metrics import make_metric


def fit_logistic_regression(dataset, rows, *, C=1.0, fit_intercept=True):
    model = LogisticRegression(
        C=C,
        fit_intercept=fit_intercept,
        solver="newton-cholesky",
        tol=1e-16,
        max_iter=1000,
    )
    with warnings.catch_warnings():
        # It goes on until round-off stops its line search, and says so.
        warnings.simplefilter("ignore")
        return model.fit(dataset.x_train[rows], dataset.y_train[rows])


def refit_utility(dataset, rows, metric=None, **settings):
    model = fit_logistic_regression(dataset, rows, **settings)
    if metric in (None, "log_loss") and len(dataset.classes) == 2:
        # From the margins: a probability close to 1 has lost the digits of its rest.
        margin = model.decision_function(dataset.x_val)
        wrong = np.where(dataset.y_val == 1, -margin, margin)
        return -float(np.mean(np.logaddexp(0.0, wrong)))
    prediction = model.predict_proba(dataset.x_val)
    return float(make_metric(metric, dataset.task).utilities(dataset.y_val, prediction))


def refit_marginals(dataset, coalition, points, metric=None, **settings):
    base = refit_utility(dataset, coalition, metric, **settings)
    deltas = []
    for point in points:
        if point in coalition:
            rows = coalition[coalition != point]
            deltas.append(base - refit_utility(dataset, rows, metric, **settings))
        else:
            rows = np.append(coalition, point)
            deltas.append(refit_utility(dataset, rows, metric, **settings) - base)
    return np.array(deltas)
