"""A YAML file that holds one key and a list under it, as files of waivers and of confirmed names do."""

from pathlib import Path
from typing import Any

from inventory.settings import ConfigError
from inventory.text import Message, msg
from inventory.yaml_text import YamlError, load_yaml


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _wrong(path, msg("cannot be read ({why})", why=error.strerror or str(error))) from error


def entries(data: bytes, path: Path, *, key: str, limit: int) -> list[tuple[str, Any]]:
    """Each entry with its place, `FILE[1]`; a file that holds the key alone has none. `path` is for the sentences.

    Raises:
        ConfigError: it is no such file, or has more than `limit` entries.
    """
    try:
        said = load_yaml(data)
    except YamlError as error:
        raise _wrong(path, error.message) from error
    listed = (said[key] or []) if isinstance(said, dict) and set(said) == {key} else None
    if not isinstance(listed, list) or len(listed) > limit:
        raise _wrong(path, msg("expected one key `{key}` with a list of at most {limit}", key=key, limit=limit))
    return [(f"{path.name}[{number}]", item) for number, item in enumerate(listed, 1)]


def _wrong(path: Path, what: Message) -> ConfigError:
    return ConfigError(msg("{path}: {what}", path=str(path), what=what))
