"""How much a schema may hold, and how much checking with it may take."""

DEEPEST = 64
"""Levels of objects and lists in a schema."""
MOST_NODES = 20_000
"""Values in a schema, however deep."""
PATTERN_BYTES = 8 << 20
r"""Largest compiled regular expression: ``^\p{L}{1,64}$`` takes 3 MiB."""
PATTERN_CACHE_BYTES = 1 << 20
MOST_VIOLATIONS = 50
"""Mistakes told at once."""
LIGHT_STEPS = 5_000
"""Steps for one place in a value. Schemas that take more are used in a process of their own."""
LIGHT_WORK = 32_000_000
"""Steps times bytes of the value, up to which it is checked here: well below a second at worst."""
LIGHT_EXPLANATION = 16_000_000
"""Steps times bytes times bytes, up to which mistakes are listed here: each may copy the value."""
CHECK_SECONDS = 3
"""Processor time of a check in a process of its own."""
CHECK_MEMORY_BYTES = 2 << 30
DEFAULT_BYTES = 1 << 20
"""Most that defaults add to a value, as JSON."""
MOST_DEFAULT_STEPS = 200_000
MOST_PLACES_WITH_DEFAULTS = 2_000
"""Larger schemas' defaults are not looked at before they are used."""
LARGEST_CHECKED_DEFAULT = 4096
