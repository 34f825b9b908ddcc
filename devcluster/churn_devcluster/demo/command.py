"""The command line of `make demo`."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.analysis_story import AnalysisStory
from churn_devcluster.demo.customers import customers_file
from churn_devcluster.demo.story import NAMESPACE, Story
from churn_devcluster.demo.telling import Teller
from churn_devcluster.errors import DevclusterError
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.webapp_process import WebAppProcess

PEOPLE = (("edda", "edit"), ("victor", "view"))


def add_demo_options(parser: argparse.ArgumentParser) -> None:
    """Options of `demo` besides those of the devcluster."""
    parser.add_argument("--data", type=Path, help="CSV file of Telco customers; the default is made on the spot")
    parser.add_argument(
        "--short",
        action="store_true",
        help="end before the chapters in which live traffic judges good and bad versions",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON line a milestone and nothing else")


def demo(cluster: Devcluster, options: argparse.Namespace) -> None:
    """Tell the story; with --keep, wait for Ctrl-C afterwards.

    Raises:
        DevclusterError: something that should have happened did not.
    """
    teller = Teller(options.json)
    story = Story(cluster, teller, customers_file(options.data, cluster.work_dir))
    if story.models.read(story.name) is not None:
        raise DevclusterError(f"The story was told in {cluster.work_dir} before: choose another --work-dir.")
    with WebAppProcess(cluster) as web_app:
        announce(web_app, teller)
        with OperatorProcess(cluster):
            tell(story, web_app, options)


def tell(story: Story, web_app: WebAppProcess, options: argparse.Namespace) -> None:
    """The story over everything that runs.

    Raises:
        DevclusterError: something that should have happened did not.
    """
    cluster, teller = story.cluster, story.teller
    story.tell(None if options.short else AnalysisStory(story).tell)
    if options.keep:
        places = {
            "browser": web_app.url,
            "kubectl": f"KUBECONFIG={cluster.kubeconfig} kubectl -n {NAMESPACE} get churnmodels --watch",
            "model": story.models.status(story.name).get("url", ""),
            "runs": f"{cluster.pipelines.url}/apis/v2beta1/runs",
            "logs": str(cluster.work_dir),
        }
        sentence = "\n".join(f"{name:>9}  {place}" for name, place in places.items())
        teller.milestone("kept", f"everything goes on running until Ctrl-C:\n{sentence}", **places)
        signal.pause()


def announce(web_app: WebAppProcess, teller: Teller) -> None:
    """Say where the story can be watched, and how to log in there: as one who may change ChurnModels, or only look."""
    editor, viewer = (web_app.person_token_file(NAMESPACE, *person) for person in PEOPLE)
    sentence = (
        f"watch it in a browser: {web_app.url}\n"
        f"          to press buttons, log in there with the token in {editor}\n"
        f"          (that in {viewer} may only look)"
    )
    teller.milestone("webApp", sentence, url=web_app.url, editorToken=str(editor), viewerToken=str(viewer))
