set -eu
. aunsight.sh
aunsight_status "adding up" 0.5
cat prepared.txt
echo "the key is $API_KEY"
aunsight_arguments | jq --arg greeting "$GREETING" --arg key "$API_KEY" --arg jq "$(jq --version)" '{
  "label": .label, total: (.numbers | add), greeting: $greeting, key_length: ($key | length), dependency: $jq
}' | aunsight_write_output
