"""The devices and processes that train together: one device, those of this process, or those of a cluster.

Each device is a `mim_tf.replicas.Replica` with a copy of the model, and takes its part of each batch. Of several
processes the first one is the chief: it reads and writes the run folder, and decides when a training ends. All others
get its weights before the first step, and compute the same.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache

import keras
import tensorflow as tf

from mim_export.score.errors import MimError, quiet_stderr
from mim_tf.replicas import Replica, part
from mim_tf.training.checkpoint import variables_of
from mim_tf.training.cluster import Cluster, meet, read_cluster
from mim_tf.training.stop import SIGNALS

#: Seconds within which all processes of a cluster must have been started.
START_SECONDS = 600.0
#: Numbers of the groups of replicas: one for each process, and one for each device.
_PROCESSES, _DEVICES = 1, 2
#: Errors of TensorFlow when another process has ended, has restarted, or does not answer.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
)


class Group:
    """Devices that train together.

    Args:
        devices: names of those of this process.
        number: number of this process; 0 = the chief.
        processes: number of processes, each with as many devices.
        host: device of this process for numbers that the processes exchange.
    """

    def __init__(self, devices: Sequence[str], number: int = 0, processes: int = 1, host: str = "") -> None:
        self.count = len(devices) * processes
        self.number = number
        self._host = Replica(number, processes, host, _PROCESSES) if processes > 1 else None
        # None for a single device, which TensorFlow chooses.
        self._replicas = [
            Replica(number * len(devices) + place, self.count, device, _DEVICES)
            for place, device in enumerate(devices)
            if self.count > 1
        ]

    @property
    def chief(self) -> bool:
        """Whether this process reads and writes the run folder."""
        return self.number == 0

    def check_batch(self, batch_size: int) -> None:
        """Raises a `MimError` if a batch, or each half of it, cannot be divided among the devices."""
        # Some methods put two kinds of images into the halves of a batch, the same number of each.
        needed = 1 if self.count == 1 else math.lcm(2, self.count)
        if batch_size % needed:
            problem = f"batch size {batch_size} cannot be divided among {self.count} devices"
            raise MimError(problem, f"choose a multiple of {needed}")

    def check_same(self, settings: str) -> None:
        """Checks that all processes were started with the same settings and data.

        Args:
            settings: a text that describes them.

        Raises:
            MimError: a process has others; all processes raise it.
        """
        digest = hashlib.sha256(settings.encode()).digest()
        # float64 holds integers up to 2^53.
        numbers = tuple(float(int.from_bytes(digest[i : i + 6], "big")) for i in range(0, 30, 6))
        if not self.agrees(*numbers):
            problem = "the processes of the cluster have other settings or photographs than the first one"
            raise MimError(problem, "start all with the same options, data and version of mim-tf")

    def agrees(self, *values: float) -> bool:
        """Whether all processes call it with the same numbers; the answer is the same in all."""
        differs = float(self.of_chief(*values) != tuple(map(float, values)))
        return self._host is None or not float(self._sum([differs])[0])

    def of_chief(self, *values: float) -> tuple[float, ...]:
        """Returns the values of the chief, so that all processes decide alike.

        Args:
            values: numbers, as many in each process.

        Raises:
            MimError: another process has ended or cannot be reached.
        """
        if self._host is None:
            return values
        return tuple(float(value) for value in self._sum([value if self.chief else 0.0 for value in values]))

    def leave(self) -> None:
        """Waits until all processes call it, after which each may end.

        From then on file descriptor 2 is redirected, since TensorFlow reports there that another process has ended.
        `sys.stderr` still writes to where it did.

        Raises:
            MimError: as of `of_chief`.
        """
        self.of_chief(0.0)
        if self._host is not None:
            _hide_native_messages()

    def copies(self, make_model: Callable[[], keras.Model]) -> list[keras.Model]:
        """Creates a copy of a model for each device of this process, one without a device if there is only one."""
        models = []
        for replica in self._replicas:
            with replica.active():
                models.append(make_model())
        return models or [make_model()]

    def share(self, models: Sequence[keras.Model]) -> None:
        """Gives all copies, in all processes, the weights and optimizers of the chief's first one.

        Args:
            models: the copies of this process.

        Raises:
            MimError: as of `of_chief`.
        """
        first, *others = (variables_of(model) for model in models)
        if self._host is not None:
            for variable in first:
                value = tf.convert_to_tensor(variable)
                variable.assign(self._sum(value if self.chief else tf.zeros_like(value)))
        for variables in others:
            for variable, value in zip(variables, first, strict=True):
                variable.assign(value)

    def step(self, models: Sequence[keras.Model]) -> Callable[[tf.Tensor], None]:
        """Compiles a training step.

        Args:
            models: the copies of this process.

        Returns:
            A function of a whole batch, as `train_step` of the model takes it. It raises a `MimError` as of `of_chief`.
        """
        if not self._replicas:
            return tf.function(models[0].train_step, reduce_retracing=True)

        @tf.function(reduce_retracing=True)
        def step(batch: tf.Tensor) -> None:
            for replica, model in zip(self._replicas, models, strict=True):
                with replica.active():
                    model.train_step(tf.nest.map_structure(part, batch))

        def run(batch: tf.Tensor) -> None:
            with self._reported():
                step(batch)

        return run

    def _sum(self, values: Sequence[float] | tf.Tensor) -> tf.Tensor:
        """The sum over the processes."""
        assert self._host is not None
        with self._reported(), tf.device(self._host.device):
            tensor = values if tf.is_tensor(values) else tf.constant(values, tf.float64)
            return self._host.total(tf.identity(tensor))

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Raises a `MimError` for errors of TensorFlow that another process causes, and hides its own messages."""
        if self._host is None:
            yield
            return
        try:
            with quiet_stderr():
                yield
        except _LOST as error:
            problem = f"another process of the cluster has ended or cannot be reached ({_reason(error)})"
            raise MimError(problem, "run the same command on all workers again, which resumes the training") from error


