"""The errors of this package, below one base class.

    LocalClusterError
    ├── BuildError          the lab binary, or the Go that builds it
    ├── ProcessDiedError    a component ended by itself
    ├── NotReadyError       a component is not ready in time
    ├── RefusedError        an existing cluster that must not be used
    └── EngineError         Cilium's policy engine

Every message says what happened, where, and what to do next, because most readers meet it in the
output of `make demo` or `make test`.
"""


class LocalClusterError(Exception):
    """Anything that keeps a local cluster or the verdict engine from working."""


class BuildError(LocalClusterError):
    """The lab binary could not be built, or Go could not be found or installed."""


class ProcessDiedError(LocalClusterError):
    """A component ended by itself; the message carries the end of its log."""


class NotReadyError(LocalClusterError):
    """Something that was waited for did not come in time."""


class RefusedError(LocalClusterError):
    """An existing cluster was not used, because it was not named or lacks what is needed."""


class EngineError(LocalClusterError):
    """The verdict engine refused a request, or is gone."""
