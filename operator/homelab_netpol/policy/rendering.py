"""Jinja templates to policy bodies.

A template says what a policy allows; name, namespace and labels are put on by the caller, so that
no template can write into another namespace. Every value that a template prints comes out as JSON,
which is YAML: a value can never become structure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox
import yaml
from markupsafe import Markup

from homelab_netpol.cilium.validation import check_body
from homelab_netpol.policy.keys import CILIUM_KINDS, Kind
from homelab_netpol.policy.long_lists import LongLists
from homelab_netpol.policy.objects import digest_of

_SUFFIX = ".yaml.j2"
_MAX_TEMPLATE_BYTES = 256 * 1024
_MAX_RENDERED_CHARS = 1024 * 1024

# JSON writes characters beyond U+FFFF as two surrogates, which YAML does not put together again.
_SURROGATES = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")


# A policy's body, `{"spec": ...}` or `{"specs": [...]}`, and its digest.
Rendered = tuple[Mapping[str, Any], str]

# At the most: custom resources change, and what was rendered for old ones is never used again.
_MAX_REMEMBERED = 4096


class RenderError(Exception):
    """A template cannot be rendered, or what it renders is not a policy. Says which and why."""


class Renderer:
    """Renders templates found in some directories, the first that has one wins.

    Results are remembered by template and variables: a thousand namespaces with the same profile
    share one rendering.
    """

    def __init__(self, directories: Sequence[Path], globals_: Mapping[str, Any]) -> None:
        """Prepares an environment.

        Args:
            directories: where templates are, most specific first.
            globals_: what every template may use: the settings.
        """
        self._directories = [directory.resolve() for directory in directories]
        self._long = LongLists()
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            loader=_SizedLoader(self._directories),
            undefined=jinja2.StrictUndefined,
            autoescape=True,
            finalize=self._printed,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        # `safe` would let a value through as it is; `tojson` escapes for HTML, not for YAML.
        for name in ("safe", "tojson"):
            environment.filters.pop(name, None)
        environment.globals = dict(globals_)
        self._environment = environment
        self._rendered: dict[tuple[str, str], Rendered] = {}

    def names(self, folder: str) -> list[str]:
        """Names of the templates of a folder, such as the profiles in `profiles`."""
        found = {
            path.name.removesuffix(_SUFFIX)
            for directory in self._directories
            for path in (directory / folder).glob(f"*{_SUFFIX}")
            if not path.name.startswith("_")
        }
        return sorted(found)

    def body(
        self, template: str, kind: Kind, *, remember: bool = True, **variables: Any
    ) -> Rendered:
        """Renders one policy's body.

        Args:
            template: path below the template directories, without the suffix.
            kind: the kind that must come out.
            remember: keep the result; not for variables that hardly ever come again.
            variables: of the template, beside the settings; JSON types only.

        Returns:
            The body, `{"spec": ...}` or `{"specs": [...]}`, and its digest. It is shared: treat it
            as immutable.

        Raises:
            RenderError: the template is missing or wrong, or gives something else than a policy.
        """
        memo = (template, json.dumps(variables, sort_keys=True)) if remember else None
        known = None if memo is None else self._rendered.get(memo)
        if known is None:
            body = _checked(self._manifest(template, variables), template, kind)
            known = (body, digest_of(body))
            if memo is not None:
                if len(self._rendered) >= _MAX_REMEMBERED:
                    self._rendered.clear()
                self._rendered[memo] = known
        return known

    def _manifest(self, template: str, variables: Mapping[str, Any]) -> Any:
        with self._long.taken():
            text = self._render(template, variables)
            try:
                return self._long.put_back(_parsed(text, template), text)
            except LookupError:
                pass
        return _parsed(self._render(template, variables), template)

    def _printed(self, value: Any) -> Any:
        """What `{{ ... }}` prints: JSON, but for what macros give, which is Markup."""
        if isinstance(value, Markup | jinja2.Undefined):
            return value
        stand_in = self._long.stand_in(value)
        return Markup(json_for_yaml(value if stand_in is None else stand_in))

    def _render(self, template: str, variables: Mapping[str, Any]) -> str:
        try:
            text = self._environment.get_template(template + _SUFFIX).render(**variables)
        except jinja2.TemplateNotFound as error:
            raise RenderError(f"template {error.name}: not found in {self._where()}") from error
        except jinja2.TemplateSyntaxError as error:
            where = f"template {error.name or template + _SUFFIX}, line {error.lineno}"
            raise RenderError(f"{where}: {error.message}") from error
        except RenderError:
            raise
        except Exception as error:
            # A template may fail in any way that an expression can; none may end the operator.
            raise RenderError(f"template {template}{_SUFFIX}: {error}") from error
        characters = len(text) + self._long.characters
        if characters > _MAX_RENDERED_CHARS:
            raise RenderError(f"template {template}{_SUFFIX}: renders {characters} characters")
        return text

    def _where(self) -> str:
        return ", ".join(map(str, self._directories))


class _SizedLoader(jinja2.FileSystemLoader):
    """Reads templates, but nothing absurdly large."""

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        source = super().get_source(environment, template)
        if len(source[0]) > _MAX_TEMPLATE_BYTES:
            raise RenderError(f"template {template}: larger than {_MAX_TEMPLATE_BYTES} bytes")
        return source


def json_for_yaml(value: Any) -> str:
    """Encodes a value as JSON that YAML reads back as the same value.

    Raises:
        RenderError: the value is not of a JSON type.
    """
    try:
        text = json.dumps(value)
    except (TypeError, ValueError) as error:
        raise RenderError(f"cannot print a value: {error}") from error
    return _SURROGATES.sub(_astral, text)


def _astral(match: re.Match[str]) -> str:
    high, low = int(match[1], 16), int(match[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _load(text: str) -> Any:
    # Ten times as fast as the loader in Python, with the same safe constructors.
    if yaml.__with_libyaml__:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    return yaml.safe_load(text)


def _parsed(text: str, template: str) -> Any:
    try:
        return _load(text)
    except (yaml.YAMLError, RecursionError) as error:
        where = f"template {template}{_SUFFIX}"
        raise RenderError(f"{where}: renders no valid YAML: {error}") from error


def _checked(manifest: Any, template: str, kind: Kind) -> Mapping[str, Any]:
    where = f"template {template}{_SUFFIX}"
    if not isinstance(manifest, dict):
        raise RenderError(f"{where}: renders no object")
    if manifest.get("apiVersion") != kind.api_version or manifest.get("kind") != kind:
        raise RenderError(f"{where}: must render {kind.api_version} {kind}")
    extra = sorted(map(str, manifest.keys() - {"apiVersion", "kind", "spec", "specs"}))
    if extra:
        raise RenderError(
            f"{where}: must not set {', '.join(extra)}: the operator names and labels the policy"
        )
    rules = manifest["specs"] if "specs" in manifest else [manifest.get("spec")]
    one_of_them = ("spec" in manifest) != ("specs" in manifest)
    if not one_of_them or not isinstance(rules, list) or not rules:
        raise RenderError(f"{where}: must render either `spec` or a list `specs`")
    body = {key: manifest[key] for key in ("spec", "specs") if key in manifest}
    if kind in CILIUM_KINDS:
        # What Cilium rejects is not in force, and leaves its namespace wide open.
        problems = check_body(body, kind)
        if problems:
            said = "; ".join(f"{problem.path}: {problem.message}" for problem in problems[:5])
            raise RenderError(f"{where}: {said}")
    elif not isinstance(manifest.get("spec"), dict):
        raise RenderError(f"{where}: must render a `spec`")
    return body
