"""Golden values of the measures of uncertainty, computed by NumPy, SciPy and PyTorch.

Writes measures/*.json. Everything is computed on the CPU in float64 from the draws
of the file, one function of the libraries for each measure where there is one. The
layout of the files is described in README.md.

    python generate_measures.py
"""

import random

import numpy as np
import scipy
import torch
from scipy import optimize, special, stats

import vectors

DRAWS, ROWS, STEPS, CLASSES, OUTPUTS = 25, 4, 3, 5, 2
LENGTHS = [3, 1, 2, 3]
PROBABILITIES = [0.0, 0.05, 0.25, 0.5, 0.9, 1.0]
OF_MIXTURE = [0.001, 0.05, 0.25, 0.5, 0.95]


def draw(rng, *shape, scale):
    drawn = vectors.draw(rng, *shape, scale=scale)
    return np.array(drawn["values"]).reshape(shape)


def to_file(array):
    array = np.asarray(array, dtype=np.float64)
    return {"shape": list(array.shape), "values": array.ravel().tolist()}


def all_to_file(arrays):
    return {name: to_file(array) for name, array in arrays.items()}


def over_steps(measure):
    """Sum and mean of the steps that count, row by row."""
    steps = [row[:length] for row, length in zip(measure, LENGTHS)]
    return np.array([row.sum(0) for row in steps]), np.array([row.mean(0) for row in steps])


def jointly(densities):
    """Log-likelihoods of rows, from the log densities of their steps in each draw."""
    sums = [over_steps(density.reshape(ROWS, STEPS, -1).sum(axis=-1))[0] for density in densities]
    return special.logsumexp(sums, axis=0) - np.log(DRAWS)


# --- classes -----------------------------------------------------------------


def classification_case(name, shape, scale):
    rng = random.Random(f"measures, {name}")
    logits = draw(rng, DRAWS, *shape, CLASSES, scale=scale)
    classes = np.array([int(rng.random() * CLASSES) for _ in range(np.prod(shape))])
    classes = classes.reshape(shape)
    probabilities = special.softmax(logits, axis=-1)
    mean = probabilities.mean(axis=0)
    log_mean = special.logsumexp(special.log_softmax(logits, axis=-1), axis=0) - np.log(DRAWS)
    predictive = stats.entropy(mean, axis=-1)
    expected = stats.entropy(probabilities, axis=-1).mean(axis=0)
    choices = probabilities.argmax(axis=-1)
    # Of equal counts the smallest, as of equal probabilities the first.
    vote, count = stats.mode(choices, axis=0)
    predicted = mean.argmax(axis=-1)
    runner_up, largest = np.moveaxis(np.partition(mean, -2, axis=-1)[..., -2:], -1, 0)
    measures = {
        "probabilities": mean,
        "variance": probabilities.var(axis=0),
        "predictive_entropy": predictive,
        "expected_entropy": expected,
        "mutual_information": predictive - expected,
        "variation_ratio": 1 - count / DRAWS,
        "majority_vote": vote,
        "predicted_class": predicted,
        "margin": largest - runner_up,
        "disagreement": (choices != predicted).mean(axis=0),
        "log_likelihood": np.take_along_axis(log_mean, classes[..., None], -1)[..., 0],
    }
    # The votes of float32 are those of float64: no draw has a tie.
    assert (np.diff(np.sort(logits, axis=-1)[..., -2:], axis=-1) > 1e-3).all()
    given = {"name": name, "logits": to_file(logits), "classes": to_file(classes)}
    if len(shape) > 1:
        sums, means = over_steps(predictive)
        log_draws = special.log_softmax(logits, axis=-1)
        observed = np.array([np.take_along_axis(p, classes[..., None], -1)[..., 0] for p in log_draws])
        given["lengths"] = LENGTHS
        measures |= {
            "entropy_of_rows": sums,
            "mean_entropy_of_rows": means,
            "joint_log_likelihood": jointly(observed),
        }
    return given | {"expected": all_to_file(measures)}


# --- real values -------------------------------------------------------------


