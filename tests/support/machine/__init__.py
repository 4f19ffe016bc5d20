"""The machine: an engine, disks, devices and signals."""
