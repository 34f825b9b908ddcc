-- The version that spec asks for comes back by a rollout. Where Git has rollbackTo, remove it there.
obj.spec.rollbackTo = nil
return obj
