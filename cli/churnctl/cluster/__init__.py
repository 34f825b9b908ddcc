"""The cluster as the kubeconfig opens it, and the ChurnModels in it."""
