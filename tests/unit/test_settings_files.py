"""Where settings are read from: a file, or a folder whose files are joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from homelab_netpol.settings import SettingsError, load_settings


def test_a_file_that_is_missing_or_absurd_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "missing.yaml")
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * 2_000_000)
    with pytest.raises(SettingsError, match="larger than"):
        load_settings(big)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(binary)


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_the_files_of_a_folder_are_joined(tmp_path: Path) -> None:
    folder = _write(
        tmp_path,
        netpol="logging: {format: json}\ndns: {proxy: true}",
        mine="defaultDeny: labelled",
        more="logging: {level: debug, format: json}",
        empty="# nothing yet",
    )
    (folder / "..data").mkdir()  # as a ConfigMap's volume has it
    settings = load_settings(folder)
    assert (settings.default_deny, settings.dns.proxy) == ("labelled", True)
    assert (settings.logging.format, settings.logging.level) == ("json", "debug")


def test_two_files_that_contradict_each_other_are_both_named(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="defaultDeny: workload", b="dns: {}\ndefaultDeny: labelled")
    with pytest.raises(SettingsError) as caught:
        load_settings(folder)
    assert str(folder / "a.yaml") in str(caught.value)
    assert str(caught.value).startswith(f"{folder / 'b.yaml'}: defaultDeny: ")


def test_a_mistake_is_told_with_the_file_that_made_it(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="dns: {proxy: true}", b="dns: {ports: [{port: 0}]}\nworkers: x")
    with pytest.raises(SettingsError) as caught:
        load_settings(folder)
    told = {tuple(line.split(": ")[:2]) for line in str(caught.value).splitlines()}
    assert {path for _, path in told} >= {"dns.ports[0].port", "workers"}
    assert {file for file, _ in told} == {str(folder / "b.yaml")}


@pytest.mark.parametrize("name", ["netpol.yaml~", "netpol.json", "README"])
def test_a_file_that_would_not_count_is_told(tmp_path: Path, name: str) -> None:
    _write(tmp_path, netpol="workers: 4")
    (tmp_path / name).write_text("workers: 5")
    with pytest.raises(SettingsError, match=r"not read, as its name does not end with \.yaml"):
        load_settings(tmp_path)


def test_a_folder_without_settings_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no settings file"):
        load_settings(tmp_path)
