-- Pins the version that was in service before this one. Git does not know the field, so the application stays in sync.
local status = obj.status or {}
local stable = status.rollout ~= nil and status.rollout.stable or nil

local before = nil
for _, version in ipairs(status.versions or {}) do
  local was_in_service = version.state == "Superseded" and version.promoted ~= nil and version.number ~= stable
  if was_in_service and (before == nil or (version.retired or "") >= (before.retired or "")) then
    before = version
  end
end

if before == nil then
  error("no version was in service before this one")
end
obj.spec.rollbackTo = before.number
return obj
