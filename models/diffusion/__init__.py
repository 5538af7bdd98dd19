"""The Gaussian process in log-SNR: densities, weightings, predictions, loss, guidance, samplers."""
