"""Golden values of calibration, computed by the libraries that people know for it.

Writes calibration/*.json, in float64: torchmetrics' and scikit-learn's calibration
of classes, PyTorch's temperature by LBFGS, scoringrules' CRPS, SciPy's distribution
functions and likelihoods, and MAPIE's conformal intervals. The layout of the files
is described in README.md.

    python generate_calibration.py
"""

import importlib.metadata
import random
import warnings

import numpy as np
import scoringrules
import torch
from mapie.conformity_scores import AbsoluteConformityScore, ResidualNormalisedScore
from mapie.metrics.regression import regression_coverage_score, regression_mean_width_score
from mapie.regression import SplitConformalRegressor, TimeSeriesRegressor
from scipy import optimize, special, stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

import vectors

LIBRARIES = ["torch", "torchmetrics", "scikit-learn", "scipy", "numpy", "scoringrules", "mapie"]


def from_file(tensor):
    return np.array(tensor["values"]).reshape(tensor["shape"])


def to_file(array):
    return {"shape": list(array.shape), "values": array.flatten().tolist()}


# --- classes -----------------------------------------------------------------


def draw_probabilities(rng, n_rows, n_classes):
    """Multiples of 1/512, none of them 0, that sum to 1. No two rows have the same confidence, so
    that bins of equal mass are those of any order, and no row has two likeliest classes."""
    rows, confidences = [], set()
    while len(rows) < n_rows:
        weights = [rng.random() ** 4 for _ in range(n_classes)]
        row = [max(1, int(512 * weight / sum(weights))) for weight in weights]
        row[row.index(max(row))] += 512 - sum(row)
        confidence = max(row)
        if confidence not in confidences and row.count(confidence) == 1:
            confidences.add(confidence)
            rows.append([value / 512 for value in row])
    return {"shape": [n_rows, n_classes], "values": [value for row in rows for value in row]}


def draw_classes(rng, probabilities):
    """Classes that a row's probabilities, made less sure, would give."""
    classes = []
    for row in from_file(probabilities) ** 0.6:
        classes.append(int(np.searchsorted(np.cumsum(row) / row.sum(), rng.random())))
    return classes


def probabilities_case(n_classes, n_bins, n_mass_bins):
    rng = random.Random(f"probabilities, {n_classes}")
    # A multiple of the bins of equal mass: scikit-learn interpolates their edges.
    n_rows = 12 * n_mass_bins
    given = {"probabilities": draw_probabilities(rng, n_rows, n_classes)}
    given["classes"] = draw_classes(rng, given["probabilities"])
    p, y = from_file(given["probabilities"]), np.array(given["classes"])
    confidence, right = p.max(1), p.argmax(1) == y

    ece = multiclass_calibration_error(
        torch.tensor(p), torch.tensor(y), num_classes=n_classes, n_bins=n_bins, norm="l1"
    )
    accuracies, confidences = calibration_curve(right, confidence, n_bins=n_bins)
    mass_accuracies, mass_confidences = calibration_curve(
        right, confidence, n_bins=n_mass_bins, strategy="quantile"
    )
    # The mean below is that of bins of 12 rows each.
    edges = np.percentile(confidence, np.linspace(0, 100, n_mass_bins + 1)[1:-1])
    assert set(np.bincount(np.searchsorted(edges, confidence))) == {12}
    labels = list(range(n_classes))
    expected = {
        "expected_calibration_error": ece.item(),
        "accuracies": accuracies.tolist(),
        "confidences": confidences.tolist(),
        "adaptive_calibration_error": np.abs(mass_accuracies - mass_confidences).mean(),
        "mass_accuracies": mass_accuracies.tolist(),
        "mass_confidences": mass_confidences.tolist(),
        "negative_log_likelihood": log_loss(y, p, labels=labels),
        "brier_score": brier_score_loss(y, p, labels=labels, scale_by_half=False),
    }
    return given | {"n_bins": n_bins, "n_mass_bins": n_mass_bins, "expected": expected}


