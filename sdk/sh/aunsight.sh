# What shell code that runs as an au2 job may use: its arguments, output and status.
#
#   . aunsight.sh
#
# The job finds the names of its files in environment variables. Where they are not set, as on your
# own machine, files in the working directory take their place. Any POSIX shell, with sed and awk.
# Each function runs in a subshell, so your variables and options stay as they are.

# aunsight_arguments: print the arguments of this run, a JSON object.
# Outside a container: what is in args.json, nothing if that does not exist.
aunsight_arguments() (
    if [ -z "${AU_ARGS_FILE:-}" ] && [ ! -e args.json ]; then
        echo '{}'
    else
        cat -- "${AU_ARGS_FILE:-args.json}"
    fi
)

# aunsight_argument NAME [DEFAULT]: print one argument, a text as it is, all else as JSON.
# Without DEFAULT, an argument that is missing or null is an error. Needs jq.
aunsight_argument() (
    command -v jq >/dev/null || _aunsight_fail 'aunsight_argument needs jq' || return
    missing=0
    aunsight_arguments | jq -e --arg name "${1?name of an argument}" '.[$name] != null' >/dev/null ||
        missing=$?
    case $missing in
        0) aunsight_arguments | jq -rc --arg name "$1" '.[$name]' ;;
        1)
            [ "$#" -gt 1 ] || _aunsight_fail "there is no argument '$1'" || return
            printf '%s\n' "$2"
            ;;
        *) _aunsight_fail 'the arguments are not a JSON object' ;;
    esac
)

# aunsight_write_output [JSON]: set the output of this run, a JSON object; the last call counts.
# Without JSON it is read from standard input. Outside a container: into output.json.
aunsight_write_output() (
    if [ "$#" -gt 0 ]; then json=$1; else json=$(cat) || return; fi
    if command -v jq >/dev/null; then
        printf '%s\n' "$json" | jq -es 'length == 1 and (.[0] | type == "object")' >/dev/null 2>&1
    else
        case $json in *'{'*'}'*) ;; *) false ;; esac
    fi || _aunsight_fail 'the output must be a JSON object' || return
    _aunsight_write "${AU_OUTPUT_FILE:-output.json}" "$json"
)

# aunsight_status TEXT [PROGRESS]: say what is being done, and how far it is (0 to 1); shown while
# the job runs. Each call replaces the one before. Outside a container: into status.json.
aunsight_status() (
    json='' progress=''
    if [ -n "${1:-}" ]; then json="\"text\":$(aunsight_quote "$1")"; fi
    if [ -n "${2:-}" ]; then
        progress=$(LC_ALL=C awk -v p="$2" 'BEGIN {
            if (p !~ /^([0-9]+[.]?[0-9]*|[.][0-9]+)$/ || p + 0 > 1) exit 1
            printf "%.6g", p
        }') || _aunsight_fail "progress goes from 0 to 1, not $2" || return
        json="$json${json:+,}\"progress\":$progress"
    fi
    _aunsight_write "${AU_STATUS_FILE:-status.json}" "{$json}"
)

# aunsight_scratch_directory: print a folder to write to that is gone after the job.
# Outside a container: a new folder in the system's place for temporary files.
aunsight_scratch_directory() (
    if [ -n "${AU_SCRATCH_DIR:-}" ]; then
        printf '%s\n' "$AU_SCRATCH_DIR"
    else
        mktemp -d "${TMPDIR:-/tmp}/aunsight-XXXXXX"
    fi
)

# aunsight_quote TEXT: print TEXT as a JSON string, quotes included, to put JSON together without jq.
aunsight_quote() (
    printf '%s\n' "${1-}" | LC_ALL=C sed 's/[\\"]/\\&/g' | LC_ALL=C awk '
        BEGIN {
            for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i)
            printf "\""
        }
        NR > 1 { printf "\\n" }
        {
            while (match($0, /[\001-\037]/)) {
                printf "%s%s", substr($0, 1, RSTART - 1), code[substr($0, RSTART, 1)]
                $0 = substr($0, RSTART + 1)
            }
            printf "%s", $0
        }
        END { printf "\"" }'
)

_aunsight_fail() {
    printf 'aunsight: %s\n' "$1" >&2
    return 1
}

# Replace a file as a whole, so that nobody ever reads half of it. The file itself may be writable
# where its folder is not, or be a mount: then it is written.
_aunsight_write() (
    case $1 in */*) folder=${1%/*} ;; *) folder=. ;; esac
    if [ ! -d "$1" ] && temporary=$(mktemp "$folder/.${1##*/}.XXXXXX" 2>/dev/null); then
        # Whoever collects it may be somebody else, and mktemp makes it its owner's only.
        if printf '%s\n' "$2" >"$temporary" && chmod 644 "$temporary" &&
            mv -f -- "$temporary" "$1" 2>/dev/null; then
            return
        fi
        rm -f -- "$temporary"
    fi
    printf '%s\n' "$2" >"$1"
)
