"""Flow runs in the places where production runs them: containers, object stores, Git, Kubernetes.

`make test-places` runs these tests, with a container engine of its own.
"""