def temperature_by_torch(logits, classes):
    """Minimises the NLL of the mean over draws, by LBFGS over log T."""
    logits, classes = torch.tensor(logits), torch.tensor(classes)
    log_t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_t],
        max_iter=500,
        tolerance_grad=1e-14,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        log_p = torch.log_softmax(logits / log_t.exp(), -1).logsumexp(0) - np.log(len(logits))
        nll = torch.nn.functional.nll_loss(log_p, classes)
        nll.backward()
        return nll

    optimizer.step(closure)
    assert abs(log_t.grad.item()) < 1e-9, log_t.grad
    return log_t.exp().item()


def temperature_case(name, n_draws):
    rng = random.Random(f"temperature, {name}")
    n_rows, n_classes = 60, 4
    logits = vectors.draw(rng, n_draws, n_rows, n_classes, scale=4.0)
    probabilities = {"values": special.softmax(from_file(logits), -1).mean(0).flatten().tolist()}
    probabilities["shape"] = [n_rows, n_classes]
    classes = draw_classes(rng, probabilities)
    expected = {"temperature": temperature_by_torch(from_file(logits), classes)}
    return {"name": name, "logits": logits, "classes": classes, "expected": expected}


# --- real values -------------------------------------------------------------


def log_likelihood(draws, observed, precision):
    log_p = stats.norm.logpdf(observed, draws, 1 / np.sqrt(precision))
    return special.logsumexp(log_p, 0) - np.log(len(draws))


