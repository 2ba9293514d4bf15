"""Settings: what the infrastructure writes is what the functions read."""

from __future__ import annotations

import inspect

import pytest

from serinus import settings
from serinus.errors import SettingMissing

KINDS = [kind for name, kind in inspect.getmembers(settings, inspect.isclass) if name.endswith("Settings")]


def filled(kind: type[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the settings with a value of its own in each field."""
    return kind(**{name: f"the {name}" for name in settings.field_names(kind)})


@pytest.mark.parametrize("kind", KINDS)
def test_settings_survive_the_environment(kind: type[tuple[str, ...]]) -> None:
    """Written as variables and read back, they are the same."""
    assert settings.read(kind, settings.as_environment(filled(kind))) == filled(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_each_missing_or_empty_setting_is_named(kind: type[tuple[str, ...]]) -> None:
    """The error names the variable, so that a deployment can be mended."""
    for name in settings.as_environment(filled(kind)):
        environment = settings.as_environment(filled(kind))
        for broken in ({**environment, name: ""}, {key: environment[key] for key in environment if key != name}):
            with pytest.raises(SettingMissing) as caught:
                settings.read(kind, broken)
            assert caught.value.name == name


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no environment is given, it is the process's own."""
    for name, value in settings.as_environment(settings.InferSettings("fraud", "all", "1.0", "[]", "null")).items():
        monkeypatch.setenv(name, value)
    assert settings.read(settings.InferSettings) == settings.InferSettings("fraud", "all", "1.0", "[]", "null")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_VERSION", raising=False)
    assert settings.lambda_version() == "$LATEST"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    assert settings.lambda_version() == "7"
