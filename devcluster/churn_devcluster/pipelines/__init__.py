"""An endpoint that speaks the v2beta1 REST API of Kubeflow Pipelines and executes runs on this machine."""
