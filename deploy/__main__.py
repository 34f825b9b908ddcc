"""`python -m deploy` writes the files here that are made from others; `--check` compares them."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from deploy.argocd import config_map
from deploy.generated_files import Generator, write_or_check
from deploy.grafana import dashboards
from deploy.helm import chart
from deploy.olm import bundle_files
from deploy.prometheus import prometheus_rule

GENERATORS: Mapping[str, Generator] = {
    "argocd": Generator(config_map.rendered),
    "prometheus": Generator(prometheus_rule.rendered),
    "grafana": Generator(dashboards.rendered),
    "helm": Generator(chart.rendered),
    "olm": Generator(bundle_files.rendered, owned=bundle_files.BUNDLE),
}

if __name__ == "__main__":
    sys.exit(write_or_check("python -m deploy", GENERATORS.values()))
