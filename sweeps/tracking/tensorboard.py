"""TensorBoard: a folder of event files for each run, written by tensorboardX."""

import time

from sweeps.tracking.interface import Rows, Tracked, Tracker, Where, flat, needed


def make(where: Where) -> Tracker:
    """Folders below `into/<project>`, as for `tensorboard --logdir`."""
    package = needed("tensorboardX", "tensorboard")
    folder = where.into / where.project

    def record(run: Tracked, rows: Rows) -> None:
        of_run = folder / run.unique_name.replace("/", "_")
        is_new = not of_run.exists()
        # a file is called by its second, and would replace another of the same
        suffix = f".{time.time_ns()}"
        with package.SummaryWriter(str(of_run), filename_suffix=suffix) as writer:
            if is_new:
                _, settings, _ = package.summary.hparams(flat(run.settings), {})
                writer.file_writer.add_summary(settings)
            for step, scalars in rows.items():
                for name, value in scalars.items():
                    writer.add_scalar(name, value, step)
            writer.add_text(
                "status", ": ".join(filter(None, (run.status, run.reason))), max(rows, default=0)
            )

    return Tracker(place=where.project, record=record, look=f"tensorboard --logdir {folder}")
