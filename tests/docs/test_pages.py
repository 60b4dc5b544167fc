"""Nothing that a page shows is overlooked, and what belongs together stays together."""

from __future__ import annotations

import textwrap

import pytest

from tests.docs.not_run import NotRun
from tests.docs.pages import Command, SavedFile, Step, steps_in


def shown(text: str) -> list[Step]:
    return list(steps_in(textwrap.dedent(text), "page.md"))


def test_each_line_of_a_shell_block_is_a_command_and_comments_are_none() -> None:
    first, second = shown(
        """\
        ```sh
        # first this
        kubectl get ns

        kubectl get cnp -A
        ```
        """
    )
    assert first == Command("kubectl get ns", "page.md", 3)
    assert second == Command("kubectl get cnp -A", "page.md", 5)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl label namespace my-app \\\n  a=b",
        "kubectl get cnp -o json | jq '.items[]\n  | .metadata.name'",
        "kubectl apply -f - <<'EOF'\nkind: Namespace\n\n# not a comment of the shell\nEOF",
        "for name in a b; do\n  kubectl create namespace $name\ndone",
    ],
)
def test_lines_that_belong_together_are_one_command(command: str) -> None:
    assert [
        step.text for step in shown(f"```sh\n{command}\n```\n") if isinstance(step, Command)
    ] == [command]


def test_after_a_prompt_comes_the_command_and_then_what_it_prints() -> None:
    first, second = shown(
        """\
        - in a list:

          ```console
          $ kubectl get cnp |
            sort
          NAME   AGE
          mine   3s
          $ true
          ```
        """
    )
    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert first.text == "kubectl get cnp |\n  sort"
    assert first.printed == ("NAME   AGE", "mine   3s")
    assert second.printed == ()


def test_a_block_with_a_file_name_is_saved_and_a_custom_resource_is_applied() -> None:
    saved, applied = shown(
        """\
        ```yaml
        # folder/mine.yaml
        a: 1
        ```
        ```yaml
        a: fragment
        ```
        ```yaml
        apiVersion: network-policy.homelab/v1alpha1
        kind: NetworkProfile
        ```
        """
    )
    assert saved == SavedFile("folder/mine.yaml", "# folder/mine.yaml\na: 1\n")
    assert isinstance(applied, Command)
    assert applied.text.startswith("kubectl apply -f - <<'EOF'\napiVersion: network-policy")


def test_a_star_in_the_list_of_exceptions_stands_for_anything_and_nothing_else_does() -> None:
    exception = NotRun("kubectl exec * -- ls [a]", "reason")
    assert exception.covers(Command("kubectl exec -n x \\\n  pod -- ls [a]", "page.md", 1))
    assert not exception.covers(Command("kubectl exec pod -- ls a", "page.md", 1))
    assert not exception.covers(Command("kubectl exec pod -- ls [a] b", "page.md", 1))
