"""
Real database nodes on this machine, for tests, demos and lessons: `tools/cluster --help`.

Ordinary processes with a folder, ports and sockets of their own; nothing is installed, no service
of the system is touched, and nothing listens on anything but loopback.
"""
