"""KServe: manifests and readings (pure, one file a traffic driver), and the Serving port over them."""
