//! Bayesian recurrent networks for Burn: variational dropout and Monte Carlo prediction
