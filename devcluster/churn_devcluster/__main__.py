"""`churn-devcluster`: everything the operator needs, on this machine, without containers."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from churn_devcluster.binaries import find_binaries
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.command import add_demo_options, demo
from churn_devcluster.demo.customers import require_customers
from churn_devcluster.errors import DevclusterError
from churn_devcluster.helm_binary import find_helm
from churn_devcluster.ports import LOOPBACK
from churn_devcluster.prometheus_binary import find_prometheus, find_promtool
from churn_devcluster.work_dir import Ports

console = Console(stderr=True)
_PORTS = [field.name for field in fields(Ports)]
_LAST_PORT = 65535
_FULL = (errno.ENOSPC, errno.EDQUOT)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a subcommand; what a person can mend ends it with a sentence and exit code 1."""
    options = argument_parser().parse_args(arguments)
    # SIGTERM and a closed terminal end it the way Ctrl-C does: through every `finally`. So does SIGINT where
    # a shell has started us in the background, with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    reach_loopback_directly()
    try:
        options.run(options)
    except DevclusterError as error:
        give_up(str(error))
    except OSError as error:
        if error.errno not in _FULL:
            raise
        give_up(f"The disk is full ({error.filename or error.strerror}): free some, or choose a folder with room.")
    except KeyboardInterrupt:
        sys.exit(130)


def give_up(sentence: str) -> NoReturn:
    """Says it on stderr and ends with exit code 1. Nothing in it is markup: it may be the end of somebody's log."""
    console.print(f"[bold red]error:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
    sys.exit(1)


def reach_loopback_directly() -> None:
    """No part of the devcluster is behind a proxy; a person's programs may have one in their environment."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        os.environ[name] = ",".join([*filter(None, [known]), LOOPBACK, "localhost"])


def argument_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="churn-devcluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    add_bootstrap(
        commands.add_parser("bootstrap", help="find or build kube-apiserver, etcd, kubectl, Prometheus and Helm")
    )
    add_up(commands.add_parser("up", help="start everything and wait for Ctrl-C"))
    add_demo(commands.add_parser("demo", help="tell the whole story of a churn model"))
    return parser


def add_bootstrap(parser: argparse.ArgumentParser) -> None:
    """`bootstrap`: only the binaries."""
    parser.set_defaults(run=bootstrap)


def bootstrap(_: argparse.Namespace) -> None:
    """Finds or builds every program, and prints where they are."""
    print(find_binaries().folder, find_prometheus(), find_promtool(), find_helm(), sep="\n")


def add_up(parser: argparse.ArgumentParser) -> None:
    """`up`: the whole devcluster, in the foreground."""
    add_cluster_options(parser)
    parser.set_defaults(run=up)


def add_demo(parser: argparse.ArgumentParser) -> None:
    """`demo`: a devcluster, the operator, and the story."""
    add_cluster_options(parser)
    add_demo_options(parser)
    parser.set_defaults(run=run_demo)


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Options of every command that starts a devcluster."""
    parser.add_argument(
        "--work-dir", type=Path, help="folder for all data and logs; what is there from before is used again"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder behind, also a temporary one")
    for name in _PORTS:
        parser.add_argument(f"--{name}-port", type=port_number, default=0, metavar="PORT", help="0: a free one")


def port_number(text: str) -> int:
    """Raises ArgumentTypeError for what is none."""
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: use one from 1 to {_LAST_PORT}, or 0 for a free one")
    return int(text)


def up(options: argparse.Namespace) -> None:
    """Starts a devcluster, prints how to use it, and waits for SIGINT or SIGTERM."""
    with running(options) as cluster:
        for name, value in cluster.environment().items():
            print(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        describe(cluster)
        signal.pause()


def run_demo(options: argparse.Namespace) -> None:
    """Starts a devcluster and tells the story in it."""
    require_customers(options.data)
    with running(options) as cluster:
        demo(cluster, options)


@contextlib.contextmanager
def running(options: argparse.Namespace) -> Iterator[Devcluster]:
    """A devcluster as the options of `add_cluster_options` want it.

    Raises:
        DevclusterError: it cannot be started.
    """
    ports = Ports(**{name: getattr(options, f"{name}_port") for name in _PORTS})
    # Before the status line below, because a build has a progress display of its own.
    find_binaries()
    find_prometheus()
    with work_dir(options) as folder:
        started = time.monotonic()
        with console.status("starting") as status, contextlib.ExitStack() as stack:
            cluster = Devcluster(folder, ports, say=status.update)
            stack.enter_context(cluster)
            status.stop()
            console.print(f"devcluster ready after {time.monotonic() - started:.1f} s", highlight=False)
            yield cluster


@contextlib.contextmanager
def work_dir(options: argparse.Namespace) -> Iterator[Path]:
    """The folder: the one asked for, which stays, or a temporary one, which stays with --keep only."""
    if options.work_dir is not None:
        yield options.work_dir
        return
    folder = Path(tempfile.mkdtemp(prefix="churn-devcluster-"))
    try:
        yield folder
    finally:
        if options.keep:
            console.print(f"kept: {escape(str(folder))}", highlight=False, soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def describe(cluster: Devcluster) -> None:
    """Says on stderr what runs where."""
    lines = {
        "Kubernetes": f"{cluster.control_plane.server} (kubeconfig: {cluster.kubeconfig})",
        "Kubeflow Pipelines": cluster.pipelines.url,
        "S3": f"{cluster.object_store.settings.endpoint}, bucket {cluster.bucket}",
        "served models": f"{cluster.data_plane.url}/serving/<namespace>/<name>/v1/models/<name>:predict",
        "Prometheus": cluster.prometheus.url,
        "logs and data": str(cluster.work_dir),
    }
    for name, value in lines.items():
        console.print(f"  [bold]{name:<20}[/]{escape(value)}", highlight=False, soft_wrap=True)
    console.print("Ctrl-C stops everything.", highlight=False)


if __name__ == "__main__":
    main()
