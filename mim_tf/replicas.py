"""Replicas: devices that train one model together, each on its part of every batch.

Each replica has a copy of the model. The copies begin with equal weights and take equal gradients, so that they stay
equal. What a training step needs of the whole batch passes through the functions of this module, which compute means
over the replicas. Outside of a block of `Replica.active` there is one replica, and they return what they are given.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import tensorflow as tf


class Replica:
    """One of the devices of a group.

    Args:
        number: its number, from 0 on.
        count: number of replicas of the group, in all processes.
        device: name of the device, such as "/device:GPU:0".
        group: number of the group. A process has one group of a number, for its whole life.
    """

    def __init__(self, number: int, count: int, device: str, group: int) -> None:
        self.number, self.count, self.device = number, count, device
        self._group = group
        # All replicas trace the same program, and so give the same number to each of its operations.
        self._numbers = itertools.count(1)
        with tf.device(device):
            # An input of each operation, so that a graph runs them in the order of the program, as NCCL requires.
            self._order = tf.Variable(0.0)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Computes on the device, as this replica, within the block."""
        token = _active.set(self)
        try:
            with tf.device(self.device):
                yield
        finally:
            _active.reset(token)

    def total(self, values: tf.Tensor) -> tf.Tensor:
        """The sum over the replicas of a tensor of one shape and dtype; it has no gradient."""
        return self._reduce(values, "Id")

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """The mean over the replicas of a float tensor of one shape, with the gradient of the mean of their losses.

        TensorFlow cannot compute the gradient within a branch of `tf.cond`; use `tf.stop_gradient` there.
        """

        @tf.custom_gradient
        def reduced(values: tf.Tensor) -> tuple[tf.Tensor, object]:
            # Each loss depends on the mean, and the mean on each value with the weight 1 / count.
            return self._reduce(values, "Div"), lambda upstream: self._reduce(upstream, "Div")

        return reduced(values)

    def _reduce(self, values: tf.Tensor, last: str) -> tf.Tensor:
        # Without `timeout_seconds`, for which TensorFlow starts a thread that sleeps as long, for each operation. It
        # notices a process that has ended or is not reachable without it, in about ten seconds.
        with tf.device(self.device):
            return tf.raw_ops.CollectiveReduceV2(
                input=values,
                group_size=self.count,
                group_key=self._group,
                instance_key=next(self._numbers),
                ordering_token=[self._order.handle],
                merge_op="Add",
                final_op=last,
            )


_active: ContextVar[Replica | None] = ContextVar("replica", default=None)


def count() -> int:
    """The number of replicas that train together."""
    replica = _active.get()
    return 1 if replica is None else replica.count


def whole_size(images: tf.Tensor) -> int | tf.Tensor:
    """The number of images of the whole batch, as a number if the graph knows it, else as a scalar int32 tensor.

    Args:
        images: the part of this replica, (B, S, S, C).

    Returns:
        B times the number of replicas.
    """
    size = tf.shape(images)[0] if images.shape[0] is None else images.shape[0]
    return size * count()


def part(values: tf.Tensor) -> tf.Tensor:
    """The part of a whole batch that belongs to this replica.

    Args:
        values: (G, ...), G a multiple of the number of replicas; or random numbers that are drawn for each image of
            the whole batch, so that they do not depend on the number of replicas.

    Returns:
        (G / replicas, ...).

    Example:
        Of 16 images on 4 replicas, replica 1 has the images 4 to 7.
    """
    replica = _active.get()
    if replica is None:
        return values
    size = (tf.shape(values)[0] if values.shape[0] is None else values.shape[0]) // replica.count
    return values[replica.number * size : (replica.number + 1) * size]


def mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the replicas, differentiable: of means over the parts, it is the mean over the whole batch.

    Args:
        values: float, of the same shape on each replica.
    """
    replica = _active.get()
    return values if replica is None else replica.mean(values)


def means(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The mean of each of several tensors over the replicas, in one operation, since each waits for all replicas.

    Args:
        tensors: float32, of any known shapes.

    Returns:
        The means, in the same order and shapes.
    """
    replica = _active.get()
    if replica is None or not tensors:
        return list(tensors)
    joined = replica.mean(tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0))
    parts = tf.split(joined, [tensor.shape.num_elements() for tensor in tensors])
    return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]
