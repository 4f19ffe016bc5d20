# Write package.rds beside this file: what R's installation makes of DESCRIPTION, as text and without
# the time and version of the R that made it. Run it after each change of DESCRIPTION:
#
#   Rscript sdk/r/installed/make.r [DESCRIPTION [RESULT]]
given <- commandArgs(trailingOnly = TRUE)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1]))
description <- if (length(given) > 0) given[1] else file.path(here, "..", "DESCRIPTION")
result <- if (length(given) > 1) given[2] else file.path(here, "package.rds")

fields <- gsub("\n *", " ", read.dcf(description)[1, ])
oldest <- package_version("4.0.0")
needed <- list(name = "R", op = ">=", version = oldest)
information <- structure(
  list(
    DESCRIPTION = c(fields, Built = "R 4.0.0; ; ; unix"),
    Built = list(R = oldest, Platform = "", Date = "", OStype = "unix"),
    Rdepends = needed,
    Rdepends2 = list(needed),
    Depends = list(),
    Suggests = list(),
    Imports = list(jsonlite = list(name = "jsonlite")),
    LinkingTo = list()
  ),
  class = "packageDescription2"
)
saveRDS(information, result, ascii = TRUE, compress = FALSE, version = 2)
