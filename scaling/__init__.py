"""One measurement: data, training, measuring, recording. Command line: `python -m scaling`."""
