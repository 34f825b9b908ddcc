-- What can be done to a ChurnModel now: the operator's verbs, and pinning the version before. An action is enabled where
-- the operator would heed it (docs/conditions.md#verbs) and not answer it by the event AnnotationIgnored.

local status = obj.status or {}
local rollout = status.rollout or {}
local training = status.training or {}

local acts = obj.spec.suspend ~= true and obj.metadata.deletionTimestamp == nil
local pinned = obj.spec.rollbackTo ~= nil
local under_way = acts and not pinned and rollout.candidate ~= nil

local function wished_key()
  return status.dataset ~= nil and status.dataset.key or nil
end

local function held_against_the_wish()
  local key = wished_key()
  if key == nil then
    return false
  end
  for _, rejected in ipairs(status.rejectedKeys or {}) do
    if rejected.key == key then
      return true
    end
  end
  return training.key == key and (training.state == "Failed" or training.state == "BackingOff")
end

local function has_a_version_before()
  for _, version in ipairs(status.versions or {}) do
    if version.state == "Superseded" and version.promoted ~= nil and version.number ~= rollout.stable then
      return true
    end
  end
  return false
end

local function action(enabled, title, icon)
  return {disabled = not enabled, displayName = title, iconClass = "fa fa-fw fa-" .. icon}
end

local retryable = acts and not pinned and rollout.candidate == nil and held_against_the_wish()

return {
  approve = action(under_way and rollout.awaiting == "Approval", "Approve this step", "check"),
  pause = action(under_way and rollout.paused ~= true, "Pause the rollout", "pause"),
  resume = action(under_way and rollout.paused == true, "Resume the rollout", "play"),
  promote = action(
    under_way and (rollout.promoting ~= true or rollout.paused == true),
    "Promote now, skipping what is left",
    "fast-forward"
  ),
  abort = action(under_way, "Abort the rollout", "stop"),
  retry = action(retryable, "Try again what spec asks for", "redo"),
  rollback = action(acts and not pinned and rollout.candidate == nil and has_a_version_before(), "Roll back to the version before", "undo"),
  unpin = action(acts and pinned, "Remove spec.rollbackTo", "unlink"),
}
