"""Where a central interval ends."""


def tails(confidence: float) -> tuple[float, float]:
    """The quantiles between which a share `confidence` lies, as much beyond either."""
    return (1 - confidence) / 2, (1 + confidence) / 2
