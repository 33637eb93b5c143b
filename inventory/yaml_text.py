"""Small YAML files that people write: strict, and hostile ones end in a sentence.

No aliases (a few lines of them expand to gigabytes), no key twice, no tags of Python, limits on size and depth.
"""

from collections.abc import Hashable
from typing import Any

import yaml

from inventory.text import Message, msg

MAX_YAML_BYTES = 4 * 1024**2
MAX_DEPTH = 16


class YamlError(Exception):
    """The text cannot be used; the message says line and what was expected."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(message.id)


class _Loader(yaml.SafeLoader):
    pass


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
    del deep
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int):
            raise YamlError(
                msg("line {line}: a key must be a word; expected `key: value`", line=key_node.start_mark.line + 1)
            )
        if key in found:
            raise YamlError(
                msg("line {line}: {key} is given twice; expected each key once", line=key_node.start_mark.line + 1,
                    key=str(key))
            )  # fmt: skip
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(data: bytes) -> Any:
    """What the text says, as plain values (dates as `date`).

    Raises:
        YamlError: it is no YAML of a few pages in UTF-8.
    """
    if len(data) > MAX_YAML_BYTES:
        raise YamlError(msg("larger than {limit} bytes; expected YAML of a few pages", limit=MAX_YAML_BYTES))
    try:
        text = data.decode("utf-8-sig")
        _refuse_traps(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise YamlError(msg("byte {at} is not UTF-8; save the file as UTF-8", at=error.start)) from error
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + 1
        raise YamlError(msg("line {line}: {why}; expected YAML", line=line, why=error.problem or "")) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise YamlError(msg("{why}; expected YAML", why=str(error))) from error


def _refuse_traps(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise YamlError(msg("line {line}: aliases are not read; expected the value itself", line=line))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlError(msg("line {line}: nested deeper than {limit}", line=line, limit=MAX_DEPTH))
