"""The state machine of one InferenceService: spec and pod observations in, revisions and traffic out.

Pure. It follows `createKnativeService`, `PropagateStatus` and `PropagateModelStatus` of the KServe
controller, because the operator depends on their corners: what a first rollout is, when an omitted
percentage promotes, what percentage 0 does after a promotion. What differs in Standard mode is in
`deployments`.
"""

from __future__ import annotations

from churn_devcluster.dataplane import deployments
from churn_devcluster.dataplane.model import (
    DeploymentMode,
    Failure,
    FailureInfo,
    ModelStatus,
    Phase,
    Pod,
    Revision,
    Service,
    Share,
    Template,
    TrafficTarget,
    TransitionStatus,
)


class TrafficRefusedError(Exception):
    """Knative's webhook refuses a traffic block whose percentages are not a split of 100."""


def apply_spec(service: Service, template: Template, canary_percent: int | None) -> Service:
    """The service after its Knative service was updated to the given spec; a Deployment without canaries
    knows no percentage.

    Raises:
        TrafficRefusedError: the percentage lies outside 0 to 100; nothing is updated then, not even the
            template, since both are one update of one object.
    """
    if service.mode is DeploymentMode.STANDARD:
        return deployments.apply_spec(service, deployments.Variant(name="", template=template))
    targets = _targets(service, canary_percent)
    _check(targets)
    latest = service.latest_created
    new_template = latest is None or latest.template.digest != template.digest
    if not new_template and targets == service.targets:
        return service
    changed = service.model_copy(update={"targets": targets, "generation": service.generation + 1})
    return _with_revision(changed, template) if new_template else changed


def _targets(service: Service, canary_percent: int | None) -> tuple[TrafficTarget, ...]:
    """A split needs a percentage and a revision that once had all traffic; all else is blue-green."""
    if canary_percent is None or not service.latest_rolled_out:
        return (TrafficTarget(percent=100),)
    latest = TrafficTarget(percent=canary_percent)
    if canary_percent >= 100:
        return (latest,)
    stable = TrafficTarget(percent=100 - canary_percent, revision_name=service.latest_rolled_out, tag="prev")
    return (latest, stable)


def _check(targets: tuple[TrafficTarget, ...]) -> None:
    total = sum(target.percent for target in targets)
    if total != 100:
        raise TrafficRefusedError(f"Traffic targets sum to {total}, want 100: spec.traffic")
    for target in targets:
        if not 0 <= target.percent <= 100:
            raise TrafficRefusedError(f"expected 0 <= {target.percent} <= 100: spec.traffic.percent")


def _with_revision(service: Service, template: Template) -> Service:
    number = service.created + 1
    revision = Revision(name=f"{service.name}-predictor-{number:05d}", template=template)
    return service.model_copy(update={"created": number, "revisions": (*service.revisions, revision)})


def observe(service: Service, revision_name: str, pod: Pod | None) -> Service:
    """The service after the pod of a revision was seen; None says that the revision has no pod."""
    revision = service.revision(revision_name)
    if revision is None or revision.pod == pod:
        return service
    seen = revision.model_copy(update=_seen(revision, pod))
    revisions = tuple(seen if each.name == revision_name else each for each in service.revisions)
    return service.model_copy(update={"revisions": revisions, "latest_ready": _latest_ready(service, seen, pod)})


def _seen(revision: Revision, pod: Pod | None) -> dict[str, object]:
    if pod is None:
        return {"pod": None}
    match pod.phase:
        case Phase.READY:
            return {"pod": pod, "failure": None, "create_failed": False}
        case Phase.FAILED | Phase.CREATE_FAILED:
            return {"pod": pod, "failure": pod.failure, "create_failed": pod.phase is Phase.CREATE_FAILED}
        case Phase.INITIALIZING | Phase.STARTING:
            # A pod that starts again after a failure has not recovered yet.
            return {"pod": pod, "failure": revision.failure}


def _latest_ready(service: Service, seen: Revision, pod: Pod | None) -> str:
    if pod is None or pod.phase is not Phase.READY:
        return service.latest_ready
    names = [revision.name for revision in service.revisions]
    if service.latest_ready in names and names.index(seen.name) < names.index(service.latest_ready):
        return service.latest_ready
    return seen.name


def desired_shares(service: Service) -> tuple[Share, ...]:
    """Where traffic should go: each target resolved; empty while no revision was ever ready."""
    if not service.latest_ready:
        return ()
    return tuple(
        Share(
            revision_name=target.revision_name or service.latest_ready,
            percent=target.percent,
            latest=target.revision_name is None,
            tag=target.tag,
        )
        for target in service.targets
    )


def routable(service: Service, shares: tuple[Share, ...]) -> bool:
    """Whether every revision that would get requests can answer them, or be woken to."""
    return bool(shares) and all(
        _answers(service.revision(share.revision_name)) for share in shares if share.percent > 0
    )


def shares_in_force(service: Service) -> tuple[Share, ...]:
    """The split Envoy shall make now: the wished one once it can answer, until then the one it makes."""
    if service.mode is DeploymentMode.STANDARD:
        return deployments.shares(service)
    desired = desired_shares(service)
    return desired if routable(service, desired) else service.effective


