"""When a run is measured."""

import math

from scaling.config.measure import HorizonConfig, MeasureConfig


def horizons(config: HorizonConfig, steps: int) -> tuple[int, ...]:
    """Distinct steps, log-spaced from `first` to the last step, both included."""
    if config.count == 1 or config.first >= steps:
        return (steps,)
    ratio = math.log(steps / config.first)
    return tuple(
        sorted(
            {
                round(config.first * math.exp(ratio * i / (config.count - 1)))
                for i in range(config.count)
            }
        )
    )


def sampled_at(measure: MeasureConfig, steps: int) -> tuple[int, ...]:
    """Horizons at which the samples of measure.distances are drawn; the last is one of them."""
    asked = measure.distances.horizons
    if asked == "all":
        return horizons(measure.horizons, steps)
    return (steps,) if asked == "last" else tuple(sorted({*asked, steps}))
