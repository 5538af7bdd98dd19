"""When a run is measured."""

import math

from scaling.config.measure import HorizonConfig


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
