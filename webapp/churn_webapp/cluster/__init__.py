"""What the app asks of Kubernetes: as itself to read, as the person to act."""
