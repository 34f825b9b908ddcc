"""The story: a first version, a better one by canary, one that is refused, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from churn_devcluster.churn_models import ChurnModels, Status, condition, settled_on, stable, version
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.customers import instances
from churn_devcluster.demo.telling import Teller
from churn_devcluster.demo.traffic import Traffic
from churn_devcluster.errors import DevclusterError
from churn_devcluster.waiting import wait_until

NAMESPACE = "churn"
_PROJECT = Path(__file__).parents[3]
EXAMPLE = _PROJECT / "examples" / "customer-churn-model.yaml"
RUNTIME = _PROJECT / "deploy" / "serving" / "clusterservingruntime.yaml"
OBJECT = "telco-customer-churn.csv"

# A busy machine takes longer, and nobody waits for them when all goes well.
TRAINING_SECONDS = 600.0
ROLLOUT_SECONDS = 400.0
MOST_REQUESTS = 4000
LEAST_REQUESTS = 400
REFUSED_REQUESTS = 200

BETTER = {"training": {"hyperparameters": {"C": 0.3}}}
POOR = {"training": {"algorithm": "randomForest", "hyperparameters": {"n_estimators": 1, "max_depth": 1}}}


@dataclass(frozen=True)
class Story:
    """One telling of it, over a running devcluster and operator. Every chapter may be interrupted by faults:
    each waits for the state it needs, and asks for what it wants again."""

    cluster: Devcluster
    teller: Teller
    customers: Path
    namespace: str = NAMESPACE

    @property
    def models(self) -> ChurnModels:
        """The ChurnModels of the story's namespace."""
        return ChurnModels(self.cluster, self.namespace)

    @property
    def manifest(self) -> dict[str, Any]:
        """The example, as a team would have it in Git."""
        manifest: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
        return manifest

    @property
    def name(self) -> str:
        """Name of the ChurnModel."""
        return str(self.manifest["metadata"]["name"])

    def tell(self, then: Callable[[Traffic], None] | None = None) -> None:
        """The whole story; `then` goes on with it while the requests still flow.

        Raises:
            DevclusterError: something that should have happened did not.
        """
        self.prepare()
        status = self.first_version()
        with Traffic(predict_url(status, self.name), instances(self.customers)) as traffic:
            self.predict_one(status)
            self.better_version(traffic)
            self.refused_version(traffic)
            self.way_back(traffic)
            self.epilogue(traffic)
            if then is not None:
                then(traffic)

    def prepare(self) -> None:
        """What a platform team sets up once: access to S3, the serving runtime; and the customers."""
        self.teller.headline("A team has customers in S3 and a ChurnModel in Git")
        self.cluster.open_s3_to(self.namespace, self.manifest["spec"]["serving"]["serviceAccountName"])
        self.cluster.kubectl("apply", "--server-side", f"--filename={RUNTIME}")
        self.cluster.object_store.settings.client().fput_object(self.cluster.bucket, OBJECT, str(self.customers))
        rows = len(self.customers.read_text().splitlines()) - 1
        uri = self.manifest["spec"]["dataset"]["uri"]
        self.teller.milestone("uploaded", f"{rows} customers are at {uri}", rows=rows)

    def first_version(self) -> Status:
        """Apply the example; version 1 is trained, passes its gate and serves."""
        self.models.apply(self.manifest)
        self.teller.milestone("applied", f"applied {EXAMPLE.name}", model=self.name)
        with self.teller.waiting("training version 1"):
            status = self._until_trained(1, lambda seen: bool(version(seen, 1)))
        self._trained(status, 1)
        with self.teller.waiting("starting the predictor of version 1"):
            status = self.models.wait(self.name, settled_on(1), "version 1 to serve", ROLLOUT_SECONDS)
        self.teller.milestone("served", "version 1 serves 100% of the requests", version=1, weight=100)
        return status

    def predict_one(self, status: Status) -> None:
        """What an application team does."""
        customer = instances(self.customers, limit=1)
        answer = httpx.post(predict_url(status, self.name), json={"instances": customer}, trust_env=False, timeout=60)
        answer.raise_for_status()
        prediction = answer.json()["predictions"][0]
        sentence = f"the first customer churns: {prediction['class']}, with probability {prediction['probability']:.2f}"
        self.teller.milestone("predicted", sentence, **prediction)

    def better_version(self, traffic: Traffic) -> None:
        """Change a hyperparameter; version 2 comes by canary while requests flow."""
        self.teller.headline("A data scientist changes a hyperparameter")
        self.models.apply(merged(self.manifest, BETTER))
        with self.teller.waiting("training version 2"):
            status = self._until_trained(2, lambda seen: bool(version(seen, 2)))
        self._trained(status, 2)
        for step in self.manifest["spec"]["rollout"]["steps"]:
            self._watch_step(traffic, 2, int(step["weight"]))
        with self.teller.waiting("promoting version 2"):
            self.models.wait(self.name, settled_on(2), "version 2 to be promoted", ROLLOUT_SECONDS)
        self.teller.milestone("promoted", "version 2 was promoted", version=2)

    def refused_version(self, traffic: Traffic) -> None:
        """A model below the floor of its gate never gets traffic."""
        self.teller.headline("A data scientist tries a single stump")
        self.models.apply(merged(self.manifest, POOR, replace=("training",)))
        with self.teller.waiting("training version 3"):
            refused = lambda seen: version(seen, 3).get("state") == "Rejected"  # noqa: E731
            status = self.models.wait(self.name, refused, "version 3 to be refused", TRAINING_SECONDS)
        message = condition(status, "GatePassed")["message"]
        traffic.window()
        self._await_requests(traffic, REFUSED_REQUESTS)
        answers = traffic.window().versions
        facts = {"version": 3, "reason": message, "answers": dict(answers)}
        self.teller.milestone("refused", f"{message}; {answers['3']} of {answers.total()} requests reached it", **facts)
        if answers["3"]:
            raise DevclusterError(f"Version 3 failed its gate and yet answered {answers['3']} requests.")

    def way_back(self, traffic: Traffic) -> None:
        """`rollbackTo: 1` brings version 1 back, whatever else spec says."""
        self.teller.headline("The night shift goes back to version 1")
        self.models.patch(self.name, {"rollbackTo": 1})
        with self.teller.waiting("going back to version 1"):
            self.models.wait(self.name, settled_on(1), "version 1 to serve again", ROLLOUT_SECONDS)
        traffic.window()
        self._await_requests(traffic, REFUSED_REQUESTS)
        answers = traffic.window().versions
        self.teller.milestone(
            "rolledBack", f"rollbackTo: 1 is in effect: {dict(answers)}", version=1, answers=dict(answers)
        )
        if set(answers) != {"1"}:
            raise DevclusterError(f"After rollbackTo: 1 these versions answered: {dict(answers)}.")

    def epilogue(self, traffic: Traffic) -> None:
        """What kubectl shows, and whether the application noticed anything."""
        status = self.models.status(self.name)
        for command in (("get", "churnmodels"), ("describe", "churnmodel", self.name)):
            output = self.cluster.kubectl(*command, f"--namespace={self.namespace}")
            shown = output if command[0] == "get" else output[output.index("Events:") :]
            self.teller.show(f"kubectl -n {self.namespace} {' '.join(command)}", shown)
        total = traffic.total
        sentence = f"{total.answers} requests were answered all along, {len(total.failures)} failed"
        facts = {"requests": total.answers, "failed": len(total.failures), "stable": stable(status)}
        self.teller.milestone("finished", sentence, **facts)
        if total.failures:
            raise DevclusterError(f"Requests failed, the first with: {total.failures[0]}")

    def _until_trained(self, number: int, wish: Callable[[Status], bool]) -> Status:
        """The status once it is as wished.

        Raises:
            DevclusterError: the data or the wish cannot be trained; the sentence is the operator's.
        """

        def stalled(seen: Status) -> bool:
            return condition(seen, "Stalled").get("status") == "True"

        wait = f"version {number} to be trained"
        status = self.models.wait(self.name, lambda seen: wish(seen) or stalled(seen), wait, TRAINING_SECONDS)
        if not wish(status):
            message = condition(status, "Stalled").get("message")
            raise DevclusterError(f"Version {number} of {self.name} cannot be trained: {message}")
        return status

    def _trained(self, status: Status, number: int) -> None:
        made = version(status, number)
        area = made["metrics"]["rocAuc"]
        sentence = f"version {number} was trained by run {made['runId'][:8]}: ROC AUC {area:.4f}"
        gate = {result["metric"]: result["passed"] for result in made.get("gate", ())}
        self.teller.milestone("trained", sentence, version=number, rocAuc=area, gate=gate, state=made["state"])

    def _watch_step(self, traffic: Traffic, number: int, weight: int) -> None:
        """Count who answers from when the weight is in effect until the step is over."""

        def baking(seen: Status) -> bool:
            rollout = seen.get("rollout", {})
            here = rollout.get("weight") == weight and rollout.get("candidate") == number
            return (here and "stepStarted" in rollout) or stable(seen) == number

        def over(seen: Status) -> bool:
            if traffic.seen() >= MOST_REQUESTS:
                return True
            # Nothing changes for the requests when a version that has them all is promoted.
            counted_on = weight == 100 and traffic.seen() < LEAST_REQUESTS
            return not counted_on and (not baking(seen) or stable(seen) == number)

        with self.teller.waiting(f"version {number} at {weight}%"):
            self.models.wait(self.name, baking, f"version {number} to get {weight}%", ROLLOUT_SECONDS)
            traffic.window()
            self.models.wait(self.name, over, f"the step at {weight}% to end", ROLLOUT_SECONDS)
        counted = traffic.window()
        share = counted.share(number)
        sentence = (
            f"version {number} at {weight}%: it answered {counted.versions[str(number)]} "
            f"of {counted.answers} requests ({share:.1%})"
        )
        facts = {"weight": weight, "requests": counted.answers, "answers": dict(counted.versions), "share": share}
        self.teller.milestone("shifted", sentence, version=number, **facts)

    def _await_requests(self, traffic: Traffic, count: int) -> None:
        wait_until(lambda: traffic.seen() >= count, f"{count} requests", ROLLOUT_SECONDS)


def predict_url(status: Status, name: str) -> str:
    """Where the model answers."""
    return f"{status['url']}/v1/models/{name}:predict"


def merged(
    manifest: Mapping[str, Any], change: Mapping[str, Mapping[str, Any]], replace: Sequence[str] = ()
) -> dict[str, Any]:
    """The manifest with some fields of its spec changed; the parts in `replace` are replaced as a whole."""
    spec = dict(manifest["spec"])
    for part, fields in change.items():
        kept = {} if part in replace else spec.get(part, {})
        spec[part] = {**kept, **fields}
    return {**manifest, "spec": spec}
