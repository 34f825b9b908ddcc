-- The operator heeds each value once; a time speaks of whatever is there now.
local os = require("os")
local annotations = obj.metadata.annotations or {}
annotations["churnops.dev/approve"] = os.date("!%Y-%m-%dT%XZ")
obj.metadata.annotations = annotations
return obj
