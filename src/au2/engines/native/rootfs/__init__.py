"""Root file system of containers: unpacked layers, overlay mounts, users and programs inside."""
