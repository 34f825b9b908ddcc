"""Argo CD's Lua, as Argo CD runs it: Lua 5.1 with the base and table libraries and the clock of os."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lupa import lua51

CUSTOMIZATION = Path(__file__).parents[3] / "deploy/argocd/resource_customizations/churnops.dev/ChurnModel"
NOW = "2026-03-01T12:00:00Z"
"""What the clock of an action shows."""

_RESTRICT = """
getmetatable("").__index = nil
for _, library in ipairs({"string", "math", "io", "debug", "coroutine", "os", "python", "jit"}) do
  _G[library] = nil
  package.loaded[library] = nil
end
for name in pairs(package.loaded) do
  if name ~= "_G" and name ~= "package" and name ~= "table" then package.loaded[name] = nil end
end
"""


class LuaFault(Exception):  # noqa: N818 - what Argo CD shows to its user
    """A script ended in an error."""


@dataclass(frozen=True)
class Argo:
    """The scripts of ChurnModel."""

    folder: Path = CUSTOMIZATION
    dates: list[str] = field(default_factory=list)
    """The formats that scripts asked the clock for."""

    def health(self, model: dict[str, Any]) -> dict[str, Any]:
        """`status` and `message`."""
        answer: dict[str, Any] = self.run("health.lua", model)
        return answer

    def actions(self, model: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Every action by name: disabled, displayName, iconClass."""
        answer: dict[str, dict[str, Any]] = self.run("actions/discovery.lua", model)
        return answer

    def enabled(self, model: dict[str, Any]) -> set[str]:
        """Names of the actions that a person is offered."""
        return {name for name, action in self.actions(model).items() if not action["disabled"]}

    def act(self, name: str, model: dict[str, Any]) -> dict[str, Any]:
        """The object as it is after an action; Argo CD patches the live one by the difference."""
        answer: dict[str, Any] = self.run(f"actions/{name}/action.lua", model)
        return answer

    def run(self, script: str, model: dict[str, Any]) -> Any:
        """What a script returns. Raises LuaFault."""
        lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
        lua.execute(_RESTRICT)
        lua.globals().package.loaded["os"] = lua.table(date=self._date)
        lua.globals().obj = _to_lua(lua, model)
        try:
            answer = lua.execute((self.folder / script).read_text())
        except lua51.LuaError as error:
            raise LuaFault(str(error)) from error
        return _from_lua(answer, model)

    def _date(self, form: str) -> str:
        self.dates.append(form)
        return NOW


def _to_lua(lua: Any, value: Any) -> Any:
    match value:
        case dict():
            return lua.table_from({key: _to_lua(lua, each) for key, each in value.items() if each is not None})
        case list():
            return lua.table_from([_to_lua(lua, each) for each in value])
        case _:
            return value


def _from_lua(value: Any, before: Any) -> Any:
    """Lua has one kind of table: an empty one is a list, unless it was an object before (Argo CD does the same)."""
    if lua51.lua_type(value) != "table":
        return int(value) if isinstance(value, float) and value.is_integer() else value
    keys = list(value.keys())
    if not keys:
        return {} if isinstance(before, dict) else []
    if keys == list(range(1, len(keys) + 1)):
        old = before if isinstance(before, list) else []
        return [_from_lua(value[key], old[key - 1] if key <= len(old) else None) for key in keys]
    known = before if isinstance(before, dict) else {}
    in_order = [*(key for key in known if key in keys), *sorted(key for key in keys if key not in known)]
    return {key: _from_lua(value[key], known.get(key)) for key in in_order}
