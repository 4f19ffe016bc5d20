library(aunsight)

args <- arguments()
status("adding up", 0.5)
cat(readLines("prepared.txt"), sep = "\n")
cat("the key is", Sys.getenv("API_KEY"), "\n")
write_output(list(
  label = args$label,
  total = sum(unlist(args$numbers)),
  greeting = Sys.getenv("GREETING"),
  key_length = nchar(Sys.getenv("API_KEY")),
  dependency = as.character(packageVersion("jsonlite"))
))
