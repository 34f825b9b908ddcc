"""The Open Inference Protocol (v2) body: one named input tensor a column, in and out of instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from churn_report import Column, ColumnKind, DataContract

from churn_serving.refusal import Reason, Refusal, quoted

_INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
_FLOATS = frozenset({"FP32", "FP64"})
_OUTPUTS = ("class", "probability")


@dataclass(frozen=True)
class TensorRequest:
    """A v2 request as far as it is about the batch and not about its values.

    Attributes:
        instances: one list of values a customer, in contract order, not yet validated.
        outputs: names of the output tensors to answer with, in order.
        request_id: the caller's id of the request, None when it gave none.
    """

    instances: list[list[Any]]
    outputs: tuple[str, ...]
    request_id: str | None


def parse(body: dict[str, Any], contract: DataContract) -> TensorRequest:
    """Read a v2 request whose inputs are tensors of shape [n] or [n, 1], one for each column.

    Raises:
        Refusal: when the inputs are no such tensors; the sentence names the input.
    """
    inputs = body.get("inputs")
    if not isinstance(inputs, list):
        raise Refusal(Reason.INSTANCES_MISSING, '"inputs" must be a list of tensors, one for each field.')
    tensors = _by_name(inputs, contract)
    columns = [_data(column, tensors[column.name]) for column in contract.columns]
    _check_same_length(contract, columns)
    request_id = body.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise Refusal(Reason.MALFORMED_TENSOR, f'"id" must be a string, not {quoted(request_id)}.')
    return TensorRequest(
        instances=[list(values) for values in zip(*columns, strict=True)],
        outputs=_requested_outputs(body.get("outputs")),
        request_id=request_id,
    )


def render(outputs: Sequence[str], classes: list[str], probabilities: list[float]) -> list[dict[str, Any]]:
    """The output tensors of a batch of n: class as BYTES [n], probability as FP64 [n]."""
    shape = [len(classes)]
    tensors = {
        "class": {"name": "class", "datatype": "BYTES", "shape": shape, "data": classes},
        "probability": {"name": "probability", "datatype": "FP64", "shape": shape, "data": probabilities},
    }
    return [tensors[name] for name in outputs]


def input_types(contract: DataContract) -> list[dict[str, Any]]:
    """The v2 model metadata of the inputs."""
    return [
        {"name": column.name, "datatype": _preferred_datatype(column), "shape": [-1]} for column in contract.columns
    ]


def output_types() -> list[dict[str, Any]]:
    """The v2 model metadata of the outputs."""
    return [
        {"name": "class", "datatype": "BYTES", "shape": [-1]},
        {"name": "probability", "datatype": "FP64", "shape": [-1]},
    ]


def _preferred_datatype(column: Column) -> str:
    match column.kind:
        case ColumnKind.CATEGORY:
            return "BYTES"
        case ColumnKind.NUMBER:
            return "FP64"


def _by_name(inputs: list[Any], contract: DataContract) -> dict[str, dict[str, Any]]:
    tensors: dict[str, dict[str, Any]] = {}
    known = frozenset(contract.names)
    for index, tensor in enumerate(inputs):
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise Refusal(Reason.MALFORMED_TENSOR, f"Input {index} must be an object with a name.")
        name = tensor["name"]
        if name not in known:
            raise Refusal(
                Reason.UNKNOWN_FIELD,
                f"Input {index}, field {quoted(name)}: the model has no such field; its fields are "
                f"{', '.join(contract.names)}.",
            )
        if name in tensors:
            raise Refusal(Reason.MALFORMED_TENSOR, f"Input {index}, field {quoted(name)}: given twice.")
        tensors[name] = tensor
    for name in contract.names:
        if name not in tensors:
            raise Refusal(Reason.MISSING_FIELD, f"Input tensor for field {quoted(name)} is missing.")
    return tensors


def _data(column: Column, tensor: dict[str, Any]) -> list[Any]:
    _check_datatype(column, tensor.get("datatype"))
    if "data" not in tensor:
        raise _malformed(column, '"data" is missing; binary tensors are not supported, send the values as JSON')
    length = _length(column, tensor.get("shape"))
    data = tensor["data"]
    if not isinstance(data, list):
        raise _malformed(column, '"data" must be a list')
    flat = [
        value[0] if isinstance(value, list) and len(value) == 1 else value for value in data
    ]  # [n, 1] may come nested
    if len(flat) != length:
        raise _malformed(column, f'"shape" says {length} values and "data" holds {len(flat)}')
    if tensor["datatype"] in _INTEGERS:
        for index, value in enumerate(flat):
            if type(value) is float:
                raise Refusal(
                    Reason.MALFORMED_TENSOR,
                    f"Instance {index}, field {quoted(column.name)}: {value!r} is not an integer, "
                    f"and the tensor's datatype is {tensor['datatype']}.",
                )
    return flat


def _check_datatype(column: Column, datatype: Any) -> None:
    match column.kind:
        case ColumnKind.CATEGORY:
            allowed = frozenset({"BYTES"}) | _INTEGERS
        case ColumnKind.NUMBER:
            allowed = _FLOATS | _INTEGERS
    if not isinstance(datatype, str) or datatype not in allowed:
        raise _malformed(column, f"datatype {quoted(datatype)} is not one of {', '.join(sorted(allowed))}")


def _length(column: Column, shape: Any) -> int:
    if isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape):
        match shape:
            case [int(length)] | [int(length), 1]:
                return length
    raise _malformed(column, f"shape {quoted(shape)} is neither [n] nor [n, 1]")


def _check_same_length(contract: DataContract, columns: list[list[Any]]) -> None:
    length = len(columns[0])
    for name, values in zip(contract.names, columns, strict=True):
        if len(values) != length:
            raise Refusal(
                Reason.MALFORMED_TENSOR,
                f"Field {quoted(name)} holds {len(values)} instances and field "
                f"{quoted(contract.names[0])} holds {length}.",
            )


def _requested_outputs(outputs: Any) -> tuple[str, ...]:
    if outputs is None or outputs == []:
        return _OUTPUTS
    if not isinstance(outputs, list):
        raise Refusal(Reason.UNKNOWN_OUTPUT, '"outputs" must be a list of objects with a name.')
    return tuple(_output_name(output) for output in outputs)


def _output_name(output: Any) -> str:
    name = output.get("name") if isinstance(output, dict) else None
    if not isinstance(name, str) or name not in _OUTPUTS:
        raise Refusal(
            Reason.UNKNOWN_OUTPUT,
            f"The model has no output {quoted(name)}; its outputs are {', '.join(_OUTPUTS)}.",
        )
    return name


def _malformed(column: Column, problem: str) -> Refusal:
    return Refusal(Reason.MALFORMED_TENSOR, f"Input tensor of field {quoted(column.name)}: {problem}.")
