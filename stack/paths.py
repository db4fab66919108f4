"""A path into a stack file's settings, `excp.pairs.1.hosts.2` for instance: the one place that
walks along it, through a file's sections and lists and through the schema's models. Pure.

List entries count from 1, as the instances of a pair do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config_schema import ExecConfig

NAMESPACE = "exec"
Path = tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """A setting with the value it has and its default."""

    path: str
    value: object
    default: object


def parse(text: str) -> Path:
    return tuple(text.split("."))


def written(path: Sequence[int | str]) -> str:
    """A path in words; numbers are places in a list, from 0 as Python counts them."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path)


def in_file(path: Path) -> Path:
    """The path of a setting in a whole stack file."""
    return ("config", f"{NAMESPACE}:{path[0]}", *path[1:])


def get(settings: object, path: str | Path) -> Any:
    """What stands there, None if nothing does; `settings` are sections or a model of the schema."""
    value: Any = settings
    for part in parse(path) if isinstance(path, str) else path:
        match value:
            case Mapping():
                value = value.get(part)
            case BaseModel():
                value = getattr(value, part, None)
            case list() if part.isdecimal() and 0 < int(part) <= len(value):
                value = value[int(part) - 1]
            case _:
                return None
    return value


def put(settings: MutableMapping[str, Any], path: str | Path, value: object) -> None:
    """Sets it, with the sections that lead there. ValueError if something else is in its way."""
    *parents, last = parse(path) if isinstance(path, str) else path
    node: Any = settings
    for part in parents:
        node = node.setdefault(part, {})
        if not isinstance(node, MutableMapping):
            raise ValueError(f"{part} is not a section")
    node[last] = value


def remove(settings: object, path: str | Path) -> None:
    """Takes it out, if it is there."""
    *parents, last = parse(path) if isinstance(path, str) else path
    if isinstance(node := get(settings, tuple(parents)), MutableMapping):
        node.pop(last, None)


def leaves(settings: object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no section, with its path."""
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, settings


def changed(model: BaseModel, path: str = "") -> Iterator[Setting]:
    """Every setting that has a default and isn't at it, in the schema's order."""
    for name, known in type(model).model_fields.items():
        value = getattr(model, name)
        here = f"{path}.{name}" if path else name
        if isinstance(value, BaseModel):
            yield from changed(value, here)
        elif isinstance(value, dict) and all(isinstance(v, BaseModel) for v in value.values()):
            for key, item in value.items():
                yield from changed(item, f"{here}.{key}")
        elif not known.is_required():
            default = known.get_default(call_default_factory=True)
            if value != default:
                yield Setting(here, value, default)


def as_variable(value: object) -> str | None:
    """A value as a container's variable or a `.env` has it, lists with commas as the vendor writes
    them; None if there is nothing to be set."""
    match value:
        case None | []:
            return None
        case bool():
            return "true" if value else "false"
        case list():
            return ",".join(map(str, value))
    return str(value)


def as_words(value: object) -> str:
    """A value as a person reads it."""
    match value:
        case dict():
            return ", ".join(f"{key}: {item}" for key, item in value.items()) or "none"
        case list():
            return ", ".join(map(str, value)) or "none"
    text = as_variable(value)
    return "none" if text is None else text


def field_at(path: Sequence[int | str], root: type[BaseModel] = ExecConfig) -> FieldInfo | None:
    """The schema's field at a path: its description, default and type; None where it has none."""
    model = model_at(path[:-1], root)
    return model.model_fields.get(str(path[-1])) if model and path else None


def default_of(path: str) -> object:
    """The schema's default; None where there is none."""
    known = field_at(parse(path))
    return (
        None
        if known is None or known.is_required()
        else known.get_default(call_default_factory=True)
    )


def model_at(
    path: Sequence[int | str], root: type[BaseModel] = ExecConfig
) -> type[BaseModel] | None:
    """The schema's model at a path; None where the path leaves the schema. `root` is the model of
    the whole file."""
    model: type[BaseModel] | None = root
    annotation: Any = root
    for part in path:
        if model is not None:
            field = model.model_fields.get(str(part))
            annotation = field.annotation if field else None
        else:
            arguments = get_args(annotation)
            annotation = arguments[-1] if arguments else None
        annotation = _without_none(annotation)
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        model = annotation if is_model else None
    return model


def _without_none(annotation: Any) -> Any:
    if isinstance(annotation, UnionType) or get_origin(annotation) is UnionType:
        (annotation,) = (a for a in get_args(annotation) if a is not type(None))
    return annotation
