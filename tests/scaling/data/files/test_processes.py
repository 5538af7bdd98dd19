"""Two processes of four devices each read half of a batch each, and see all of it."""

import json
import os
import socket
import subprocess
import sys

import pytest

from tests.scaling.data.files import two_processes
from tests.scaling.data.files.two_processes import BATCH, RUNS, STEPS


@pytest.mark.slow
@pytest.mark.parametrize("fsdp", [1, 4])
def test_each_process_reads_its_own_share(fsdp):
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = str(found.getsockname()[1])
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo",
    }
    command = [sys.executable, "-m", two_processes.__name__]
    started = [
        subprocess.Popen(
            [*command, str(number), port, str(fsdp)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        said = [process.communicate(timeout=120)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    told = [json.loads(lines.splitlines()[-1]) for lines in said]
    assert all(each["right"] for each in told)
    assert told[0]["total"] == told[1]["total"]
    assert all(0 < each["read"] <= RUNS * BATCH * STEPS // 2 for each in told)
