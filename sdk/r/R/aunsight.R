# What code that runs as an au2 job may use: its arguments, output and status.
#
# The job finds the names of its files in environment variables. Where they are not set, as on your
# own machine, files in the working directory take their place. JSON is read and written by jsonlite.

# Return the arguments of this run: a named list. JSON's arrays of plain values become vectors.
# Outside a container: what is in args.json, nothing if that does not exist.
arguments <- function() {
  given <- Sys.getenv("AU_ARGS_FILE")
  if (!nzchar(given) && !file.exists("args.json")) {
    return(.nothing)
  }
  path <- if (nzchar(given)) given else "args.json"
  found <- jsonlite::read_json(
    path,
    simplifyVector = TRUE, simplifyDataFrame = FALSE, simplifyMatrix = FALSE
  )
  if (!is.list(found) || is.null(names(found))) {
    stop("the arguments must be a JSON object", call. = FALSE)
  }
  found
}

# Set the output of this run, a named list; the last call counts. A vector of length one becomes a
# plain value; put I() around it where it is to be an array. A data frame becomes an array of records,
# a factor its labels, dates and times text in ISO 8601 (in UTC), and NA null.
# Outside a container: into output.json.
write_output <- function(output) {
  if (!.is_object(output)) {
    stop("the output must be a list in which everything has a name", call. = FALSE)
  }
  .check_values(output, "")
  json <- if (length(output) == 0) "{}" else .to_json(output)
  .write("AU_OUTPUT_FILE", "output.json", json)
}

# Say what is being done, and how far it is (0 to 1); shown while the job runs. Each call replaces
# the one before. Outside a container: into status.json.
status <- function(text = NULL, progress = NULL) {
  document <- .nothing
  if (!is.null(text)) {
    document$text <- substr(paste(enc2utf8(as.character(text)), collapse = " "), 1, 8192)
  }
  if (!is.null(progress)) {
    if (!isTRUE(is.numeric(progress) && progress >= 0 && progress <= 1)) {
      stop("progress goes from 0 to 1, not ", format(progress), call. = FALSE)
    }
    document$progress <- as.double(progress)
  }
  .write("AU_STATUS_FILE", "status.json", .to_json(document))
}

# Return a folder to write to that is gone after the job.
# Outside a container: a new folder in the session's own place for temporary files.
scratch_directory <- function() {
  given <- Sys.getenv("AU_SCRATCH_DIR")
  if (nzchar(given)) {
    return(given)
  }
  folder <- tempfile("aunsight-")
  dir.create(folder)
  folder
}

.nothing <- structure(list(), names = character())

.is_object <- function(value) {
  named <- names(value)
  is.list(value) &&
    (length(value) == 0 || (!is.null(named) && all(nzchar(named)) && !anyDuplicated(named)))
}

# jsonlite would write null for NaN and infinite numbers and say nothing, and not say where a function is.
.check_values <- function(value, place) {
  if (inherits(value, c("Date", "POSIXt"))) {
    return(invisible(NULL))
  }
  if (is.list(value)) {
    keys <- names(value)
    for (index in seq_along(value)) {
      key <- if (is.null(keys) || !nzchar(keys[index])) index - 1 else keys[index]
      key <- gsub("/", "~1", gsub("~", "~0", key, fixed = TRUE), fixed = TRUE)
      if (is.data.frame(value) && is.double(value[[index]])) {
        .check_numbers(value[[index]], function(row) paste0(place, "/", row, "/", key))
      } else {
        .check_values(value[[index]], paste0(place, "/", key))
      }
    }
  } else if (is.double(value)) {
    is_plain <- (length(value) == 1 && !inherits(value, "AsIs")) || !is.null(dim(value))
    .check_numbers(value, function(at) if (is_plain) place else paste0(place, "/", at))
  } else if (is.function(value) || is.environment(value) || is.language(value)) {
    stop(
      "the output can't be encoded as JSON: '", place, "' is of class ", class(value)[1],
      call. = FALSE
    )
  }
}

.check_numbers <- function(value, place_of) {
  if (inherits(value, c("Date", "POSIXt"))) {
    return(invisible(NULL))
  }
  wrong <- which(is.nan(value) | is.infinite(value))
  if (length(wrong) > 0) {
    stop(
      "the output can't be encoded as JSON: '", place_of(wrong[1] - 1), "' is ", value[wrong[1]],
      ", which no number of JSON is; NA stands for no value",
      call. = FALSE
    )
  }
}

.to_json <- function(value) {
  json <- jsonlite::toJSON(
    value,
    auto_unbox = TRUE, null = "null", na = "null", digits = NA, dataframe = "rows",
    factor = "string", Date = "ISO8601", POSIXt = "ISO8601", UTC = TRUE
  )
  enc2utf8(as.character(json))
}

.write <- function(variable, local, json) {
  path <- Sys.getenv(variable)
  if (!nzchar(path)) path <- local
  data <- charToRaw(json)
  if (!.replace(path, data)) {
    # The file itself may be writable where its folder is not, or be a mount.
    .put(path, data)
  }
  invisible(NULL)
}

# Replace a file as a whole, so that nobody ever reads half of it. Return whether it could be done.
.replace <- function(path, data) {
  temporary <- tempfile(paste0(".", basename(path), "."), tmpdir = dirname(path))
  attempt <- function() {
    .put(temporary, data)
    # Whoever collects it may be somebody else.
    Sys.chmod(temporary, "0644", use_umask = FALSE)
    file.rename(temporary, path)
  }
  done <- tryCatch(suppressWarnings(attempt()), error = function(problem) FALSE)
  if (!done) unlink(temporary)
  done
}

.put <- function(path, data) {
  connection <- file(path, "wb")
  on.exit(close(connection))
  writeBin(data, connection)
}
