"""A ChurnModel as people see it. Pure: no network, no clock."""
