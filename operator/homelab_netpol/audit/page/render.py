"""An audit's document to HTML: templates, styles and scripts put together into one file.

The page may be mailed and opened anywhere, so its Content-Security-Policy allows nothing but its
own style and scripts, by hash. Whatever the cluster says is data: the templates escape it, the
scripts only ever set it as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from homelab_netpol.audit.page.content import content, moment
from homelab_netpol.package_data import InstallationBroken, data_folder

_STYLES = ("base.css", "tables.css", "picture.css", "details.css")
# In the head, so that chosen colours are there before anything is drawn.
_EARLY = ("theme.js",)
# In this order; all share one scope.
_SCRIPTS = (
    "data.js",
    "flow.js",
    "filter.js",
    "connections.js",
    "picture.js",
    "details.js",
    "start.js",
)


def render_page(document: Mapping[str, object]) -> str:
    """The page of an audit.

    Args:
        document: as `audit -o json` writes it; what is missing is left out of the page.

    Raises:
        InstallationBroken: a template, a style or a script is missing.
    """
    style = "".join(_asset(name) for name in _STYLES)
    early, script = _script(_EARLY), _script(_SCRIPTS)
    try:
        return (
            _templates()
            .get_template("page.html")
            .render(
                content(document),
                style=style,
                early=early,
                script=script,
                security=_security_policy([style], [early, script]),
            )
        )
    except jinja2.TemplateNotFound as error:
        raise _missing(str(error)) from error


def _security_policy(styles: list[str], scripts: list[str]) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {' '.join(map(_source, styles))}",
            f"script-src {' '.join(map(_source, scripts))}",
            "img-src data:",  # the icon, which a browser would else ask a server for
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",  # text never becomes markup, by no mistake
        ]
    )


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _script(names: tuple[str, ...]) -> str:
    parts = "\n".join(_asset(name) for name in names)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def _asset(name: str) -> str:
    try:
        return (_folder() / name).read_text(encoding="utf-8")
    except OSError as error:
        raise _missing(name) from error


def _missing(name: str) -> InstallationBroken:
    return InstallationBroken(f"{name} is missing from {_folder()}; install it again")


def _folder() -> Path:
    return data_folder("audit/page/assets")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_folder()),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = moment
    # `tojson` also escapes what could end a script element.
    dumping: dict[str, Any] = {"separators": (",", ":"), "sort_keys": False, "allow_nan": False}
    environment.policies["json.dumps_kwargs"] = dumping
    environment.policies["json.dumps_function"] = json.dumps
    return environment
