"""The inception score, of whatever classifier gave the logits."""

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate, bootstrap
from scaling.measure.distances.order import order


def inception_score(logits: Float[np.ndarray, "n classes"], *, draws: int = 200) -> Estimate:
    """exp(mean KL(p(y|x) || p(y))) over all samples (Salimans et al. 2016), 1 to classes.

    All samples at once, not the mean over ten splits, whose value depends on their size.
    """
    logits = logits[order(logits)].astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    negative_entropy = (p * log_p).sum(axis=1)

    def score(index: np.ndarray) -> float:
        marginal = np.bincount(index, minlength=len(p)) @ p / len(index)
        entropy = -(marginal * np.log(marginal, where=marginal > 0, out=np.zeros_like(p[0]))).sum()
        return float(np.exp(negative_entropy[index].mean() + entropy))

    return bootstrap(score, np.arange(len(p)), draws=draws)