def mixture_quantile(p, means, deviations):
    """The root of the mean of the distribution functions."""

    def excess(y):
        return stats.norm.cdf(y, means, deviations).mean() - p

    ends = stats.norm.ppf(p, means, deviations)
    return optimize.brentq(excess, ends.min(), ends.max(), xtol=1e-14, rtol=1e-14)


def regression_case(name, precision=None):
    rng = random.Random(f"measures, {name}")
    shape = (ROWS, STEPS, OUTPUTS)
    means = draw(rng, DRAWS, *shape, scale=2.0)
    observed = draw(rng, *shape, scale=3.0)
    log_variances = draw(rng, DRAWS, *shape, scale=1.5)
    given = {"name": name, "means": to_file(means), "observed": to_file(observed)}
    if precision is None:
        variances = np.exp(log_variances)
        given["log_variances"] = to_file(log_variances)
    else:
        variances = np.broadcast_to(1 / precision, means.shape)
        given["precision"] = to_file(precision)
    deviations = np.sqrt(variances)
    densities = stats.norm.logpdf(observed, means, deviations)
    places = [(means[:, *at], deviations[:, *at]) for at in np.ndindex(shape)]
    quantiles = [
        np.reshape([mixture_quantile(p, *place) for place in places], shape) for p in OF_MIXTURE
    ]
    measures = {
        "mean": means.mean(axis=0),
        "epistemic_variance": means.var(axis=0),
        "aleatoric_variance": variances.mean(axis=0),
        "variance": means.var(axis=0) + variances.mean(axis=0),
        "log_likelihood": special.logsumexp(densities, axis=0) - np.log(DRAWS),
        "joint_log_likelihood": jointly(densities),
        "quantiles": np.quantile(means, PROBABILITIES, axis=0),
        "mixture_quantiles": quantiles,
    }
    given |= {"lengths": LENGTHS, "probabilities": PROBABILITIES, "of_mixture": OF_MIXTURE}
    return given | {"expected": all_to_file(measures)}


# --- the loss ----------------------------------------------------------------


def loss_case(name):
    rng = random.Random(f"measures, {name}")
    given = {
        "mean": draw(rng, ROWS, OUTPUTS, scale=2.0),
        "log_variance": draw(rng, ROWS, OUTPUTS, scale=2.0),
        "targets": draw(rng, ROWS, OUTPUTS, scale=3.0),
    }
    mean, log_variance, targets = (torch.tensor(given[key]) for key in given)
    mean.requires_grad_()
    log_variance.requires_grad_()
    loss = torch.nn.GaussianNLLLoss(full=True, eps=0.0, reduction="none")
    losses = loss(mean, targets, log_variance.exp())
    losses.mean().backward()
    expected = {
        "losses": losses.detach(),
        "grad_mean": mean.grad,
        "grad_log_variance": log_variance.grad,
    }
    return {"name": name} | all_to_file(given) | {"expected": all_to_file(expected)}


# --- files -------------------------------------------------------------------


def write(name, cases):
    versions = {
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    document = {**versions, "generator": "generate_measures.py", "cases": cases}
    vectors.write_document("measures", name, document)


def main():
    write(
        "classification",
        [
            classification_case("rows", (ROWS,), scale=2.0),
            classification_case("steps", (ROWS, STEPS), scale=2.0),
            # Probabilities down to 1e-170.
            classification_case("far apart", (ROWS,), scale=200.0),
        ],
    )
    write(
        "regression",
        [
            regression_case("one precision", np.full((1, 1, 1), 4.0)),
            regression_case("a precision for each output", np.array([[[4.0, 0.25]]])),
            regression_case(
                "a precision for each row and step",
                np.array([[4.0, 1.0, 0.5], [0.25, 9.0, 2.0], [1.0, 1.5, 3.0], [6.0, 0.75, 8.0]])[
                    ..., None
                ],
            ),
            regression_case("predicted noise"),
        ],
    )
    write("loss", [loss_case("two outputs")])


if __name__ == "__main__":
    main()
