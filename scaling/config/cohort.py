"""Which runs may share one compiled program."""

import hashlib
import json

from scaling.config.run import RunConfig, identity

# Numbers that enter the program as data, one per run, and may differ within a cohort.
PER_RUN = {"seed": (), "train": ("learning_rate", "weight_decay", "gradient_clip")}


def cohort_key(config: RunConfig) -> str:
    """Twelve hex digits, equal for runs whose programs differ only in the numbers of `PER_RUN`."""
    resolved = identity(config)
    for section, names in PER_RUN.items():
        if not names:
            del resolved[section]
        for name in names:
            del resolved[section][name]
    text = json.dumps(resolved, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
