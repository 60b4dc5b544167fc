"""All objects that were given, by kind, with what was left out and why. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homelab_netpol.cilium.terms import NAME_LABEL
from homelab_netpol.manifests import kinds
from homelab_netpol.manifests.manifest import Manifest, ManifestError
from homelab_netpol.manifests.metadata import check_metadata, is_variable


@dataclass(slots=True)
class ManifestSet:
    """The objects of one cluster, or of the tree that describes it.

    Attributes:
        skipped: how many objects of each kind (`group/kind`) no command reads.
        gaps: in sentences, what should be here and could not be read. Where there is one, an
            answer is of a part only, and must say so.
        unread: the kinds that could not be read at all.
        others: variants of objects that are given, where those were asked to be kept.
        with_rbac: roles and their bindings are kept as well.
    """

    skipped: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    others: list[Manifest] = field(default_factory=list)
    with_rbac: bool = False
    _by_kind: defaultdict[tuple[str, str], dict[tuple[str, str], Manifest]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(
        self, manifests: Iterable[Manifest], namespace: str = "", *, keep_variants: bool = False
    ) -> None:
        """Takes objects in.

        Args:
            manifests: the objects.
            namespace: of those that must be in one and do not say in which.
            keep_variants: an object that is given twice, and differently, is no error: the first
                counts, and the others are kept beside it.

        Raises:
            ManifestError: one lacks what it must have, or is given twice and differently.
        """
        for each in manifests:
            if each.kind == kinds.EMPTY_LIST:
                continue
            unasked = each.kind in kinds.RBAC and not self.with_rbac
            if unasked or not kinds.is_read(each.group, each.kind):
                kind = f"{each.group}/{each.kind}".lstrip("/")
                self.skipped[kind or "documents without apiVersion and kind"] += 1
                continue
            if is_variable(each) and not kinds.is_ruling(each.kind):
                self.skipped[f"{each.kind} with a variable in its name"] += 1
                continue
            check_metadata(each)
            made = _in_namespace(each, namespace)
            objects = self._by_kind[made.group, made.kind]
            key = (made.namespace, made.name)
            known = objects.get(key)
            if known is not None and keep_variants:
                self.others.append(made)
                continue
            if known is not None and known.data != made.data:
                raise ManifestError(
                    f"{made.source}: {made} is given twice, and differently: see {known.source};"
                    " give one of the two (--exclude leaves files out)"
                )
            objects[key] = made

    def of(self, kind: str, group: str | None = None) -> Sequence[Manifest]:
        """The objects of a kind, in the order of namespace and name.

        Args:
            kind: the kind.
            group: its API group; None: all that have the kind, but for Calico's.
        """
        found = [
            each
            for (each_group, each_kind), objects in self._by_kind.items()
            if each_kind == kind
            and (each_group == group if group is not None else not kinds.is_calico(each_group))
            for each in objects.values()
        ]
        return sorted(found, key=lambda each: (each.namespace, each.name))

    def get(self, kind: str, name: str, namespace: str = "") -> Manifest | None:
        """One object; None: it is not given."""
        for (group, each), objects in self._by_kind.items():
            if each == kind and not kinds.is_calico(group) and (namespace, name) in objects:
                return objects[namespace, name]
        return None

    def __len__(self) -> int:
        """How many objects there are."""
        return sum(map(len, self._by_kind.values()))

    @property
    def manifests(self) -> list[Manifest]:
        """All objects."""
        return [each for objects in self._by_kind.values() for each in objects.values()]

    def namespaces(self) -> list[Mapping[str, Any]]:
        """The manifests of all Namespaces, those included that are only named by other objects.

        A namespace that is only named has no labels but its name, which the API server gives it.
        """
        given = {each.name: each.data for each in self.of(kinds.NAMESPACE)}
        named = {
            each.namespace
            for each in self.manifests
            if each.namespace and each.kind not in kinds.RBAC
        }
        made = {name: {"metadata": {"name": name}} for name in named - given.keys()}
        everything = {**given, **made}
        return [_with_name_label(everything[name]) for name in sorted(everything)]

    def namespace_labels(self) -> dict[str, Mapping[str, str]]:
        """The labels of each of these, by its name."""
        return {each["metadata"]["name"]: each["metadata"]["labels"] for each in self.namespaces()}

    def summary_of_skipped(self) -> str:
        """What was left out, in words; "" if nothing was."""
        if not self.skipped:
            return ""
        most = self.skipped.most_common(5)
        rest = self.skipped.total() - sum(count for _, count in most)
        more = f" and {rest} more" if rest else ""
        shown = ", ".join(f"{count} {kind}" for kind, count in most)
        return f"not read, as no rule depends on their kinds: {shown}{more}"


def _with_name_label(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = manifest["metadata"]
    labels = {NAME_LABEL: metadata["name"], **(metadata.get("labels") or {})}
    return {**manifest, "metadata": {**metadata, "labels": labels}}


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    if manifest.namespace or not kinds.is_namespaced(manifest.kind):
        return manifest
    # As kubectl does with what names none.
    metadata = {**manifest.data["metadata"], "namespace": namespace or "default"}
    return Manifest({**manifest.data, "metadata": metadata}, manifest.source)
