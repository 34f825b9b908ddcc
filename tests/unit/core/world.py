"""The world of one ChurnModel in memory: the API server, KFP, the object store and KServe, at the pace of a clock
that only the test moves. `reconcile` is one pass of the loop, `settle` runs passes until nothing moves any more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from churn_operator.api.reading import read_status, write_status
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus
from churn_operator.core.actions import (
    Action,
    AddFinalizer,
    ApplyServing,
    Decision,
    DeleteArtifacts,
    DeleteRun,
    DeleteServing,
    Event,
    PackageReference,
    RemoveFinalizer,
    SubmitRun,
    TerminateRun,
)
from churn_operator.core.analysis import Comparisons, Histogram, Traffic, TrafficSample, VersionSample
from churn_operator.core.decide import decide
from churn_operator.core.live_traffic import TrafficQuestion
from churn_operator.core.observation import (
    NOT_ASKED,
    Fault,
    HookAnswer,
    Installation,
    InvalidSpec,
    Known,
    Leftovers,
    ObjectKey,
    Observation,
    Package,
    PipelineInput,
    PipelinePackage,
    PipelinesTarget,
    Run,
    RunState,
    Subject,
    Unknown,
)
from churn_operator.core.questions import questions
from churn_operator.errors import AdapterError, Changed, Rejected, Transient
from churn_report import Artifact, DatasetSummary, Failure, Outcome, Report

from tests.unit.core.canary_list_world import CanaryListWorld
from tests.unit.core.kserve_world import GatewayWorld, KnativeWorld, ServingPlan

KEY = ObjectKey("team", "churn")
DATASET = "s3://data/customers.csv"
PACKAGE = "s3://data/pipelines/churn.yaml"
START = datetime(2026, 3, 1, 12, 0, 0, 654321, tzinfo=UTC)
INSTALLATION = Installation(
    artifact_root="s3://mlops/churn",
    code_version="1",
    trainer_image="trainer:1",
    runtime="churn-serving",
    s3_endpoint="http://s3:9000",
    pipelines=PipelinesTarget("http://kfp", "kubeflow", ""),
    pipelines_secret="churn-artifacts",
    traffic_driver="knative",
)


def package(
    digest: str = "package-one",
    takes: tuple[str, ...] = ("seed", "algorithm", "hyperparameters"),
    steps: tuple[str, ...] = ("train",),
) -> PipelinePackage:
    """A user's package that takes these inputs besides output_uri and key; seeds are whole numbers."""
    names = ("output_uri", "key", *takes)
    types = {"seed": "NUMBER_INTEGER"}
    inputs = tuple(PipelineInput(name, types.get(name, "STRING"), required=True) for name in names)
    return PipelinePackage(digest, inputs, steps)


