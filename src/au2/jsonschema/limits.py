"""Limits of schemas, and of the cost of checks."""

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
"""Steps for one position in a value. Schemas with more are used in a process of their own."""
LIGHT_WORK = 32_000_000
"""Steps times bytes of the value, up to which a check is done here: below a second at worst."""
LIGHT_EXPLANATION = 16_000_000
"""Steps times bytes squared up to which violations are listed here: each may copy a value."""
CHECK_SECONDS = 3
"""Processor time of a check in a process of its own."""
CHECK_MEMORY_BYTES = 2 << 30
DEFAULT_BYTES = 1 << 20
"""Most bytes of defaults added to a value, as JSON."""
MOST_DEFAULT_STEPS = 200_000
MOST_SUBSCHEMAS_WITH_DEFAULTS = 2_000
"""Larger schemas' defaults are not looked at before they are used."""
LARGEST_CHECKED_DEFAULT = 4096
