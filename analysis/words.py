"""Columns and metrics in words."""

WORDS = {
    "parameters_non_embedding": "parameters without embeddings",
    "importance_weighted_loss": "importance-weighted loss",
    "kid": "KID",
    "cmmd": "CMMD",
    "fd": "FD",
    "fd_infinite": "FD at infinity",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "beyond_gaussian": "share beyond means and variances",
    "win_rate_people": "win rate by people",
    "win_rate_real_or_generated": "win rate by real-or-generated",
    "win_rate_caption_match": "win rate by caption match",
}


def metric_label(metric: str) -> str:
    """A column or metric as a figure's axis names it."""
    return WORDS.get(metric, metric.replace("_", " "))


def noun(metric: str) -> str:
    """A metric as a sentence speaks of it: the loss, or its name."""
    return "loss" if metric.endswith("loss") else metric_label(metric)
