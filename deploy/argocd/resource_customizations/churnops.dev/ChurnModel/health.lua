-- Health of a ChurnModel, from the conditions that its operator writes (docs/conditions.md). Argo CD runs this without
-- Lua's string library.

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

-- What a person has to do before the work goes on.
local waits_for_a_person = {AwaitingApproval = true, Paused = true}

local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end

local function told(kind)
  local condition = conditions[kind]
  if condition.message == nil or condition.message == "" then
    return condition.reason
  end
  return condition.reason .. ": " .. condition.message
end

local function health(value, message)
  return {status = value, message = message}
end

local function serving()
  local stable = status.rollout ~= nil and status.rollout.stable or nil
  if stable == nil then
    return "no version is in service"
  end
  if not is("Ready", "True") then
    return "version " .. tostring(stable) .. " should serve"
  end
  return "version " .. tostring(stable) .. " goes on serving"
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", is("Reconciling", "True") and told("Reconciling") or "The ChurnModel is being deleted.")
end

if status.observedGeneration == nil or status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "The operator has not looked at this generation of the spec yet.")
end

if obj.spec.suspend == true then
  return health("Suspended", "spec.suspend is true: nothing is trained or rolled out, and " .. serving() .. ".")
end

if is("Stalled", "True") then
  return health("Degraded", told("Stalled") .. " (" .. serving() .. ")")
end

if is("Reconciling", "True") then
  if waits_for_a_person[conditions.Reconciling.reason] then
    return health("Suspended", told("Reconciling"))
  end
  return health("Progressing", told("Reconciling"))
end

if is("Ready", "True") then
  return health("Healthy", told("Ready"))
end

if is("Ready", "False") then
  return health("Degraded", told("Ready"))
end

-- What cannot be seen is neither good nor bad: Argo CD ranks its own Unknown below Degraded.
return health("Progressing", conditions.Ready ~= nil and told("Ready") or "Whether a version answers is not known yet.")
