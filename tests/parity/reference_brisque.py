"""The features of BRISQUE by the package piq, of images in grey; and libsvm's own prediction."""

from importlib import import_module

import numpy as np
import torch


def features(images):
    statistics = import_module("piq.brisque")._natural_scene_statistics
    from piq.functional import imresize

    x = torch.from_numpy(images[..., :1]).permute(0, 3, 1, 2).double()
    half = imresize(x, sizes=(x.shape[2] // 2, x.shape[3] // 2))
    return {"features": torch.cat([statistics(x), statistics(half)], dim=-1).numpy()}


def svm(x, y):
    import tempfile
    from pathlib import Path

    from libsvm import svmutil

    rows = [dict(enumerate(map(float, row), 1)) for row in x]
    problem = svmutil.svm_problem(y.tolist(), rows)
    model = svmutil.svm_train(problem, "-s 3 -t 2 -g 0.05 -c 1024 -q")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "allmodel")
        svmutil.svm_save_model(str(path), model)
        text = path.read_text()
        read = svmutil.svm_load_model(str(path))
    predicted, _, _ = svmutil.svm_predict(y.tolist(), rows, read, "-q")
    return {"model": np.array(text), "predicted": np.array(predicted)}


def main(arrays, what):
    return globals()[what](**arrays)
