"""Checks of a model file that several test files share."""

from __future__ import annotations

from mim_export.tflite import flatbuffer

#: Outputs of the signature `verdict`; `explain` has them too.
VERDICT_OUTPUTS = {"similarity", "p_class", "p_other", "novelty", "verdict", "reason"}
EXPLAIN_OUTPUTS = VERDICT_OUTPUTS | {"ssim", "inpainted", "error_map"}


def own_outputs(content: bytes, key: str) -> set[str]:
    """Names of the outputs of a signature, each of which has to be computed, and a tensor of its own and its name."""
    model = flatbuffer.read(content)
    signature = next(s for s in model.signatureDefs if s.signatureKey == key.encode())
    graph = model.subgraphs[signature.subgraphIndex]
    places = [output.tensorIndex for output in signature.outputs]
    computed = {int(place) for operator in graph.operators for place in operator.outputs}
    assert len(set(places)) == len(places) and set(places) <= computed
    assert sorted(graph.outputs) == sorted(places)
    names = {graph.tensors[output.tensorIndex].name: output.name for output in signature.outputs}
    assert all(tensor == output for tensor, output in names.items())
    return {name.decode() for name in names}
