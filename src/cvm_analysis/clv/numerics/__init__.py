"""The mathematics below the models: likelihoods, integrals, distributions, simulation."""
