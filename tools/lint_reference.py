"""The page docs/lint.md: every rule of `homelab-netpol lint`, with a wrong and a right example.

    python -m tools.lint_reference > docs/lint.md

Made from lint_head.md beside this file and the registry of rules. The tests lint the
examples, and ask Cilium's engine about them.
"""

from __future__ import annotations

from pathlib import Path

from homelab_netpol.lint import RULES, Rule

_HEAD = Path(__file__).with_name("lint_head.md").read_text(encoding="utf-8")


def page() -> str:
    """The whole page."""
    rows = [
        f"| [{rule.id}](#{rule.anchor}) | {rule.severity} | {rule.summary}"
        f"{' Fixable.' if rule.fixable else ''} |"
        for rule in RULES
    ]
    table = "\n".join(["| Rule | Severity | What it finds |", "|---|---|---|", *rows])
    sections = "\n".join(map(_section, RULES))
    return f"{_HEAD}\n## The rules\n\n{table}\n\n{sections}"


def _section(rule: Rule) -> str:
    needs = f"\nNeeds, beside policies: {rule.needs}.\n" if rule.needs else ""
    fixable = "\n`--fix` puts some of its findings right.\n" if rule.fixable else ""
    return f"""\
### {rule.id} {rule.name}

{rule.summary} ({rule.severity})

{rule.why}

**Instead:** {rule.fix}
{needs}{fixable}
Wrong:

```yaml
{rule.wrong}```

Right:

```yaml
{rule.right}```
"""


if __name__ == "__main__":
    print(page(), end="")
