"""The operator's rows: throughput, idle load, memory, restart and the time from a change to its run."""