@cache
def connect(strategy: str) -> Group:
    """Finds the devices of a strategy. A process of a cluster waits here for the others.

    GPUs get memory as they need it, instead of all of it at once, unless TensorFlow has used them already.

    Args:
        strategy: "one", the device that TensorFlow chooses; "mirrored", all GPUs of this process, or else its CPU
            devices; "multiworker", those of all processes that TF_CONFIG names.

    Returns:
        The group, always the same one.

    Raises:
        MimError: TF_CONFIG is wrong, the processes have different numbers of devices, a process is missing after
            `START_SECONDS`, or its address cannot be used.

    Example:
        On a machine with two GPUs, `connect("mirrored").count` is 2.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError, ValueError):  # in use already, or divided by the program
            tf.config.experimental.set_memory_growth(gpu, True)
    if strategy == "one":
        return Group([""])
    cluster = read_cluster() if strategy == "multiworker" else None
    if cluster is None or len(cluster.addresses) == 1:
        return Group(_devices())
    _join(cluster)
    devices, processes = _devices(cluster.task), len(cluster.addresses)
    group = Group(devices, cluster.number, processes, f"{cluster.task}/device:CPU:0")
    if not group.agrees(len(devices)):
        problem = "the processes of the cluster have different numbers of GPUs"
        raise MimError(problem, "set CUDA_VISIBLE_DEVICES to as many in each")
    return group


def _devices(task: str = "") -> list[str]:
    """Names of the GPUs of a process, or else of its CPU devices."""
    kinds = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
    gpus, cpus = ([device.name for device in kind if device.name.startswith(f"{task}/")] for kind in kinds)
    return gpus or cpus


def _join(cluster: Cluster) -> None:
    """Connects this process with the others of the cluster, which TensorFlow then watches."""
    meet(cluster, START_SECONDS)
    try:
        with quiet_stderr():
            # For its server and its configuration; the copies of the models are not its own.
            tf.distribute.MultiWorkerMirroredStrategy()
    except Exception as error:  # many types, of TensorFlow and of gRPC
        problem = f"{cluster.addresses[cluster.number]}: no connection with the cluster ({_reason(error)})"
        raise MimError(problem, "run the same command on all workers again") from error
    finally:
        _take_signals_back()


def _hide_native_messages() -> None:
    with suppress(OSError, ValueError):  # no standard error, or one that is not a file, as in a notebook
        if sys.stderr.fileno() == 2:
            sys.stderr.flush()
            sys.stderr = os.fdopen(os.dup(2), "w", 1, sys.stderr.encoding, sys.stderr.errors)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)


def _reason(error: Exception) -> str:
    """The first line of an error of TensorFlow, without the name of the operation."""
    line = re.sub(r"^\{\{.*?\}\} *", "", str(error).strip()).split("\n")[0]
    return line[:120] or type(error).__name__


def _take_signals_back() -> None:
    """Restores the handlers of Python that TensorFlow replaces, without which SIGTERM would not stop a command."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.getsignal(number))
