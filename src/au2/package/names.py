"""The names of a package's files (spec section 2)."""

from au2.domain.language import Language

MANIFEST = "aunsight.yml"
ARGS_SCHEMA = "args.schema.yml"
OUT_SCHEMA = "out.schema.yml"
ENVIRONMENT = "env.yml"
IGNORE = ".auignore"
BEFORE = "before.sh"
AFTER = "after.sh"
PYTHON_DEPENDENCIES = "requirements.txt"
JAVASCRIPT_DEPENDENCIES = "package.json"
JAVASCRIPT_LOCK = "package-lock.json"
JAVASCRIPT_SHRINKWRAP = "npm-shrinkwrap.json"
"""npm takes it instead of a lock where both are."""
NPM_SETTINGS = ".npmrc"

ENTRY_POINTS = tuple(language.entry_point for language in Language)

NEVER_IGNORED = frozenset(
    {
        MANIFEST,
        ARGS_SCHEMA,
        OUT_SCHEMA,
        ENVIRONMENT,
        IGNORE,
        BEFORE,
        AFTER,
        PYTHON_DEPENDENCIES,
        JAVASCRIPT_DEPENDENCIES,
        JAVASCRIPT_LOCK,
        JAVASCRIPT_SHRINKWRAP,
        *ENTRY_POINTS,
    }
)
"""Files at the top of a package that ``.auignore`` can't leave out."""
