"""ONNX Runtime sessions with thread counts that do not fight the rest of the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime

onnxruntime.disable_telemetry_events()  # nothing about this machine is collected, even locally


def session(model: str | bytes, *, threads: int = 1) -> Any:
    """A CPU session; `threads` for one operator, sequential between operators, no spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def with_output(model: Path | str, name: str) -> bytes:
    """A network with one of its inner values, called `name` in it, as its last output; else `ValueError`."""
    import onnx  # most processes that run a network never change one

    loaded: Any = onnx.load(str(model))
    if not any(name in node.output for node in loaded.graph.node):
        raise ValueError(f"{Path(model).name} is another kind of network (it has no '{name}')")
    loaded.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    content: bytes = loaded.SerializeToString()
    return content
