"""Decompression of gzip and zstd streams, bounded in memory and time."""
