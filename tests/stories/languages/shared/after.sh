echo "after, exit code $AU_EXIT_CODE"
