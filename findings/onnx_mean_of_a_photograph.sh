#!/usr/bin/env bash
# OpenCV 4.14.0, onnxruntime 1.32.0 and OpenVINO 2026.4.1: a ReduceMean that goes over the rows and columns of a map at
# once adds up in float32. Over twelve million pixels, squares as for a deviation, the mean is off by 1 % in
# OpenCV, by 0.06 % in onnxruntime, and by 0.02 % in OpenVINO. By two ReduceMeans, of each row and of those
# means, five digits are right in the first two; but OpenVINO makes one of them again. Of a ReduceMean of the rows, a
# ReduceSum, and a division it does not, and all three have five digits.
#
# Output seen, how far off the mean is at once, by two means, and by a mean and a sum:
#     OpenCV       1e-02 7e-07 7e-07
#     onnxruntime  6e-04 3e-07 3e-07
#     OpenVINO     2e-04 2e-04 4e-08
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 opencv-python-headless==4.14.0.94
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

N, C, H, W = SHAPE = 1, 3, 3000, 4000
NODE = helper.make_node
AT_ONCE = [NODE("ReduceMean", ["x"], ["mean"], axes=[2, 3])]
TWO_MEANS = [NODE("ReduceMean", ["x"], ["rows"], axes=[3]), NODE("ReduceMean", ["rows"], ["mean"], axes=[2])]
MEAN_AND_SUM = [
    NODE("ReduceMean", ["x"], ["rows"], axes=[3]), NODE("ReduceSum", ["rows", "axes"], ["sum"]),
    NODE("Div", ["sum", "H"], ["mean"]),
]


def graph(nodes):
    x, mean = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
               for name, shape in (("x", SHAPE), ("mean", (N, C, 1, 1))))
    constants = [numpy_helper.from_array(np.array([2]), "axes"), numpy_helper.from_array(np.float32(H), "H")]
    used = [constant for constant in constants if any(constant.name in node.input for node in nodes)]
    model = helper.make_graph(nodes, "means", [x], [mean], used)
    return helper.make_model(model, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def opencv(graph, x):
    network = cv2.dnn.readNetFromONNX(np.frombuffer(graph, np.uint8))
    network.setInput(x)
    return network.forward()


def runtime(graph, x):
    return onnxruntime.InferenceSession(graph).run(None, {"x": x})[0]


def vino(graph, x):
    core = openvino.Core()
    return core.compile_model(core.read_model(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([x])[0]


x = (256 * np.random.default_rng(0).random(SHAPE, np.float32) - 128) ** 2
right = x.mean(axis=(2, 3), dtype=np.float64).ravel()
off = {}
for name, run in (("OpenCV", opencv), ("onnxruntime", runtime), ("OpenVINO", vino)):
    off[name] = [np.abs(run(graph(nodes), x).ravel() / right - 1).max() for nodes in (AT_ONCE, TWO_MEANS, MEAN_AND_SUM)]
    print("{:12} {:.0e} {:.0e} {:.0e}".format(name, *off[name]))
for name, (at_once, two_means, mean_and_sum) in off.items():
    right_by_two = two_means < 1e-5
    if at_once < {"OpenCV": 5e-3}.get(name, 1e-4) or right_by_two != (name != "OpenVINO") or mean_and_sum > 1e-5:
        raise SystemExit(f"the means of a large map now have other digits in {name}")
PYTHON
