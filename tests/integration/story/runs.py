"""The runs of a ChurnModel, asked of Kubeflow Pipelines by its own client."""

from __future__ import annotations

from collections import Counter

import kfp_server_api
from churn_devcluster.demo.story import Story


def run_names(story: Story) -> Counter[str]:
    """How often each display name occurs among the runs of the story's experiment."""
    configuration = kfp_server_api.Configuration(host=story.cluster.pipelines.url)
    with kfp_server_api.ApiClient(configuration) as client:
        experiments = kfp_server_api.ExperimentServiceApi(client)
        runs = kfp_server_api.RunServiceApi(client)
        listed = experiments.experiment_service_list_experiments(page_size=200).experiments or []
        ids = [one.experiment_id for one in listed if one.display_name == f"{story.namespace}-{story.name}"]
        names: Counter[str] = Counter()
        for experiment in ids:
            found = runs.run_service_list_runs(experiment_id=experiment, page_size=200).runs or []
            names.update(run.display_name for run in found)
    return names
