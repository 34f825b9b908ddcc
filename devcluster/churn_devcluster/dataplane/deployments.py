"""Standard mode: a Deployment for the predictor and one for each entry of `spec.canary[]`. Pure.

It follows `reconcileCanaryDeployments` and `applyCanaryWeights` of KServe's controller (master of August
2026), because the operator depends on their corners: only canaries that are ready have a weight; a canary
at 0 % without minReplicas of its own has no replica and never becomes ready; whatever Deployment is
neither the predictor's nor a canary's is deleted at once, so that to promote a canary which is not ready
is an outage; and a canary that fails says nothing of why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from churn_devcluster.dataplane.model import Canary, Phase, Revision, Service, Share, Template, Value


class Variant(Value):
    """What one Deployment shall be; `name` is `predictor.name`, empty for the predictor that has none."""

    name: str
    template: Template
    percent: int = 0
    replicas: int = 1


def service_name(inference_service: str, name: str) -> str:
    """Name of a variant's Deployment and Service."""
    return f"{inference_service}-{name}-predictor" if name else f"{inference_service}-predictor"


def apply_spec(service: Service, predictor: Variant, canaries: Sequence[Variant] = ()) -> Service:
    """The service after its Deployments were updated to the given spec.

    A Deployment whose template did not change keeps its pods: so a canary becomes the predictor, by its
    name, without a restart.
    """
    wished = {
        "predictor_name": predictor.name,
        "canaries": tuple(Canary(name=each.name, percent=each.percent, replicas=each.replicas) for each in canaries),
    }
    service = service.model_copy(update=wished)
    service = service.model_copy(update={"revisions": tuple(_not_orphaned(service))})
    for variant in (*canaries, predictor):
        service = _with_template(service, variant)
    return service


def _not_orphaned(service: Service) -> Iterator[Revision]:
    """A Deployment that comes back under an old name is a new one."""
    names = {name for name, _ in _expected(service)}
    routed = {share.revision_name for share in service.effective}
    for revision in service.revisions:
        if revision.deployment in names or revision.pod is not None or revision.name in routed:
            yield revision


def _with_template(service: Service, variant: Variant) -> Service:
    newest = next(_newest_first(service, variant.name), None)
    if newest is not None and newest.template.digest == variant.template.digest:
        return service
    number = service.created + 1
    revision = Revision(
        name=f"{service_name(service.name, variant.name)}-{number:05d}",
        template=variant.template,
        deployment=variant.name,
        generation=1 if newest is None else newest.generation + 1,
    )
    return service.model_copy(update={"created": number, "revisions": (*service.revisions, revision)})


def _expected(service: Service) -> Iterator[tuple[str, int]]:
    """Name and replicas of each Deployment there shall be; the predictor's first."""
    yield service.predictor_name, 1
    for canary in service.canaries:
        yield canary.name, canary.replicas


def _newest_first(service: Service, name: str) -> Iterator[Revision]:
    return (revision for revision in reversed(service.revisions) if revision.deployment == name)


def shares(service: Service) -> tuple[Share, ...]:
    """The split Envoy shall make; empty while the predictor was never ready under its name."""
    predictor = serving(service, service.predictor_name)
    if predictor is None:
        return ()
    canaries = [
        Share(revision_name=revision.name, percent=canary.percent, latest=False)
        for canary in service.canaries
        if is_available(service, canary)
        for revision in [serving(service, canary.name)]
        if revision is not None
    ]
    weight = 100 - sum(share.percent for share in canaries)
    return (Share(revision_name=predictor.name, percent=weight, latest=True), *canaries)


def serving(service: Service, name: str) -> Revision | None:
    """The revision of a Deployment that answers requests; during an update the old one until the new can.

    Without a ready pod it is the one Envoy knows: the predictor's waits for its pod there; a canary's
    does so after a restart of the data plane, which no pod of a real cluster would notice, but not after
    a failure.
    """
    mine = list(_newest_first(service, name))
    ready = next((each for each in mine if each.pod is not None and each.pod.phase is Phase.READY), None)
    routed = {share.revision_name for share in service.effective}
    waiting = (each for each in mine if each.name in routed)
    return ready or next((each for each in waiting if name == service.predictor_name or each.failure is None), None)


def is_available(service: Service, canary: Canary) -> bool:
    """`ready` of the canary's entry in `status.canaryStatuses`."""
    return canary.replicas > 0 and serving(service, canary.name) is not None


def services(service: Service) -> dict[str, tuple[Share, ...]]:
    """The Services there are, and what each leads to: the pods of one Deployment."""
    found: dict[str, tuple[Share, ...]] = {}
    for name, replicas in _expected(service):
        revision = serving(service, name) if replicas else None
        share = () if revision is None else (Share(revision_name=revision.name, percent=100, latest=False),)
        found[service_name(service.name, name)] = share
    return found


def needed(service: Service) -> frozenset[str]:
    """Names of the revisions that must have a pod: the newest of each Deployment, and what serves for it."""
    names: set[str] = set()
    for name, replicas in _expected(service):
        if replicas:
            names.update(
                each.name for each in (next(_newest_first(service, name), None), serving(service, name)) if each
            )
    return frozenset(names)
