"""What it would save and cost to hold frozen weights in float16 or int8 and widen them inside the graph: forward and backward
of twelve square layers by onnxruntime, the memory beside what Python holds, and processor time.

    python bench/reference/frozen_weights.py            # needs numpy, onnx, onnxruntime

A weight widened once lives from the forward to the backward pass, and onnxruntime widens all of them before the first layer:
nothing is saved. So each use widens it anew, "after" what the layer reads, by the same empty slices that order recomputation
(`recompute` in @tfx/compiler).
"""

import subprocess
import sys
import time

LAYERS, SIZE, ROWS = 12, 2048, 512


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4 / 1024


def build(mode):
    from onnx import TensorProto as T
    from onnx import helper

    kind, _, order = mode.partition("-")
    stored = {"float32": T.FLOAT, "float16": T.FLOAT16, "int8": T.INT8}[kind]
    nodes, inputs = [], [helper.make_tensor_value_info("x", T.FLOAT, ["b", SIZE])]

    def add(op, sources, target, **attributes):
        nodes.append(helper.make_node(op, sources, [target], **attributes))
        return target

    def widened(layer, use, after):
        if kind == "float32":
            return f"w{layer}"
        weight, name = f"w{layer}", f"{use}{layer}"
        if order == "ordered":
            empty = add("Slice", [after, "zero", "zero", "zero"], f"empty_{name}")
            sizes = add("Cast", [add("Reshape", [empty, "flat"], f"none_{name}")], f"sizes_{name}", to=T.INT64)
            shape = add("Concat", ["square", sizes], f"shape_{name}", axis=0)
            weight = add("Reshape", [weight, shape], f"late_{name}")
        if kind == "int8":
            return add("DequantizeLinear", [weight, f"s{layer}"], f"wide_{name}", axis=1)
        return add("Cast", [weight], f"wide_{name}", to=T.FLOAT)

    hidden = "x"
    states = []
    for layer in range(LAYERS):
        inputs.append(helper.make_tensor_value_info(f"w{layer}", stored, [SIZE, SIZE]))
        if kind == "int8":
            inputs.append(helper.make_tensor_value_info(f"s{layer}", T.FLOAT, [SIZE]))
        product = add("MatMul", [hidden, widened(layer, "forward", hidden)], f"m{layer}")
        hidden = add("Tanh", [product], f"h{layer}")
        states.append(hidden)
    gradient = hidden
    for layer in reversed(range(LAYERS)):
        scaled = add("Mul", [gradient, states[layer]], f"d{layer}")
        weight = widened(layer, "backward", scaled)
        nodes.append(helper.make_node("FusedMatMul", [scaled, weight], [f"g{layer}"], domain="com.microsoft", transB=1))
        gradient = f"g{layer}"
    constants = {"zero": [0], "flat": [-1], "square": [SIZE, SIZE]}
    initial = [helper.make_tensor(name, T.INT64, [len(v)], v) for name, v in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("g0", T.FLOAT, ["b", SIZE])], initial)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def measure(mode):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(build(mode), options)
    random = numpy.random.default_rng(1)
    feeds = {"x": (random.standard_normal((ROWS, SIZE)) * 0.1).astype(numpy.float32)}
    for layer in range(LAYERS):
        weight = random.standard_normal((SIZE, SIZE)).astype(numpy.float32) / 45
        if mode.startswith("int8"):
            scale = abs(weight).max(0) / 127
            feeds[f"s{layer}"] = scale
            weight = numpy.round(weight / scale).astype(numpy.int8)
        feeds[f"w{layer}"] = weight.astype(numpy.float16) if mode.startswith("float16") else weight
    held = sum(value.nbytes for value in feeds.values()) / 2**20
    before = resident()
    session.run(None, feeds)
    own = resident() - before
    started = time.process_time()
    session.run(None, feeds)
    print(f"{mode:16} weights {held:4.0f} MiB, the run's own {own:4.0f} MiB, {time.process_time() - started:.2f} s")


if len(sys.argv) > 1:
    measure(sys.argv[1])
else:
    for mode in ["float32", "float16", "float16-ordered", "int8", "int8-ordered"]:
        subprocess.run([sys.executable, __file__, mode], check=True)