def fitted_precision(draws, observed):
    """The likeliest, between a thousandth and a thousand times that of the mean of the draws."""
    start = -np.log(np.mean((observed - draws.mean(0)) ** 2))
    found = optimize.minimize_scalar(
        lambda eta: -log_likelihood(draws, observed, np.exp(eta)).mean(),
        bounds=(start - 7, start + 7),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return np.exp(found.x)


def real_case(n_draws):
    rng = random.Random(f"real, {n_draws}")
    n_rows, n_outputs = 20, 2
    mean = from_file(vectors.draw(rng, n_rows, n_outputs, scale=2.0))
    draws = mean + from_file(vectors.draw(rng, n_draws, n_rows, n_outputs, scale=0.5))
    noise = from_file(vectors.draw(rng, n_rows, n_outputs)) * [1, 2]
    observed = draws[0] + noise
    variances = from_file(vectors.draw(rng, n_draws, n_rows, n_outputs, scale=0.5)) + 0.75
    last = np.moveaxis(draws, 0, -1)
    deviations = np.moveaxis(np.sqrt(variances), 0, -1)
    precision = 2.5

    def of_mixture(deviations):
        deviations = np.broadcast_to(deviations, last.shape)
        return {
            "crps": to_file(scoringrules.crps_mixnorm(observed, last, deviations)),
            "pit": to_file(stats.norm.cdf(observed[..., None], last, deviations).mean(-1)),
            "negative_log_likelihood": to_file(
                np.log(n_draws)
                - special.logsumexp(stats.norm.logpdf(observed[..., None], last, deviations), -1)
            ),
        }

    first = (draws[0], np.sqrt(variances[0]))
    expected = {
        "crps": to_file(scoringrules.crps_ensemble(observed, last, estimator="nrg")),
        "fair_crps": to_file(scoringrules.crps_ensemble(observed, last, estimator="fair")),
        "gaussian": {
            "crps": to_file(scoringrules.crps_normal(observed, *first)),
            "pit": to_file(stats.norm.cdf(observed, *first)),
            "negative_log_likelihood": to_file(-stats.norm.logpdf(observed, *first)),
        },
        "fixed": of_mixture(1 / np.sqrt(precision)),
        "predicted": of_mixture(deviations),
        "fitted_precision": fitted_precision(draws, observed),
        "fitted_precision_per_output": [
            fitted_precision(draws[..., output], observed[..., output])
            for output in range(n_outputs)
        ],
    }
    return {
        "draws": to_file(draws),
        "observed": to_file(observed),
        "variances": to_file(variances),
        "precision": precision,
        "expected": expected,
    }


# --- conformal intervals -----------------------------------------------------


class Column(RegressorMixin, BaseEstimator):
    """What was predicted already: a column of X."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, self.column]

    def __sklearn_is_fitted__(self):
        return True


def conformal_case(n_rows, level):
    rng = random.Random(f"conformal, {n_rows}")
    horizon = 2
    predicted = from_file(vectors.draw(rng, n_rows, horizon))
    deviation = from_file(vectors.draw(rng, n_rows, horizon, scale=0.5)) + 0.75
    observed = predicted + deviation * from_file(vectors.draw(rng, n_rows, horizon, scale=3.0))
    # What lies on an end in float64 may lie on either side of it in float32: none of these does.
    others = predicted + from_file(vectors.draw(rng, n_rows, horizon, scale=3.0))
    expected = {"radii": [], "factors": []}
    ends = np.empty((n_rows, horizon, 2))
    for step in range(horizon):
        X = np.stack([predicted[:, step], deviation[:, step]], 1)
        new = np.array([[0.0, 1.0]])
        scores = {
            "radii": AbsoluteConformityScore(),
            "factors": ResidualNormalisedScore(residual_estimator=Column(1), prefit=True),
        }
        for name, score in scores.items():
            mapie = SplitConformalRegressor(Column(), level, score, prefit=True)
            mapie.conformalize(X, observed[:, step])
            _, interval = mapie.predict_interval(new)
            expected[name].append(float(interval[0, 1, 0]))
            if name == "factors":
                ends[:, step] = mapie.predict_interval(X)[1][..., 0]
    ends = ends.reshape(-1, 2, 1)
    expected["coverage"] = regression_coverage_score(others.flatten(), ends)[0]
    assert np.abs(others.reshape(-1, 1, 1) - ends).min() > 1e-5
    expected["mean_width"] = regression_mean_width_score(ends)[0]
    return {
        "level": level,
        "predicted": to_file(predicted),
        "deviation": to_file(deviation),
        "observed": to_file(observed),
        "others": to_file(others),
        "expected": expected,
    }


def adaptive_case(level, step_size):
    rng = random.Random("adaptive")
    n_before, n_after = 30, 40
    predicted = from_file(vectors.draw(rng, n_before + n_after))
    growth = np.where(np.arange(n_before + n_after) < 50, 1, 4)
    observed = predicted + growth * from_file(vectors.draw(rng, n_before + n_after))
    X = predicted[:, None]
    mapie = TimeSeriesRegressor(
        Column(), method="aci", cv="prefit", conformity_score=AbsoluteConformityScore(sym=True)
    )
    mapie.fit(X[:n_before], observed[:n_before])
    alphas, upper = [], []
    for t in range(n_before, n_before + n_after):
        row, value = X[t : t + 1], observed[t : t + 1]
        _, interval = mapie.predict(row, confidence_level=level, allow_infinite_bounds=True)
        upper.append(float(interval[0, 1, 0]))
        mapie.adapt_conformal_inference(row, value, gamma=step_size, confidence_level=level)
        mapie.update(row, value)
        alphas.extend(mapie.current_alpha.values())
    # MAPIE would have cut them.
    assert len(alphas) == n_after and 0 < min(alphas) and max(alphas) < 1
    assert all(np.isfinite(upper)) and len(set(alphas)) > 10
    split = lambda values: [to_file(values[:n_before]), to_file(values[n_before:])]
    return {
        "level": level,
        "step_size": step_size,
        "predicted": split(predicted),
        "observed": split(observed),
        "expected": {"upper": upper, "alphas": [float(alpha) for alpha in alphas]},
    }


# --- files -------------------------------------------------------------------


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    versions = {name: importlib.metadata.version(name).split("+")[0] for name in LIBRARIES}
    header = versions | {"generator": "generate_calibration.py"}
    files = {
        "probabilities": [probabilities_case(3, 15, 5), probabilities_case(10, 7, 10)],
        "temperature": [temperature_case("one draw", 1), temperature_case("draws", 5)],
        "real_values": [real_case(2), real_case(7)],
        "conformal": [conformal_case(30, 0.8), conformal_case(99, 0.9)],
        "adaptive": [adaptive_case(0.8, 0.05)],
    }
    for name, cases in files.items():
        vectors.write_document("calibration", name, header | {"cases": cases})


if __name__ == "__main__":
    main()
