# One target an image:
#
#     docker build --target operator -t ghcr.io/churnops/churn-operator:0.1.0 .
#     docker build --target trainer  -t ghcr.io/churnops/churn-trainer:0.1.0 .
#     docker build --target serving  -t ghcr.io/churnops/churn-serving:0.1.0 .
#     docker build --target webapp   -t ghcr.io/churnops/churn-webapp:0.1.0 .
#     docker build --target cli      -t ghcr.io/churnops/churnctl:0.1.0 .
#
# A tag moves. A release names the base by its digest, the same for all of them:
#
#     --build-arg BASE=docker.io/library/python:3.12-slim-bookworm@sha256:…
#
# Nothing here needs root on the machine that builds: deploy/images/build builds all of them with buildah.
ARG BASE=docker.io/library/python:3.12-slim-bookworm


FROM ${BASE} AS packages
ARG UV_VERSION=0.13.9
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check "uv==${UV_VERSION}"
ENV UV_PROJECT_ENVIRONMENT=/opt/churn \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
WORKDIR /build
COPY pyproject.toml uv.lock ./


# Exactly the locked packages of one extra. The sources follow in a layer of their own.
FROM packages AS operator-packages
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra operator
COPY operator/churn_operator /opt/churn/src/churn_operator
COPY report/churn_report /opt/churn/src/churn_report
RUN python3 -m compileall -q /opt/churn/src

FROM packages AS trainer-packages
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra trainer
COPY trainer/churn_trainer /opt/churn/src/churn_trainer
COPY report/churn_report /opt/churn/src/churn_report
RUN python3 -m compileall -q /opt/churn/src

FROM packages AS serving-packages
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra serving
COPY serving/churn_serving /opt/churn/src/churn_serving
COPY report/churn_report /opt/churn/src/churn_report
RUN python3 -m compileall -q /opt/churn/src

FROM packages AS webapp-packages
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra webapp
COPY webapp/churn_webapp /opt/churn/src/churn_webapp
COPY report/churn_report /opt/churn/src/churn_report
RUN python3 -m compileall -q /opt/churn/src

FROM packages AS cli-packages
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra cli
COPY cli/churnctl /opt/churn/src/churnctl
COPY crds/churnmodels.churnops.dev.yaml /opt/churn/src/churnctl/lint/churnmodels.churnops.dev.yaml
COPY report/churn_report /opt/churn/src/churn_report
RUN python3 -m compileall -q /opt/churn/src


# The root file system may be read-only: what is written goes to /tmp.
FROM ${BASE} AS runtime
ENV PATH=/opt/churn/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/churn/src \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /tmp
USER 65532:65532
LABEL org.opencontainers.image.licenses=Apache-2.0


FROM runtime AS operator
COPY --from=operator-packages /opt/churn /opt/churn
EXPOSE 8080 8081
HEALTHCHECK --interval=15s --timeout=5s --start-period=5m \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/healthz', timeout=4)"]
ENTRYPOINT ["python3", "-m", "churn_operator"]


# Kubeflow Pipelines starts each step with a command of its own, and waits for its end.
FROM runtime AS trainer
COPY --from=trainer-packages /opt/churn /opt/churn
ENV MPLBACKEND=Agg \
    MPLCONFIGDIR=/tmp/matplotlib
HEALTHCHECK NONE
ENTRYPOINT ["python3", "-m", "churn_trainer"]


# KServe's agent puts the model into /mnt/models; see deploy/serving for arguments and probes.
FROM runtime AS serving
COPY --from=serving-packages /opt/churn /opt/churn
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=1m \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/v2/health/live', timeout=4)"]
ENTRYPOINT ["python3", "-m", "churn_serving"]


# One process with threads; what it keeps it keeps in memory.
FROM runtime AS webapp
COPY --from=webapp-packages /opt/churn /opt/churn
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["python3", "-m", "churn_webapp"]


# For CI pipelines: `churnctl lint` before a merge, `churnctl status` after a deployment.
FROM runtime AS cli
COPY --from=cli-packages /opt/churn /opt/churn
HEALTHCHECK NONE
ENTRYPOINT ["python3", "-m", "churnctl"]