def _answers(revision: Revision | None) -> bool:
    if revision is None:
        return False
    if revision.pod is None:
        return revision.template.minimum_replicas == 0
    return revision.pod.phase is Phase.READY


def record_traffic(service: Service, effective: tuple[Share, ...]) -> Service:
    """The service once Envoy is known to split traffic this way; tracks what was rolled out."""
    routed = service.model_copy(update={"effective": effective, "routed": service.routed or bool(effective)})
    if service.mode is DeploymentMode.STANDARD:
        return routed
    latest = next((share for share in effective if share.latest), None)
    if latest is None or latest.revision_name != service.latest_ready:
        return routed
    if service.latest_rolled_out != service.latest_ready:
        if latest.percent != 100:
            return routed
        return routed.model_copy(
            update={
                "previous_rolled_out": service.latest_rolled_out,
                "latest_rolled_out": service.latest_ready,
            }
        )
    if _rolled_back(service, effective, latest):
        return routed.model_copy(update={"latest_rolled_out": service.previous_rolled_out})
    return routed


def _rolled_back(service: Service, effective: tuple[Share, ...], latest: Share) -> bool:
    """A split of one revision with itself: the user took back a promotion, one level and no further."""
    created = service.latest_created
    total = sum(share.percent for share in effective if share.revision_name == latest.revision_name)
    return (
        created is not None
        and created.name == service.latest_ready
        and latest.percent < 100
        and total == 100
        and bool(service.previous_rolled_out)
    )


def is_ready(service: Service) -> bool:
    """Whether the InferenceService is Ready."""
    if service.mode is DeploymentMode.STANDARD:
        return any(share.latest and _answers(service.revision(share.revision_name)) for share in service.effective)
    latest = service.latest_created
    return (
        latest is not None
        and latest.failure is None
        and latest.name == service.latest_ready
        and bool(service.effective)
    )


def record_model(service: Service) -> Service:
    """The service with `modelStatus` brought up to date with the newest revision's pod."""
    latest = service.latest_created
    if latest is None:
        return service
    model = _model(service, latest)
    return service if model == service.model else service.model_copy(update={"model": model})


def _model(service: Service, latest: Revision) -> ModelStatus:
    current = service.model.model_copy(update={"ready_copies": _ready_copies(latest)})
    pod = latest.pod
    if pod is None or pod.phase is Phase.CREATE_FAILED:
        return _moved(current, "FailedToLoad" if latest.failure and pod is None else "Pending")
    if latest.failure is not None:
        return _moved(current, "FailedToLoad", latest.failure)
    match pod.phase:
        case Phase.READY if is_ready(service):
            return _moved(current, "Loaded")
        case Phase.INITIALIZING:
            return _moved(current, "Loading")
        case _:
            return _moved(current, "Pending")


def _ready_copies(revision: Revision) -> int:
    return 1 if revision.pod is not None and revision.pod.phase is Phase.READY else 0


def _moved(model: ModelStatus, target: str, failure: Failure | None = None) -> ModelStatus:
    update: dict[str, object] = {"target": target}
    match target:
        case "Loaded":
            update |= {"transition": TransitionStatus.UP_TO_DATE, "active": "Loaded"}
        case "FailedToLoad":
            update |= {"transition": TransitionStatus.BLOCKED_BY_FAILED_LOAD}
        case _:
            update |= {"transition": TransitionStatus.IN_PROGRESS}
    if failure is not None:
        update["last_failure"] = FailureInfo(
            reason="ModelLoadFailed", message=failure.message, exit_code=failure.exit_code
        )
    return model.model_copy(update=update)


def record_invalid_spec(service: Service, reason: str, message: str) -> Service:
    """The service whose predictor cannot be turned into a template; what runs keeps running."""
    model = service.model.model_copy(
        update={
            "transition": TransitionStatus.INVALID_SPEC,
            "target": "FailedToLoad",
            "last_failure": FailureInfo(reason=reason, message=message),
        }
    )
    return service.model_copy(update={"model": model})


def needed(service: Service) -> frozenset[str]:
    """Names of the revisions that must have a pod (or may be woken): in traffic, wished for, or newest."""
    if service.mode is DeploymentMode.STANDARD:
        return deployments.needed(service)
    names = {share.revision_name for share in (*service.effective, *desired_shares(service))}
    if service.latest_created is not None:
        names.add(service.latest_created.name)
    return frozenset(names)


def may_sleep(service: Service, name: str) -> bool:
    """Whether the revision scales to zero when idle. Standard mode keeps one pod even with minReplicas 0."""
    revision = service.revision(name)
    return (
        service.mode is DeploymentMode.KNATIVE
        and revision is not None
        and revision.template.minimum_replicas == 0
        and revision.pod is not None
        and revision.pod.phase is Phase.READY
    )


def forget(service: Service, keep: int = 20) -> Service:
    """The service without its oldest revisions that nothing refers to any more."""
    if len(service.revisions) <= keep:
        return service
    spared = needed(service) | {service.latest_rolled_out, service.previous_rolled_out, service.latest_ready}
    old = service.revisions[:-keep]
    kept = tuple(revision for revision in old if revision.name in spared)
    return service.model_copy(update={"revisions": (*kept, *service.revisions[-keep:])})