class Ending(StrEnum):
    """How a training run ends."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    REFUSES = "refuses the data"
    LEAVES_NO_REPORT = "succeeds without a report"
    HANGS = "never ends"


class Live(StrEnum):
    """What live traffic shows of a candidate."""

    WELL = "answers well"
    ERRORS = "answers with errors"
    QUIET = "gets hardly any requests"
    DISAGREES = "gives a third of the customers another class"
    UNCOMPARED = "is compared with nobody's answers"

    def sample(self, compared: bool) -> TrafficSample:
        """One window of it; `compared` if answers to mirrored requests are."""
        requests = 3 if self is Live.QUIET else 2000
        errors = 200 if self is Live.ERRORS else 0
        same = Histogram((0.1, float("inf")), (1.0, 0.0))
        return TrafficSample(
            stable=VersionSample(requests * 9, 0, same.scaled(requests * 9), same.scaled(requests * 9)),
            candidate=VersionSample(requests, errors, same.scaled(requests), same.scaled(requests)),
            comparisons=self._comparisons(requests) if compared else None,
        )

    def _comparisons(self, requests: float) -> Comparisons:
        if self is Live.UNCOMPARED:
            return Comparisons(requests, 0, 0)
        return Comparisons(requests, requests, requests / 3 if self is Live.DISAGREES else requests / 50)


YES = HookAnswer(True)
NO = HookAnswer(False, "HTTP 503")


@dataclass(frozen=True)
class ModelPlan:
    """What happens to the models of one seed: `endings` by attempt, the last one repeated."""

    area: float = 0.84
    endings: tuple[Ending, ...] = (Ending.SUCCEEDS,)
    duration: timedelta = timedelta(seconds=60)
    serving: ServingPlan = field(default_factory=ServingPlan)
    live: Live = Live.WELL


@dataclass
class WorldRun:
    """A run in KFP."""

    id: str
    request: SubmitRun
    created: datetime
    plan: ModelPlan
    ending: Ending
    terminated: datetime | None = None
    reported: bool = False

    def state(self, now: datetime) -> RunState:
        """State at a time. A terminated run ends as Failed as often as Canceled."""
        if self.terminated is not None:
            over = now >= self.terminated + timedelta(seconds=2)
            return (RunState.FAILED if int(self.id[-1]) % 2 else RunState.CANCELED) if over else RunState.RUNNING
        if now < self.created + timedelta(seconds=1):
            return RunState.PENDING
        if self.ending is Ending.HANGS or now < self.created + self.plan.duration:
            return RunState.RUNNING
        if self.ending in (Ending.FAILS, Ending.REFUSES):
            return RunState.FAILED
        return RunState.SUCCEEDED


@dataclass
class Pass:
    """What a pass did."""

    observation: Observation
    decision: Decision
    done: tuple[Action, ...]
    wrote: bool
    requeue_after: timedelta | None

    @property
    def idle(self) -> bool:
        """Whether nothing was done or said."""
        return not self.done and not self.wrote


@dataclass
class World:
    """Everything a ChurnModel meets."""

    spec: ChurnModelSpec | InvalidSpec
    now: datetime = START
    installation: Installation = INSTALLATION
    plans: dict[int, ModelPlan] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=lambda: {DATASET: "digest-one"})
    packages: dict[str, Package] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    runs: list[WorldRun] = field(default_factory=list)
    run_count: int = 0
    kfp_down: bool = False
    s3_down: bool = False
    kserve_down: bool = False
    prometheus_down: bool = False
    hooks: dict[str, HookAnswer] = field(default_factory=dict)
    kfp_refuses: bool = False
    overwritten: Package | None = None
    """Takes the place of the package once it was looked at and before it is submitted."""
    apply_refused: bool = False
    apply_fails: bool = False
    lost_answers: int = 0
    skew: timedelta = timedelta(0)
    """How far the operator's clock is ahead."""
    generation: int = 1
    resource_version: int = 1
    annotations: Mapping[str, str] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    finalized: bool = False
    deletion_requested: datetime | None = None
    exists: bool = True
    events: list[Event] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    weights_seen: list[Mapping[int, int]] = field(default_factory=list)
    serving: KnativeWorld | GatewayWorld | CanaryListWorld = field(init=False)

    def __post_init__(self) -> None:
        made = {"knative": KnativeWorld, "gateway": GatewayWorld, "canary": CanaryListWorld}
        self.serving = made[self.installation.traffic_driver](self._serving_plan)

    # What a person does

    def change(self, **changes: Any) -> None:
        """Edit the spec: dotted paths with `__` in place of the dot."""
        assert isinstance(self.spec, ChurnModelSpec)
        content = self.spec.model_dump(exclude_unset=False)
        for path, value in changes.items():
            *parents, last = path.split("__")
            part = content
            for parent in parents:
                part = part[parent]
            part[last] = value
        self.set_spec(ChurnModelSpec.model_validate(content))

    def set_spec(self, spec: ChurnModelSpec | InvalidSpec) -> None:
        """Replace the spec."""
        if spec != self.spec:
            self.spec = spec
            self.generation += 1
            self.resource_version += 1

    def annotate(self, **values: str) -> None:
        """kubectl annotate: churnops.dev/<verb>=<value> of each; metadata is no new generation."""
        self.annotations = {**self.annotations, **{f"churnops.dev/{verb}": value for verb, value in values.items()}}
        self.resource_version += 1

    def delete(self) -> None:
        """kubectl delete."""
        if self.deletion_requested is None:
            self.deletion_requested = self.now
        self._collect()

    def _collect(self) -> None:
        if self.exists and self.deletion_requested is not None and not self.finalized:
            self.exists = False
            # Kubernetes takes along what the ChurnModel owns, which is left when KServe was out of sight for too long.
            self.serving.delete(self.now)

    # What is to be seen

    @property
    def model(self) -> ChurnModelStatus:
        """The persisted status."""
        if self._read is None or self._read[0] is not self.status:
            self._read = (self.status, read_status(self.status))
        return self._read[1]

    _read: tuple[object, ChurnModelStatus] | None = None

    def condition(self, kind: str) -> str:
        """`status reason` of a condition."""
        condition = self.model.condition(kind)
        return "absent" if condition is None else f"{condition.status.value} {condition.reason}"

    def message(self, kind: str) -> str:
        """The message of a condition."""
        condition = self.model.condition(kind)
        return "" if condition is None else condition.message

    def reasons(self) -> list[str]:
        """The reasons of all events so far."""
        return [event.reason for event in self.events]

    def run_names(self) -> list[str]:
        """Seed and attempt of every run in KFP."""
        return [f"{run.request.parameters['seed']}/{run.request.run_name.rsplit('-', 1)[1]}" for run in self.runs]

    def traffic(self) -> dict[int, int]:
        """Percent of live traffic by seed of the model."""
        return {self.seed_of(uri): percent for uri, percent in self.serving.traffic().items()}

    def seed_of(self, model_uri: str) -> int:
        """The seed of the model at a URI."""
        output = model_uri.removesuffix("/model")
        for run in self.runs:
            if run.request.parameters["output_uri"] == output:
                return int(run.request.parameters["seed"])
        return int(self._forgotten_seeds[output])

    _forgotten_seeds: dict[str, int] = field(default_factory=dict)

    def _serving_plan(self, model_uri: str) -> ServingPlan:
        return self.plans.get(self.seed_of(model_uri), ModelPlan()).serving

    def mirrored(self) -> dict[int, int]:
        """Percent of requests copied, by the seed of the model that gets them."""
        assert isinstance(self.serving, GatewayWorld)
        return {self.seed_of(uri): percent for uri, percent in self.serving.mirrored().items()}

    # Time

    def advance(self, by: timedelta) -> None:
        """Let time pass, without skipping what happens in between."""
        until = self.now + by
        while True:
            change = self.serving.next_change(self.now)
            if change is None or change > until:
                break
            self.now = change
            self.tick()
        self.now = until
        self.tick()

    def tick(self) -> None:
        """Let the rest of the world act at the present time."""
        for run in self.runs:
            ended = run.state(self.now).terminal and run.terminated is None
            if ended and not run.reported:
                run.reported = True
                self._leave_report(run)
        self.serving.tick(self.now)
        seen = self.traffic()
        if not self.weights_seen or self.weights_seen[-1] != seen:
            self.weights_seen.append(seen)

    def _leave_report(self, run: WorldRun) -> None:
        output, key = str(run.request.parameters["output_uri"]), str(run.request.parameters["key"])
        digest = str(run.request.parameters["dataset_digest"])
        if run.ending is Ending.REFUSES:
            failure = Failure(step="validate", reason="MissingColumn", message="column tenure is missing")
            rejected = Report(outcome=Outcome.REJECTED, failure=failure, key=key, created=self.now, code_version="1")
            self.reports[output] = rejected
        if run.ending is Ending.SUCCEEDS:
            self.reports[output] = Report(
                outcome=Outcome.SUCCEEDED,
                key=key,
                created=self.now,
                code_version="1",
                algorithm="logisticRegression",
                dataset=DatasetSummary(
                    uri=DATASET, digest=digest, rows=9, train_rows=6, holdout_rows=3, positive_share=0.3,
                    holdout_sha256="h",
                ),
                metrics={"rocAuc": run.plan.area, "brier": 0.13},
                artifacts=(Artifact(path="model/model.joblib", sha256="a" * 64, size_bytes=9),),
            )  # fmt: skip

    # One pass

    def subject(self) -> Subject:
        """The ChurnModel as it would be read from the API server."""
        return Subject(
            key=KEY,
            uid="uid-1",
            generation=self.generation,
            resource_version=str(self.resource_version),
            finalized=self.finalized,
            deletion_requested=self.deletion_requested,
            spec=self.spec,
            status=self.model,
            annotations=self.annotations,
        )

    def observe(self) -> Observation:
        """What a pass would see."""
        subject = self.subject()
        told = self.now + self.skew
        asked = questions(subject, self.installation, told)
        observation = Observation(now=told, subject=subject, installation=self.installation)
        if asked.dataset is not None:
            digest = self.datasets.get(asked.dataset.location.uri)
            observation = replace(observation, dataset=self._unless(self.s3_down, "S3", digest))
        if asked.package is not None:
            found = self.packages.get(asked.package.location.uri)
            observation = replace(observation, package=self._unless(self.s3_down, "S3", found))
        if asked.run is not None:
            observation = self._observe_run(observation, asked.run.run_name, asked.run.output_uri)
        if asked.driver is not None:
            assert asked.driver == self.installation.traffic_driver
            seen = self.serving.observe(self.now)
            observation = replace(observation, serving=self._unless(self.kserve_down, "KServe", seen))
        if asked.look is not None:
            seen_by_step = self.look(asked.look.traffic)
            observation = replace(observation, traffic=self._unless(self.prometheus_down, "Prometheus", seen_by_step))
        if asked.hooks is not None:
            answers = {call.hook.name: self.hooks.get(call.hook.name, YES) for call in asked.hooks.calls}
            observation = replace(observation, hooks=Known(answers))
        if asked.leftovers is not None:
            runs = tuple(self._as_seen(run) for run in self.runs)
            left = Leftovers(runs, any(uri.startswith(asked.leftovers.root) for uri in self.reports))
            down = self.kfp_down or self.s3_down
            observation = replace(observation, leftovers=self._unless(down, "KFP or S3", left))
        return observation

    def look(self, question: TrafficQuestion) -> Traffic:
        """What both versions answered in each step, as the candidate's plan says of its model."""
        candidate = self.model.version(self.model.rollout.candidate)
        assert candidate is not None
        live = self.plans.get(self.seed_of(candidate.model_uri), ModelPlan()).live
        knows = isinstance(self.serving, GatewayWorld) and self.serving.compares(question.candidate, question.stable)
        seen = live if knows else Live.UNCOMPARED
        return tuple(seen.sample(True) if window.compared else live.sample(False) for window in question.windows)

    def _observe_run(self, observation: Observation, name: str, output_uri: str) -> Observation:
        run = next((self._as_seen(run) for run in self.runs if run.request.run_name == name), None)
        observation = replace(observation, run=self._unless(self.kfp_down, "KFP", run))
        if self.kfp_down or run is None or not run.state.terminal:
            return replace(observation, report=NOT_ASKED)
        return replace(observation, report=self._unless(self.s3_down, "S3", self.reports.get(output_uri)))

    def _as_seen(self, run: WorldRun) -> Run:
        return Run(run.id, run.request.run_name, run.state(self.now), run.created, f"http://kfp/{run.id}")

    @staticmethod
    def _unless(down: bool, part: str, value: Any) -> Any:
        return Unknown(f"{part.split()[0]}Unavailable", f"{part}: connection refused") if down else Known(value)

    def reconcile(self, crash_after: int | None = None) -> Pass:
        """One pass. With `crash_after` the operator dies after so many actions, before it writes the status."""
        self.tick()
        observation = self.observe()
        decision = decide(observation)
        decision, done, requeue = self._act(observation, decision, crash_after)
        wrote = False
        if crash_after is None and self.exists and not any(isinstance(one, RemoveFinalizer) for one in done):
            wrote = self._write(decision)
        result = Pass(observation, decision, done, wrote, requeue)
        self.passes.append(result)
        return result

    def _act(
        self, observation: Observation, decision: Decision, crash_after: int | None
    ) -> tuple[Decision, tuple[Action, ...], timedelta | None]:
        done: list[Action] = []
        for action in decision.actions[:crash_after]:
            try:
                self._execute(action)
            except AdapterError as error:
                rejected, changed = isinstance(error, Rejected), isinstance(error, Changed)
                fault = Fault(type(action).__name__, rejected, str(error), changed)
                again = decide(replace(observation, faults=(fault,)))
                pause = max(again.requeue_after or timedelta(seconds=5), timedelta(seconds=5))
                return replace(again, actions=()), tuple(done), pause
            done.append(action)
        return decision, tuple(done), decision.requeue_after

    def _write(self, decision: Decision) -> bool:
        self.events.extend(decision.events)
        if decision.status is self.model:
            return False
        raw = json.loads(json.dumps(write_status(decision.status), allow_nan=False))
        wrote: bool = raw != self.status
        if wrote:
            self.status = raw
            self.resource_version += 1
        return wrote

    def _execute(self, action: Action) -> None:
        if self._out_of_reach(action):
            raise Transient("network", "connection refused")
        self._do(action)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Transient("network", "the answer was lost")

    def _do(self, action: Action) -> None:
        match action:
            case AddFinalizer():
                self.finalized = True
            case RemoveFinalizer():
                self.finalized = False
                self._collect()
            case SubmitRun():
                self._submit(action)
            case TerminateRun(run_id=run_id):
                self._terminate(run_id)
            case DeleteRun(run_id=run_id):
                self._forget_run(run_id)
            case ApplyServing(step=step):
                if self.apply_refused:
                    raise Rejected("KServe", "admission webhook denied the request")
                self.serving.apply(step, self.now)
            case DeleteServing():
                self.serving.delete(self.now)
            case DeleteArtifacts(uri=uri):
                self.reports = {key: report for key, report in self.reports.items() if not key.startswith(uri)}

    def _out_of_reach(self, action: Action) -> bool:
        match action:
            case SubmitRun() | TerminateRun() | DeleteRun():
                return self.kfp_down
            case ApplyServing():
                return self.kserve_down or self.apply_fails
            case DeleteServing():
                return self.kserve_down
            case DeleteArtifacts():
                return self.s3_down
            case AddFinalizer() | RemoveFinalizer():
                return False

    def _terminate(self, run_id: str) -> None:
        for run in self.runs:
            if run.id == run_id and not run.state(self.now).terminal:
                run.terminated = run.terminated or self.now

    def _forget_run(self, run_id: str) -> None:
        for run in self.runs:
            if run.id == run_id:
                assert run.state(self.now).terminal
                self._forgotten_seeds[str(run.request.parameters["output_uri"])] = int(run.request.parameters["seed"])
        self.runs = [run for run in self.runs if run.id != run_id]

    def _submit(self, request: SubmitRun) -> None:
        if request.package is not None:
            self._read_package(request.package)
        if self.kfp_refuses:
            raise Rejected("KFP", "the experiment is archived")
        if any(run.request.run_name == request.run_name for run in self.runs):
            return
        seed, attempt = int(request.parameters["seed"]), int(request.run_name.rsplit("-", 1)[1])
        plan = self.plans.get(seed, ModelPlan())
        ending = plan.endings[min(attempt, len(plan.endings)) - 1]
        self.run_count += 1
        self.runs.append(WorldRun(f"run-{self.run_count}", request, self.now, plan, ending))

    def _read_package(self, reference: PackageReference) -> None:
        if self.s3_down:
            raise Transient("S3", "connection refused")
        if self.overwritten is not None:
            self.packages[reference.location.uri], self.overwritten = self.overwritten, None
        found = self.packages.get(reference.location.uri)
        if not isinstance(found, PipelinePackage) or found.digest != reference.digest:
            raise Changed("S3", f"{reference.location.uri} was changed since it was looked at")

    def remove_run(self, name: str) -> None:
        """Someone deletes a run on the KFP page."""
        for run in list(self.runs):
            if run.request.run_name == name:
                self._forgotten_seeds[str(run.request.parameters["output_uri"])] = int(run.request.parameters["seed"])
                self.runs.remove(run)

    # Many passes

    def step(self) -> Pass:
        """One pass, and time until the next one: what a watch tells of, or what the pass asked for."""
        result = self.reconcile()
        waits = [] if result.requeue_after is None else [result.requeue_after]
        change = self.serving.next_change(self.now)
        if change is not None:
            waits.append(change - self.now)
        if self.exists and not result.wrote and waits:
            self.advance(min(waits))
        elif self.exists and result.requeue_after is not None and result.requeue_after > timedelta(0):
            self.advance(min(result.requeue_after, timedelta(seconds=1)))
        return result

    def settle(self, quiet: timedelta = timedelta(minutes=5, seconds=30), most: int = 3000) -> World:
        """Pass after pass until nothing is done or said for `quiet`."""
        since, at_once = self.now, 0
        for _ in range(most):
            if not self.exists:
                return self
            before = self.now
            result = self.step()
            if not result.idle:
                since = self.now
            at_once = at_once + 1 if self.now == before else 0
            assert at_once < 20, f"a busy loop: {result.decision}"
            at_rest = result.idle and result.requeue_after is None and self.now == before
            if at_rest or self.now - since > quiet:
                return self
        raise AssertionError(f"never at rest: {self.model}")

    def until(self, wanted: Any, most: int = 600) -> World:
        """Pass after pass until `wanted(self)` holds."""
        for _ in range(most):
            if wanted(self):
                return self
            self.step()
        raise AssertionError(f"never came: {self.model}")


def spec(**changes: Any) -> ChurnModelSpec:
    """A spec with short times; dotted paths with `__`."""
    content: dict[str, Any] = {
        "dataset": {"uri": DATASET},
        "training": {"seed": 1, "retries": 2, "timeout": "4m", "algorithm": "logisticRegression"},
        "evaluation": {"minimums": {"rocAuc": 0.8}},
        "rollout": {
            "steps": [
                {"weight": 10, "bake": "90s"},
                {"weight": 50, "bake": "90s"},
                {"weight": 100, "bake": "0s"},
            ],
            "progress_deadline": "3m",
        },
        "triggers": {},
        "serving": {},
        "history": {},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = content
        for parent in parents:
            part = part[parent]
        part[last] = value
    return ChurnModelSpec.model_validate(content)


def world(driver: str = "knative", **changes: Any) -> World:
    """A world with a new ChurnModel of this spec."""
    return World(spec(**changes), installation=replace(INSTALLATION, traffic_driver=driver))


def in_service(driver: str = "knative", **changes: Any) -> World:
    """A world whose version 1 (seed 1) is in service."""
    made = world(driver, **changes).settle()
    assert made.model.rollout.stable == 1, made.model
    return made
